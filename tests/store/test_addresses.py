"""What an address of Redis says of its user, however it is reached."""

from __future__ import annotations

import pytest

from consent_server.store.connection import connect


@pytest.mark.parametrize("scheme", ["redis", "rediss", "redis+sentinel", "rediss+sentinel"])
@pytest.mark.parametrize(
    ("written", "user", "password"),
    [("u:p%40s%2Fs@", "u", "p@s/s"), (":p%3As@", None, "p:s"), ("u%3A:p@", "u:", "p"), ("", None, None)],
)
def test_a_user_and_a_password_are_percent_decoded(
    scheme: str, written: str, user: str | None, password: str | None
) -> None:
    client = connect(f"{scheme}://{written}127.0.0.1:6379", 1)
    known = client.connection_pool.connection_kwargs  # type: ignore[union-attr]
    assert (known.get("username") or None, known.get("password") or None) == (user, password)
    client.close()
