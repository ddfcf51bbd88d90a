"""Time that is not ours: each seal stamped by an authority that CONSENT_TSA names (RFC 3161)."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import rfc3161_client as rfc3161
from cryptography.x509 import Certificate, InvalidVersion, load_der_x509_certificate

from ..deadline import Deadline
from ..site import ConsentError, Site
from ..store import Store
from ..verify import Failed, read_certificates, stamped

SECONDS = 10
"""For how long an authority may take to answer, whatever it does meanwhile."""

MOST = 65_536
"""Bytes of an answer: one with its certificates has about 6,000."""

AT_ONCE = 50
"""How many seals are stamped in one run; the next one goes on."""


class NotStamped(ConsentError):
    """The authority did not stamp a seal; says in one sentence why not."""

    problem = "not-stamped"


@dataclass(frozen=True)
class Authority:
    """A time-stamp authority: where it is asked, and the certificates by which its answers are checked, if any."""

    url: str
    certificates: Sequence[Certificate] = ()

    @classmethod
    def named(cls, url: str | None, certificate: Path | None) -> Authority | None:
        """Return the authority that the settings name, or None.

        Raises:
            NoCertificate: the file with its certificates cannot be read.
        """
        return cls(url, read_certificates(certificate) if certificate else ()) if url else None

    def stamp(self, seal: str) -> bytes:
        """Return the authority's answer for a seal, DER, after it was checked.

        Raises:
            NotStamped: it does not answer in time, refuses, answers something else, or its certificate is not valid.
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
            if self.certificates:
                stamped(answer, seal, self.certificates)
        except Failed as error:
            raise NotStamped(f"The answer of the time-stamp authority {name} {error}.") from None
        except (ValueError, InvalidVersion):
            raise NotStamped(f"The time-stamp authority {name} answers what is no time-stamp.") from None
        return answer

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


def stamp(store: Store, site: Site, authority: Authority) -> list[date]:
    """Have the seals stamped that have no time-stamp yet, newest first, and return their days.

    A stamp on a seal is one on those before it, which it names; the older ones follow with the next runs.

    Raises:
        NotStamped: the authority did not; what it has stamped is kept, the rest comes with the next run.
    """
    stamps, done = store.attestations.stamps(site), list[date]()
    for day, seal in reversed(store.log.seals(site).items()):
        if day not in stamps and len(done) < AT_ONCE:
            store.attestations.keep_stamp(site, day, authority.stamp(seal))
            done.append(day)
    return done
