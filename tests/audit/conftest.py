"""The farm, running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import closing

from consent_server.settings.shops import Settings

from .farm import Farm


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
