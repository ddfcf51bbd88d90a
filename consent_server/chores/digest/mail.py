"""A mail server, and how it is handed a letter."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from ...net.deadline import Deadline
from ...settings.environment import Settings
from ...settings.rows import SettingsError
from ...site import ConsentError

SECONDS = 15
"""For how long the server may take for each answer."""

SECONDS_A_LETTER = 60
"""For how long it may take for all of them together, however it shares them out."""

HERE = ("localhost", "127.0.0.1", "::1")


class NotSent(ConsentError):
    """A letter was not taken; says in one sentence why not.

    ``perhaps``: whether it may have been all the same, as the server had it whole and did not say so.
    """

    problem = "not-sent"

    def __init__(self, message: str, perhaps: bool = False) -> None:
        super().__init__(message)
        self.perhaps = perhaps


@dataclass(frozen=True)
class MailServer:
    """Where letters are handed in: ``smtp://`` takes TLS where the server offers it, ``smtps://`` begins with it."""

    url: str
    sender: str

    @classmethod
    def named(cls, settings: Settings) -> MailServer | None:
        """Return the server that the environment names, or None.

        Raises:
            SettingsError: what goes with it is missing.
        """
        if settings.digest and not settings.smtp:
            raise SettingsError(
                "CONSENT_DIGEST is set, and no mail server: export CONSENT_SMTP=smtp://NAME:PASSWORD@HOST:587.",
                "CONSENT_SMTP",
            )
        if settings.smtp and not settings.smtp_from:
            raise SettingsError(
                "CONSENT_SMTP is set, and nobody to send as: export CONSENT_SMTP_FROM=consent@shop.example.",
                "CONSENT_SMTP_FROM",
            )
        return cls(settings.smtp, str(settings.smtp_from)) if settings.smtp else None

    @property
    def host(self) -> str:
        """Which server it is, as logs may say: its address has a password in it."""
        return str(urlsplit(self.url).hostname)

    def send(
        self,
        message: EmailMessage,
        seconds: float = SECONDS,
        whole: float = SECONDS_A_LETTER,
        *,
        before_it_may_arrive: Callable[[], None] = lambda: None,
    ) -> None:
        """Return when the server has taken a letter.

        Args:
            message: the letter.
            seconds: for how long the server may take for each answer.
            whole: for how many seconds it may take at all.
            before_it_may_arrive: is called when all but its end was handed in; what it raises, the letter ends with.

        Raises:
            NotSent: it did not, or did not say so.
        """
        with Deadline(whole) as deadline, ExitStack() as ended:
            try:
                client = self._connected(seconds, deadline)
                ended.callback(_quit, client)
                self._hand_in(client, message, deadline, before_it_may_arrive)
            except (OSError, ValueError, smtplib.SMTPException) as error:
                if isinstance(error, smtplib.SMTPResponseException) and not deadline.is_over:
                    self._refused(error.smtp_code, error.smtp_error)
                raise NotSent(f"The mail server {self.host} cannot be used: {_reason(error, deadline)}.") from None

    def _hand_in(
        self, client: smtplib.SMTP, message: EmailMessage, deadline: Deadline, before_it_may_arrive: Callable[[], None]
    ) -> None:
        self._introduce(client)
        _must(250, *client.mail(self.sender))
        _must((250, 251), *client.rcpt(str(message["To"])))
        text = message.as_bytes(policy=SMTP)
        _must(354, *client.docmd("DATA"))
        client.send(re.sub(rb"(?m)^\.", b"..", text if text.endswith(b"\r\n") else text + b"\r\n"))
        try:
            before_it_may_arrive()
        except BaseException:
            client.close()  # what else is said would be of the letter
            raise
        deadline.left()
        try:
            client.send(b".\r\n")  # without this it cannot have it whole
            answer = client.getreply()
            deadline.left()  # an answer that was cut off reads as if it were a short one
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(
                f"The mail server {self.host} had the letter and did not say whether it takes it: "
                f"{_reason(error, deadline)}.",
                perhaps=True,
            ) from None
        _must(250, *answer)

    def _connected(self, seconds: float, deadline: Deadline) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        if parts.scheme == "smtps":
            return _Client(self.host, parts.port or 465, seconds, deadline, ssl.create_default_context())
        return _Client(self.host, parts.port or 587, seconds, deadline)

    def _introduce(self, client: smtplib.SMTP) -> None:
        """Say who we are, over TLS wherever that is to be had: a password is told only so, or on this machine."""
        parts = urlsplit(self.url)
        is_safe = parts.scheme == "smtps" or self.host in HERE
        client.ehlo_or_helo_if_needed()
        if not is_safe and client.has_extn("starttls"):
            client.starttls(context=ssl.create_default_context())
            client.ehlo()
            is_safe = True
        if parts.username:
            if not is_safe:
                raise NotSent(f"The mail server {self.host} offers no TLS, and no password is told without.")
            client.login(unquote(parts.username), unquote(parts.password or ""))

    def _refused(self, code: int, said: bytes | str) -> NoReturn:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        raise NotSent(f"The mail server {self.host} refuses: {code} {' '.join(text.split())[:200]}.") from None


class _Client(smtplib.SMTP):
    """A connection that a deadline ends, over TLS from the start if there is a ``context``."""

    def __init__(
        self, host: str, port: int, seconds: float, deadline: Deadline, context: ssl.SSLContext | None = None
    ) -> None:
        self._deadline, self._context = deadline, context
        super().__init__(host, port, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = self._deadline.connect((host, port), timeout)
        return self._context.wrap_socket(connected, server_hostname=host) if self._context else connected


def _quit(client: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):  # it was taken or not, however the talk ends
        client.quit()
    client.close()


def _must(codes: int | tuple[int, ...], code: int, said: bytes) -> None:
    """Return if this is what was to be answered.

    Raises:
        smtplib.SMTPResponseException: it is something else.
    """
    if code not in (codes if isinstance(codes, tuple) else (codes,)):
        raise smtplib.SMTPResponseException(code, said)


def _reason(error: Exception, deadline: Deadline) -> str:
    if isinstance(error, TimeoutError) or deadline.is_over:
        return "it takes too long"
    if isinstance(error, UnicodeError):
        return "its name, or the name or password for it, has characters that mail servers are not told"
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return "it asks for the password in no way that there is"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid, {error.verify_message}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it takes too long" if "timed out" in str(error) else "the connection broke"
    if isinstance(error, smtplib.SMTPException):
        return str(error).rstrip(".")
    return (error.strerror if isinstance(error, OSError) else None) or "the connection broke"
