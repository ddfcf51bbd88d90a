"""The farm, running. It takes minutes, so `make audit` runs it, and `make test` leaves it out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from conftest import closing

from consent_server.settings.environment import Settings

from .farm import Farm

collect_ignore_glob = [] if os.environ.get("AUDIT") else ["test_*.py"]


@pytest.fixture
def farm(settings: Settings) -> Iterator[Farm]:
    """A shop with a tag and nothing wrong, until the test says so."""
    made = Farm(settings).serve()
    made.page("")
    made.start()
    yield made
    made.stop()
    assert made.app
    with closing(made.app.extensions["consent"].store):
        pass
