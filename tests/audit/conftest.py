"""The farm, running. It takes minutes, so `make audit` runs it, and `make test` what needs no browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import closing

from consent_server.settings.environment import Settings

from .farm import Farm

WITHOUT_BROWSER = {
    *("test_advice.py", "test_command.py", "test_draft.py", "test_judge.py", "test_lists.py", "test_netlog.py"),
    *("test_reached.py", "test_suspects.py"),
    *("test_documents.py", "test_numbers.py", "test_second_look.py", "test_sightings.py", "test_withdrawn.py"),
}

collect_ignore = (
    []
    if os.environ.get("AUDIT")
    else [each.name for each in Path(__file__).parent.glob("test_*.py") if each.name not in WITHOUT_BROWSER]
)


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
