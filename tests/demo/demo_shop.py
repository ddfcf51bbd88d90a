"""The pages of the demo's shop, as they are served."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server.demo import storefront
from consent_server.demo.storefront import LANGUAGES


@pytest.fixture(scope="module")
def shop() -> FlaskClient:
    app = Flask("shop")
    app.register_blueprint(storefront.blueprint)
    return app.test_client()


def in_language(lang: str, path: str) -> str:
    return f"/demo{'' if lang == LANGUAGES[0] else '/' + lang}{path}"
