"""Who tells a receiver of a shop's decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from decided import SECRET, SHOP
from receiver import Receiver

from consent_server.events.telling import Teller
from consent_server.events.webhook import Webhook
from consent_server.store import Store


@pytest.fixture
def tell(receiver: Receiver) -> Iterator[Callable[..., Teller]]:
    """Make who tells the receiver what is decided."""
    made: list[Teller] = []

    def make(store: Store, **fields: float) -> Teller:
        webhook = Webhook.of(SHOP, receiver.url, (SECRET,))
        assert webhook
        made.append(Teller(store, SHOP, webhook, **fields))
        made[-1].begin()
        return made[-1]

    yield make
    for teller in made:
        teller.close()
