"""Ports to listen on: whether one is free, and which."""

from __future__ import annotations

import errno
import socket

from ..terminal import CommandFailed


def free_port(host: str, first: int = 0) -> int:
    """Return ``first`` or the next port above it that is free; any free one for 0."""
    for port in range(first, first + 1000) if first else (0,):
        with _probe(host) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                _must_be_ours(host, error)
                continue
            return int(probe.getsockname()[1])
    raise CommandFailed(f"No port from {first} up is free on {host}.")


def must_be_free(host: str, port: int) -> None:
    """Refuse a port that somebody else listens on."""
    with _probe(host) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            _must_be_ours(host, error)
            raise CommandFailed(f"Port {port} on {host} cannot be used ({error.strerror}): name another.") from None


def _probe(host: str) -> socket.socket:
    probe = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return probe


def _must_be_ours(host: str, error: OSError) -> None:
    """Refuse a host that is no address of this machine: then no other port helps."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        raise CommandFailed(
            f"HOST is {host}, which is no address of this machine: set HOST=127.0.0.1, or HOST=0.0.0.0 for all of them."
        ) from None
