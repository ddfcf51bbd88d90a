"""A mail server, and how it is handed a letter."""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from ..settings.environment import Settings
from ..settings.rows import SettingsError
from ..site import ConsentError

SECONDS = 15
"""For how long the server may take for each answer."""

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

    def send(self, message: EmailMessage, seconds: float = SECONDS) -> None:
        """Return when the server has taken a letter. ``seconds``: for how long it may take for each answer.

        Raises:
            NotSent: it did not, or did not say so.
        """
        try:
            client = self._connected(seconds)
            try:
                self._hand_in(client, message)
            finally:
                with suppress(OSError, smtplib.SMTPException):  # it was taken or not, however the talk ends
                    client.quit()
                client.close()
        except smtplib.SMTPResponseException as error:
            self._refused(error.smtp_code, error.smtp_error)
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            raise NotSent(f"The mail server {self.host} cannot be used: {_reason(error)}.") from None

    def _hand_in(self, client: smtplib.SMTP, message: EmailMessage) -> None:
        self._introduce(client)
        _must(250, *client.mail(self.sender))
        _must((250, 251), *client.rcpt(str(message["To"])))
        text = message.as_bytes(policy=SMTP)
        _must(354, *client.docmd("DATA"))
        client.send(re.sub(rb"(?m)^\.", b"..", text if text.endswith(b"\r\n") else text + b"\r\n"))
        try:
            client.send(b".\r\n")  # without this it cannot have it whole
            answer = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(
                f"The mail server {self.host} had the letter and did not say whether it takes it: {_reason(error)}.",
                perhaps=True,
            ) from None
        _must(250, *answer)

    def _connected(self, seconds: float) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        if parts.scheme == "smtps":
            return smtplib.SMTP_SSL(self.host, parts.port or 465, timeout=seconds, context=ssl.create_default_context())
        return smtplib.SMTP(self.host, parts.port or 587, timeout=seconds)

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


def _must(codes: int | tuple[int, ...], code: int, said: bytes) -> None:
    """Return if this is what was to be answered.

    Raises:
        smtplib.SMTPResponseException: it is something else.
    """
    if code not in (codes if isinstance(codes, tuple) else (codes,)):
        raise smtplib.SMTPResponseException(code, said)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it takes too long"
    if isinstance(error, UnicodeError):
        return "its name, or the name or password for it, has characters that mail servers are not told"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid, {error.verify_message}"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "it takes too long" if "timed out" in str(error) else "the connection broke"
    if isinstance(error, smtplib.SMTPException):
        return str(error).rstrip(".")
    return (error.strerror if isinstance(error, OSError) else None) or "the connection broke"
