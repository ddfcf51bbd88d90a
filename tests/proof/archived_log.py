"""A log with days that are old enough to be archived, and runs that are stopped or killed on the way."""

import pytest
from conftest import closing
from proof.killed import KEYS, NOW, SHOP
from proof.test_killed import Log

from consent_server.proof.archive import archive


class Stopped(Exception):
    pass


@pytest.fixture
def log(valkey, tmp_path):
    made = Log(valkey, None, tmp_path)
    with closing(made.store), made.client:
        yield made


def stopped_before_the_trim(log, monkeypatch):
    """Archive, and stop when the aim is written down and nothing is trimmed yet."""

    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(log.store.log, "trim", stop)
        with pytest.raises(Stopped):
            archive(log.store, SHOP, KEYS, log.folder, NOW)
    (made,) = log.store.log.archives(SHOP)
    assert not made.trimmed
    return made
