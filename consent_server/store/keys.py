"""The names of all keys in Redis, and what each of them holds.

Keys of one shopper share a cluster slot: ``{TAG}`` is ``{SITE.BUCKET.n}``, the bucket taken from a hash of the
subject, ``n`` chosen so that a site's buckets lie evenly over all slots.

=================================  ======  ==============================================================
key                                type    meaning
=================================  ======  ==============================================================
consent:layout                     string  version of this table
consent:{TAG}:log                  stream  ``e`` -> packed entry; the id's time is the decision's
consent:{TAG}:seen:CHUNK           hash    8-byte digest of a subject -> its latest 64 places in the log
consent:{TAG}:older:DIGEST         hash    a decision's id, as packed -> its place, of a subject's before those
consent:{TAG}:refused              hash    hour and notice -> the signature that refusals of the hour share
consent:{TAG}:erased               hash    place -> what an erasure left of the entry, and its statement
consent:{TAG}:erasures             zset    these places by their time in ms
consent:{TAG}:sealed               string  end of the last sealed day in ms: no banner is counted before it
consent:{TAG}:torn                 string  when something was last erased that is in the log still; after
                                           ``rewritten``: it is not, but in the append-only file
consent:{TAG}:told                 hash    ``position`` of the last entry that a webhook was told; ``of``: digest
                                           of its address, ``taken``: that took some; ``holder``: who tells it, and
                                           ``until`` when nobody else does, in ms
consent:{TAG}:copy                 stream  the log, as far as it is being written anew; ``old``: for a moment
consent:{TAG}:count:MONTH          string  counters of 32 bits: a row of entry.COLUMNS for each of 31 days, first
                                           of everything, then of each value of a dimension, by its number
consent:{TAG}:values               hash    ``language=az``, ``how=accept`` … -> its number, from 1; ``parts=…``: of
                                           language, variant and device together
consent:{SITE}:notices             hash    notice's hash -> its content, JSON
consent:{SITE}:buckets             string  how many buckets its data are spread over
consent:{SITE}:asked               list    what was asked from when on: revision, words, list, variants, JSON
consent:{SITE}:zones               list    from when on days are counted in which time zone, JSON; before that UTC
consent:{SITE}:seals               hash    day -> the signed head of its entries
consent:{SITE}:stamps              hash    day -> the RFC 3161 time-stamp of its seal, as the authority gave it
consent:{SITE}:cosigned            hash    how many seals -> the checkpoint over them that witnesses cosigned
consent:{SITE}:restored            set     signed records of backups that were put back
consent:{SITE}:archives            hash    last day of an archive -> its file, and whether it is trimmed, JSON
consent:{SITE}:alarm:NAME          string  this alarm, or the digest of a week, was told; expires
consent:{SITE}:leaks:DAY           zset    state, kind and name of what is not allowed -> sightings; expires
consent:endorsements               set     what keys signed of the next and the previous one
consent:keys                       hash    id -> public key, JWK, as kept before there were endorsements
consent:{SITE}:api-keys            hash    digest of an API key -> what it is for, JSON
consent:{SITE}:account-keys        hash    the same of keys that link the accounts of a shop
consent:account:SITE:HASH          string  MARK.TOKEN of an account's newest answer, by a keyed hash; expires with it
consent:linked:SITE:DIGEST         set     names of the accounts that have an answer of a subject; expires with them
consent:{SITE}:links               hash    id of a link to a report -> whom it is for, until when, its question, JSON
consent:{SITE}:notes               hash    id of a marketer's note -> its day and text, JSON
consent:sample                     set     sites whose decisions are made up
consent:marketers                  hash    name -> hash of the password and sites, JSON
consent:session:DIGEST             string  who is logged in, JSON; expires
=================================  ======  ==============================================================
"""

from __future__ import annotations

import hashlib
from binascii import crc_hqx
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import count

import msgspec

from ..site import Site

LAYOUT = "consent:layout"
ENDORSEMENTS = "consent:endorsements"
PUBLIC_KEYS = "consent:keys"
SAMPLE = "consent:sample"
MARKETERS = "consent:marketers"

CHUNKS = 512
"""Hashes a bucket's index is spread over: under 512 subjects each, Redis packs them tightly."""

DAY = 86_400_000
"""Milliseconds."""


class Bucket:
    """A part of a site's data, of which all keys lie in one cluster slot; ``number`` is in the entries of its log."""

    __slots__ = (
        "_start",
        "copy",
        "erased",
        "erasures",
        "log",
        "number",
        "old",
        "refused",
        "sealed",
        "tag",
        "told",
        "torn",
        "values",
    )

    def __init__(self, number: int, tag: str) -> None:
        self.number = number
        self.tag = tag
        self._start = start = f"consent:{{{tag}}}"
        self.log = f"{start}:log"
        self.refused = f"{start}:refused"
        self.erased = f"{start}:erased"
        self.erasures = f"{start}:erasures"
        self.sealed = f"{start}:sealed"
        self.torn = f"{start}:torn"
        self.told = f"{start}:told"
        self.copy = f"{start}:copy"
        self.old = f"{start}:old"
        self.values = f"{start}:values"

    def seen(self, chunk: int) -> str:
        """Return the key of a part of the index."""
        return f"{self._start}:seen:{chunk}"

    def older(self, digest: bytes) -> str:
        """Return the key of a subject's places that are not in the index any more."""
        return f"{self._start}:older:{digest.hex()}"

    def count(self, month: str) -> str:
        """Return the key of the counters of a month, ``2026-11``."""
        return f"{self._start}:count:{month}"


class Place(msgspec.Struct, frozen=True):
    """Where a subject's decisions are: in which bucket, and under which key and field their index."""

    bucket: Bucket
    seen: str
    older: str
    digest: bytes


def buckets(site: Site) -> tuple[Bucket, ...]:
    """Return a site's buckets, in order of the stripe of cluster slots in which each lies."""
    return _buckets(site.id, site.buckets)


@lru_cache(maxsize=1024)
def _buckets(site: str, many: int) -> tuple[Bucket, ...]:
    def tag(bucket: int) -> str:
        for n in count():
            name = f"{site}.{bucket}.{n}"
            # CRC-16/XMODEM is what Redis Cluster maps a key's tag to its slot by.
            if crc_hqx(name.encode(), 0) % 16384 * many // 16384 == bucket:
                return name
        raise AssertionError

    return tuple(Bucket(number, tag(number)) for number in range(many))


def place(site: Site, subject: str) -> Place:
    """Return where the decisions of a subject are."""
    digest = hashlib.sha256(subject.encode()).digest()
    bucket = buckets(site)[int.from_bytes(digest[8:12]) % site.buckets]
    return Place(bucket, bucket.seen(int.from_bytes(digest[12:16]) % CHUNKS), bucket.older(digest[:8]), digest[:8])


def notices(site: Site) -> str:
    """Return the key of all that a site ever asked."""
    return f"consent:{{{site.id}}}:notices"


def spread(site: Site) -> str:
    """Return the key of how many buckets a site's data are spread over."""
    return f"consent:{{{site.id}}}:buckets"


def asked(site: Site) -> str:
    """Return the key of when a site began to ask what."""
    return f"consent:{{{site.id}}}:asked"


def zones(site: Site) -> str:
    """Return the key of the time zones that a site's days were counted in."""
    return f"consent:{{{site.id}}}:zones"


def seals(site: Site) -> str:
    """Return the key of the seals of a site's days."""
    return f"consent:{{{site.id}}}:seals"


def stamps(site: Site) -> str:
    """Return the key of the time-stamps of a site's seals."""
    return f"consent:{{{site.id}}}:stamps"


def cosigned(site: Site) -> str:
    """Return the key of the checkpoints that witnesses cosigned."""
    return f"consent:{{{site.id}}}:cosigned"


def restored(site: Site) -> str:
    """Return the key of the records of backups that were put back."""
    return f"consent:{{{site.id}}}:restored"


def archives(site: Site) -> str:
    """Return the key of the archives of a site's days."""
    return f"consent:{{{site.id}}}:archives"


def alarm(site: Site, name: str) -> str:
    """Return the key that says that an alarm was told."""
    return f"consent:{{{site.id}}}:alarm:{name}"


def leaks(site: Site, day: date) -> str:
    """Return the key of what was seen on a UTC day that is not allowed."""
    return f"consent:{{{site.id}}}:leaks:{day}"


def api_keys(site: Site) -> str:
    """Return the key of the API keys that read a site's rates."""
    return f"consent:{{{site.id}}}:api-keys"


def account_keys(site: Site) -> str:
    """Return the key of the API keys that link a site's accounts."""
    return f"consent:{{{site.id}}}:account-keys"


def account(site: Site, name: str) -> str:
    """Return the key of an account's answer: each lies in a slot of its own."""
    return f"consent:account:{site.id}:{name}"


def linked(site: Site, subject: str) -> str:
    """Return the key of the accounts that have an answer of a subject."""
    return f"consent:linked:{site.id}:{place(site, subject).digest.hex()}"


def links(site: Site) -> str:
    """Return the key of the links that show reports of a site."""
    return f"consent:{{{site.id}}}:links"


def notes(site: Site) -> str:
    """Return the key of what marketers noted of a site."""
    return f"consent:{{{site.id}}}:notes"


def session(digest: str) -> str:
    """Return the key of the session whose cookie has this digest."""
    return f"consent:session:{digest}"


def midnight(day: date) -> int:
    """Return the start of a UTC day in ms since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


@lru_cache(maxsize=64)
def month_and_day(number: int) -> tuple[str, int]:
    """Return the month, ``2026-11``, and the day of it, from 0, of the day with this number since 1970."""
    moment = datetime.fromtimestamp(number * 86400, UTC)
    return f"{moment:%Y-%m}", moment.day - 1
