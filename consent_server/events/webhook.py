"""A webhook: an address that events are posted to, signed as Standard Webhooks has it.

Source: the specification, version 1.0.0, https://github.com/standard-webhooks/standard-webhooks: the headers
``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``, which is HMAC-SHA256 over id, time and body with full
stops between; a status of 200 to 299 takes an event, and redirects are not followed.
"""

from __future__ import annotations

import hmac
import io
import math
import re
import socket
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from ..net.deadline import Deadline
from ..site import ConsentError, Site
from .proxy import basic, proxy_of, target_of

SECONDS = 15
"""For how long a receiver may take to answer, whatever it does meanwhile."""

MOST = 4096
"""Bytes of an answer that are read, to use its connection again; of a longer one nothing is."""

ABOUT_ONE = (400, 409, 413, 415, 422)
"""Statuses by which a receiver refuses an event for what is in it; by others it takes none at the moment."""


TOO_MANY = 429
"""The status by which it wants to be left alone, if only for the shortest while."""


LONGEST = 3600
"""Seconds for which a receiver is left alone that wants to be for longer: nobody mends a wrong figure of days."""


class NotTaken(ConsentError):
    """A receiver did not take an event; says in one sentence why not.

    ``about_one``: whether it may take others. ``pause``: for how many seconds it wants to be left alone.
    """

    problem = "not-taken"

    def __init__(self, message: str, about_one: bool = False, pause: int = 0) -> None:
        super().__init__(message)
        self.about_one = about_one
        self.pause = pause


class NoWebhookSecret(ConsentError):
    """A webhook of a site has no secret, or a secret is one of no site."""

    problem = "settings"


@dataclass(frozen=True)
class Webhook:
    """Where events are posted, and the secrets that sign them: all of them, so that one can take another's place."""

    url: str
    secrets: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, site: Site, url: str | None, secrets: Sequence[str]) -> Webhook | None:
        """Return the webhook of a site, or None.

        Args:
            site: whose own comes first.
            url: the one of sites that have none.
            secrets: as ``CONSENT_WEBHOOK_SECRET`` lists them: ``whsec_…`` of all sites, ``SITE=whsec_…`` of one.

        Raises:
            NoWebhookSecret: the site has a webhook of its own, and nothing to sign with.
        """
        listed = [(name.rstrip("="), secret) for name, _, secret in (text.rpartition("whsec_") for text in secrets)]
        own = [secret for name, secret in listed if name == site.id] or [secret for name, secret in listed if not name]
        if site.webhook and not own:
            raise NoWebhookSecret(
                f"CONSENT_WEBHOOK_SECRET is not set, and the webhook of {site.id} has to be signed: "
                'export CONSENT_WEBHOOK_SECRET="whsec_$(openssl rand -base64 32)".'
            )
        address = site.webhook or url
        return cls(address, tuple(b64decode(secret + "==") for secret in own)) if address else None

    @property
    def host(self) -> str:
        """Whom it belongs to, as logs may say: addresses of webhooks have secrets in them."""
        return str(urlsplit(self.url).hostname)

    def headers(self, name: str, body: bytes, at: int) -> dict[str, str]:
        """Return the headers of an event: ``name`` is the same at each attempt, ``at`` (seconds) is the attempt's."""
        signed = b"%s.%d.%s" % (name.encode(), at, body)
        texts = [b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in self.secrets]
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "consent-server",
            "webhook-id": name,
            "webhook-timestamp": str(at),
        }
        return headers | ({"webhook-signature": " ".join(f"v1,{text}" for text in texts)} if texts else {})


def webhooks(sites: Mapping[str, Site], url: str | None, secrets: Sequence[str]) -> dict[str, Webhook]:
    """Return the webhooks of the sites that have one, by id.

    Args:
        sites: all that there are, by id.
        url: the one of sites that have none of their own.
        secrets: as ``CONSENT_WEBHOOK_SECRET`` lists them.

    Raises:
        NoWebhookSecret: a site has a webhook of its own and nothing to sign with, or a secret is one of no site.
    """
    for name in (text.rpartition("whsec_")[0].rstrip("=") for text in secrets):
        if name and name not in sites:
            raise NoWebhookSecret(
                f"CONSENT_WEBHOOK_SECRET has a secret of {name!r}, which is no site; there are {', '.join(sites)}."
            )
    found = {name: Webhook.of(site, url, secrets) for name, site in sites.items()}
    return {name: webhook for name, webhook in found.items() if webhook}


class WebhookConnection:
    """A connection to a webhook, kept from one event to the next; not for several threads at once.

    Args:
        webhook: where it leads.
        seconds: for how long the receiver may take, whatever it does meanwhile.
    """

    def __init__(self, webhook: Webhook, seconds: float = SECONDS) -> None:
        self._webhook = webhook
        self._seconds = seconds
        self._connection: HTTPConnection | None = None
        self._proxy = proxy_of(webhook.url)
        parts = urlsplit(webhook.url)
        self._proves = basic("Authorization", parts)
        if parts.scheme == "http":
            self._proves |= basic("Proxy-Authorization", self._proxy)

    def post(self, name: str, body: bytes) -> None:
        """Return when the receiver has taken an event.

        Args:
            name: names the event, and is the same however often it is posted; without a full stop.
            body: JSON.

        Raises:
            NotTaken: it did not, within the time that it has.
        """
        deadline, kept = Deadline(self._seconds), self._connection is not None
        try:
            try:
                self._post(name, body, deadline)
            except (ConnectionError, HTTPException):
                if not kept:
                    raise
                self._post(name, body, deadline)  # it had closed the connection that was kept
        except (OSError, HTTPException, ValueError) as error:
            raise NotTaken(f"The webhook at {self._webhook.host} cannot be reached: {_reason(error)}.") from None

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _post(self, name: str, body: bytes, deadline: Deadline) -> None:
        connection, self._connection = self._connection or _connect(self._webhook.url, self._proxy, deadline), None
        try:
            timed = cast(_Timed, connection.sock)
            timed.deadline = deadline
            headers = self._webhook.headers(name, body, int(time.time())) | self._proves
            connection.request("POST", target_of(self._webhook.url, self._proxy), body, headers)
            answer = connection.getresponse()
            if not 200 <= answer.status < 300:
                raise _refused(self._webhook.host, answer)
            if not answer.will_close and (answer.length or 0) <= MOST:
                with suppress(OSError, HTTPException):  # it was taken, whatever becomes of the rest
                    timed.deadline = deadline.sooner(1)
                    answer.read(MOST + 1)
                    if answer.isclosed():
                        self._connection = connection
        finally:
            if self._connection is None:
                connection.close()


class _Timed:
    """A socket that takes and gives until a deadline, without a thread that looks at the clock for each event."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self.deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self.deadline.left())
        self._socket.sendall(data)

    def receive_into(self, buffer: memoryview) -> int:
        self._socket.settimeout(self.deadline.left())
        return self._socket.recv_into(buffer)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        self._socket.close()


class _Received(io.RawIOBase):
    """What comes from a socket, for ``http.client`` to read."""

    def __init__(self, timed: _Timed) -> None:
        super().__init__()
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._timed.receive_into(buffer)


def _refused(host: str, answer: HTTPResponse) -> NotTaken:
    if 300 <= answer.status < 400:
        return NotTaken(f"The webhook at {host} redirects to another address ({answer.status}), which is not followed.")
    wait = answer.headers.get("Retry-After", "")
    return NotTaken(
        f"The webhook at {host} answers {answer.status}.",
        about_one=answer.status in ABOUT_ONE,
        pause=min(_seconds(wait), LONGEST) or int(answer.status == TOO_MANY),
    )


def _seconds(wait: str) -> int:
    """Return for how long a Retry-After asks, in seconds or with a date; 0 for anything else."""
    if re.fullmatch("[0-9]{1,20}", wait):
        return int(wait)
    try:
        moment = parsedate_to_datetime(wait)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # of "-0000", or none, nobody knows it
        return max(0, math.ceil(moment.timestamp() - time.time()))
    except (ValueError, OverflowError):
        return 0


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid, {error.verify_message}"
    if isinstance(error, OSError):
        return error.strerror or "the connection broke"
    return "it does not speak HTTP" if isinstance(error, HTTPException) else "its address is none"


def _connect(url: str, proxy: SplitResult, deadline: Deadline) -> HTTPConnection:
    """Return a connection to where ``url`` is.

    Raises:
        OSError: there is nobody, or not in time.
    """
    parts = urlsplit(url)
    host, is_safe = str(parts.hostname), parts.scheme == "https"
    port = parts.port or (443 if is_safe else 80)
    near, near_port = (proxy.hostname, proxy.port or 80) if proxy.hostname else (host, port)
    if is_safe:
        connection: HTTPConnection = HTTPSConnection(near, near_port, context=ssl.create_default_context())
        if proxy.hostname:
            connection.set_tunnel(host, port, basic("Proxy-Authorization", proxy))
    else:
        connection = HTTPConnection(near, near_port)
    connection._create_connection = lambda address, *_: deadline.connect(address)  # type: ignore[attr-defined]
    with deadline:
        try:
            connection.connect()
        except Exception:
            connection.close()
            deadline.left()
            raise
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sock = _Timed(connection.sock, deadline)
    return connection
