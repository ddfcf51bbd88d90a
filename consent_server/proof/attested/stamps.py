"""Time that is not ours: each seal stamped by an authority that CONSENT_TSA names (RFC 3161)."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import rfc3161_client as rfc3161
from cryptography.x509 import Certificate, InvalidVersion, load_der_x509_certificate

from ...net.deadline import Deadline
from ...site import ConsentError, Site
from ...store import Store
from ...verify import Failed, NoCertificate, no_panic, read_certificates, stamped

SECONDS = 10
"""For how long an authority may take to answer, whatever it does meanwhile."""

MOST = 65_536
"""Bytes of an answer: one with its certificates has about 6,000."""

AT_ONCE, SECONDS_A_ROUND = 50, 60.0
"""How many seals of a site are stamped in one run, and for how long those of all sites are; the next one goes on."""


class NotStamped(ConsentError):
    """The authority did not stamp a seal; says in one sentence why not."""

    problem = "not-stamped"


@dataclass(frozen=True)
class Authority:
    """A time-stamp authority: where it is asked, and the certificates by which its answers are checked, if any."""

    url: str
    certificates: Sequence[Certificate] = ()
    _good: set[bytes] = field(default_factory=set, init=False, repr=False, compare=False)
    """Hashes of kept stamps that were checked, and of their seals."""

    @classmethod
    def named(cls, url: str | None, certificate: Path | None) -> Authority | None:
        """Return the authority that the settings name, or None.

        Raises:
            NoCertificate: the file with its certificates cannot be read.
        """
        return cls(url, read_certificates(certificate) if certificate else ()) if url else None

    @classmethod
    def readable(cls, url: str | None, certificate: Path | None, say: Callable[[str], object]) -> Authority | None:
        """Return the same, or None where its certificates cannot be read, which is said: an export goes without."""
        try:
            return cls.named(url, certificate)
        except NoCertificate as error:
            say(f"{error} So time-stamps are exported as they are kept, unchecked.")
            return None

    def stamp(self, seal: str, over: datetime) -> bytes:
        """Return the authority's answer for a seal, DER, after it was checked. ``over``: when the day of it was.

        Raises:
            NotStamped: it does not answer in time, refuses, answers something else, its certificate is not valid, or it
                says that it was before the day was over.
        """
        query = (
            rfc3161.TimestampRequestBuilder().data(seal.encode()).hash_algorithm(rfc3161.HashAlgorithm.SHA256).build()
        )
        name = urlsplit(self.url).hostname
        try:
            answer = self._ask(query.as_bytes())
        except (OSError, HTTPException) as error:
            what = f"{type(error).__name__}: {error}"[:200]
            raise NotStamped(f"The time-stamp authority {name} does not answer ({what}).") from None
        try:
            with no_panic():
                self._check(name, answer, query, seal, over)
        except Failed as error:
            raise NotStamped(f"The answer of the time-stamp authority {name} {error}.") from None
        except (ValueError, InvalidVersion):
            raise NotStamped(f"The time-stamp authority {name} answers what is no time-stamp.") from None
        return answer

    def _check(
        self, name: str | None, answer: bytes, query: rfc3161.TimeStampRequest, seal: str, over: datetime
    ) -> None:
        read = rfc3161.decode_timestamp_response(answer)
        if read.status != 0:
            raise NotStamped(f"The time-stamp authority {name} refuses: {'; '.join(read.status_string)[:200]}.")
        info = read.tst_info
        if info.nonce != query.nonce or info.message_imprint.message != hashlib.sha256(seal.encode()).digest():
            raise NotStamped(f"The time-stamp authority {name} answers what it was not asked.")
        for each in map(load_der_x509_certificate, read.signed_data.certificates):
            if not each.not_valid_before_utc <= info.gen_time <= each.not_valid_after_utc:
                until = f"{each.not_valid_after_utc:%Y-%m-%d}"
                raise NotStamped(f"The time-stamp authority {name} has a certificate that was valid until {until}.")
        if info.gen_time < over:
            raise NotStamped(
                f"By the clock of the time-stamp authority {name} it is {info.gen_time:%Y-%m-%d %H:%M} (UTC), and the "
                "day of the seal not over."
            )
        if self.certificates:
            stamped(answer, seal, self.certificates)

    def keeps(self, stamp: bytes, seal: str, over: datetime) -> bool:
        """Return whether a stamp that is kept may stay: it is the authority's, and from after ``over``.

        Without certificates that is not known, and it may.
        """
        known = hashlib.sha256(b"%d %b%b" % (len(stamp), stamp, seal.encode())).digest()
        if not self.certificates or known in self._good:
            return True
        with suppress(Failed):
            if stamped(stamp, seal, self.certificates) >= over:
                self._good.add(known)
                return True
        return False

    def _ask(self, query: bytes) -> bytes:
        parts = urlsplit(self.url)
        host, is_safe = str(parts.hostname), parts.scheme == "https"
        with Deadline(SECONDS) as deadline:
            connection = HTTPConnection(host)
            try:
                connection.sock = deadline.connect((host, parts.port or (443 if is_safe else 80)))
                if is_safe:
                    context = ssl.create_default_context()
                    connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
                headers = {"Host": parts.netloc, "Content-Type": "application/timestamp-query"}
                connection.request("POST", f"{parts.path or '/'}{parts.query and '?'}{parts.query}", query, headers)
                response = connection.getresponse()
                if response.status != 200:
                    raise HTTPException(f"it answers {response.status}")
                answer = response.read(MOST + 1)
                deadline.left()
                if len(answer) > MOST:
                    raise HTTPException("it answers more than a time-stamp")
                return answer
            except (OSError, HTTPException):
                deadline.left()  # if it is over, that is what is wrong
                raise
            finally:
                connection.close()


def is_stamp(raw: bytes, seal: str, day: date, authority: Authority | None = None) -> bool:
    """Return whether what is kept is a time-stamp of a day's seal, and the authority's as far as that is known."""
    if not 0 < len(raw) <= MOST:
        return False
    try:
        with no_panic():
            read = rfc3161.decode_timestamp_response(raw)
            is_of_seal = read.tst_info.message_imprint.message == hashlib.sha256(seal.encode()).digest()
    except (ValueError, InvalidVersion):
        return False
    over = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)
    return is_of_seal and (authority is None or authority.keeps(raw, seal, over))


def stamp(store: Store, site: Site, authority: Authority, seconds: float = SECONDS_A_ROUND) -> list[date]:
    """Have the seals stamped that have no time-stamp yet, newest first, and return their days.

    A stamp on a seal is one on those before it, which it names; the older ones follow with the next runs. One that is
    kept and does not verify, by the certificates that are known now, is replaced.

    Args:
        store: where the seals are.
        site: whose.
        authority: stamps them.
        seconds: after which the rest is left to the next run.

    Raises:
        NotStamped: the authority did not; what it has stamped is kept, the rest comes with the next run.
    """
    stamps, done, until = store.attestations.stamps(site), list[date](), monotonic() + seconds
    for day, seal in reversed(store.log.seals(site).items()):
        if len(done) == AT_ONCE or monotonic() > until:
            break
        over = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)
        kept = stamps.get(day)
        if kept is None or not authority.keeps(kept, seal, over):
            store.attestations.keep_stamp(site, day, authority.stamp(seal, over), instead_of=kept)
            done.append(day)
    return done
