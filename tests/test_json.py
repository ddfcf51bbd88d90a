"""No JSON of ours says the same key twice: of two, readers keep the later one, and nobody sees the other go."""

import json

import pytest
from conftest import ROOT

FILES = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        "consent_server/**/*.json",
        "snippet/src/**/*.json",
        "snippet/*.json",
        "docs/**/*.json",
        "tests/**/*.json",
    )
    for path in ROOT.glob(pattern)
)


def once(pairs):
    """Return what an object holds, each of whose keys must be there once."""
    keys = [key for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    assert not twice, twice
    return dict(pairs)


@pytest.mark.parametrize("name", FILES)
def test_no_key_is_there_twice(name):
    json.loads((ROOT / name).read_text("utf-8"), object_pairs_hook=once)


def test_a_key_that_is_there_twice_is_seen():
    with pytest.raises(AssertionError, match="share"):
        json.loads('{"share": 1, "x": {"share": 1, "share": 2}}', object_pairs_hook=once)


def test_the_words_are_among_them():
    assert len([name for name in FILES if "/words/" in name]) > 50
