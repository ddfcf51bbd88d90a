"""What a marketer does on the pages, without a browser."""

from __future__ import annotations

import re

from flask.testing import FlaskClient


def form_word(page: str) -> str:
    """Return the word that a page puts into its forms."""
    return re.search(r'name="form" value="([0-9a-f]+)"', page)[1]


def post(client: FlaskClient, path: str, page: str, **fields: str):
    """Send a form as the page does."""
    return client.post(path, data={"form": form_word(page), **fields})


def api_key(client: FlaskClient, site) -> str:
    """Make an API key on the page and read it from there."""
    page = client.get(f"/keys?site={site.id}").text
    made = post(client, "/keys", page, site=site.id, name="the dashboard")
    return re.search(r"Bearer ([\w-]+)", made.text)[1]
