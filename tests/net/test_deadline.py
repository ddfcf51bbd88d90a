"""A deadline reaches a host by whichever of its addresses works here."""

from __future__ import annotations

import errno
import socket

import pytest

from consent_server.net.deadline import Deadline


def test_an_address_of_a_family_that_this_machine_has_not_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the kernel has no IPv6, and the name of a host has an address in it first."""
    real = socket.socket

    def without_ipv6(family: int, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest)

    with real() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        where = listening.getsockname()
        one = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", where[1], 0, 0))
        other = (socket.AF_INET, socket.SOCK_STREAM, 6, "", where)
        with monkeypatch.context() as here:
            here.setattr(socket, "socket", without_ipv6)
            here.setattr(socket, "getaddrinfo", lambda *_args, **_more: [one, other])
            with Deadline(10) as deadline, deadline.connect(("shop.example", where[1])) as connected:
                assert connected.getpeername() == where
            here.setattr(socket, "getaddrinfo", lambda *_args, **_more: [one])
            with Deadline(10) as deadline, pytest.raises(OSError, match="not supported"):
                deadline.connect(("shop.example", where[1]))
