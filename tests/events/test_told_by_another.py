"""What a receiver refused, and took from another server a moment later, is no failure of the first one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from decided import SECRET, SHOP, decide
from receiver import TAKEN, Receiver, status

from consent_server.events.telling import Teller
from consent_server.events.webhook import NotTaken, Webhook
from consent_server.store import Store


@pytest.fixture
def tell(kept: Store, receiver: Receiver) -> Iterator[Callable[[], Teller]]:
    made: list[Teller] = []

    def make() -> Teller:
        webhook = Webhook.of(SHOP, receiver.url, (SECRET,))
        assert webhook
        made.append(Teller(kept, SHOP, webhook))
        made[-1].begin()
        return made[-1]

    yield make
    for teller in made:
        teller.close()


@pytest.mark.parametrize("code", [422, 500], ids=["this one", "any"])
def test_who_tells_all_fails_by_what_is_left_alone(
    kept: Store, receiver: Receiver, tell: Callable[[], Teller], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    one, other = tell(), tell()
    decide(kept, 1)
    receiver.answer = lambda post, connection: status(code)
    with pytest.raises(NotTaken):
        one.tell_all()

    def go_on() -> int:
        receiver.answer = lambda post, connection: TAKEN
        assert other.go_on() == 1
        return 0

    monkeypatch.setattr(one, "go_on", go_on)
    assert one.tell_all() == 0


def test_nothing_is_remembered_of_what_another_has_told(
    kept: Store, receiver: Receiver, tell: Callable[[], Teller]
) -> None:
    one, other = tell(), tell()
    decide(kept, 1)
    receiver.answer = lambda post, connection: status(422)
    assert one.go_on() == 0
    assert len(one._refused) == 1
    receiver.answer = lambda post, connection: TAKEN
    assert other.go_on() == 1
    assert one.go_on() == 0
    assert one._refused == {}
