"""All of Redis: what is kept, under which keys, and how it is read back.

Keys of one shopper share a cluster slot: ``{TAG}`` is ``{SITE.BUCKET.n}``, the bucket taken from a hash of the
subject, ``n`` chosen so that a site's buckets lie evenly over all slots.

=================================  ======  ==============================================================
key                                type    meaning
=================================  ======  ==============================================================
consent:layout                     string  version of this table
consent:{TAG}:log                  stream  ``e`` -> packed entry; the id's time is the decision's
consent:{TAG}:seen:CHUNK           hash    8-byte digest of a subject -> places of its entries in the log
consent:{TAG}:refused              hash    hour and notice -> the signature that refusals of the hour share
consent:{TAG}:erased               hash    place -> what an erasure left of the entry
consent:{TAG}:sealed               string  end of the last sealed day in ms: no banner is counted before it
consent:{TAG}:torn                 string  something was erased since the log was last written anew
consent:{TAG}:count:MONTH          string  counters of 32 bits: a row of decision.COLUMNS for each of 31 days, first
                                           of everything, then of each value of a dimension, by its number
consent:{TAG}:values               hash    ``language=az``, ``how=accept`` … -> its number, from 1
consent:{SITE}:notices             hash    notice's hash -> its content, JSON
consent:{SITE}:seals               hash    day -> the signed head of its entries
consent:{SITE}:alarm:NAME          string  this alarm was told; expires
consent:keys                       hash    id -> every public key that ever signed here, JWK
consent:{SITE}:api-keys            hash    digest of an API key -> what it is for, JSON
consent:sample                     set     sites whose decisions are made up
consent:marketers                  hash    name -> hash of the password and sites, JSON
consent:session:DIGEST             string  who is logged in, JSON; expires
=================================  ======  ==============================================================
"""

from __future__ import annotations

import hashlib
import logging
import random
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import crc_hqx
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import count
from typing import Any, cast

import msgspec
import redis

from ..decision import (
    COLUMNS,
    DEVICES,
    DIMENSIONS,
    HOW,
    KINDS,
    SIGNAL,
    Consent,
    ConsentError,
    Decision,
    Entry,
    Notice,
    Site,
    columns,
    consent_of,
)
from .connection import Connection, Server
from .connection import StoreAway as StoreAway

LAYOUT = b"1"
DAY = 86_400_000
"""Milliseconds."""

MONTH = 31 * len(COLUMNS) * 4
"""Bytes of the counters of one value in a month."""

_ROW = struct.Struct(f">{len(COLUMNS)}I")

CHUNKS = 512
"""Hashes a bucket's index is spread over: under 512 subjects each, Redis packs them tightly."""

log = logging.getLogger(__name__)

_HEAD = struct.Struct(">BB2s6s")
_PLACE = struct.Struct(">HIH")
_SAME = 255


class OtherContent(ConsentError):
    """A decision's id was used before for another answer."""

    problem = "other-content"


class PreviousReplaced(ConsentError):
    """The token that a decision follows is not the subject's latest, or the subject was erased."""

    problem = "previous-replaced"


class WrongLayout(ConsentError):
    """The store was written by a version of consent-server that this one does not know."""

    problem = "wrong-layout"


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as it was acknowledged; ``repeat`` says that it had been kept before."""

    consent: Consent
    signature: bytes
    repeat: bool


class Marketer(msgspec.Struct, frozen=True):
    """Somebody who reads the rates of some sites; ``password`` is a hash."""

    name: str
    password: str
    sites: tuple[str, ...]


class ApiKey(msgspec.Struct, frozen=True):
    """What is known of a key that reads one site's rates: what it is for, and since when (seconds)."""

    digest: str
    name: str
    made: int


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Where a subject's things are."""

    tag: str
    bucket: int
    seen: str
    digest: bytes

    def key(self, name: str) -> str:
        return f"consent:{{{self.tag}}}:{name}"


@lru_cache(maxsize=1024)
def tags(site: str, buckets: int) -> tuple[str, ...]:
    """Return the hash tags of a site's buckets, in order of the stripe of cluster slots in which each lies."""

    def tag(bucket: int) -> str:
        for n in count():
            name = f"{site}.{bucket}.{n}"
            # CRC-16/XMODEM is what Redis Cluster maps a key's tag to its slot by.
            if crc_hqx(name.encode(), 0) % 16384 * buckets // 16384 == bucket:
                return name
        raise AssertionError

    return tuple(tag(bucket) for bucket in range(buckets))


class Store:
    """The decisions of all sites in one Redis, Sentinel pair or Cluster.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://``, each also with ``+sentinel`` or ``+cluster``.
        timeout: seconds after which an unanswered call counts as a failure.
        replicas: how many replicas must have a decision before it is acknowledged.
    """

    def __init__(self, url: str, timeout: float = 0.5, replicas: int = 0) -> None:
        self.url = url
        self._connection = Connection(url, timeout, replicas)
        self._redis = self._connection.client
        self._reached = self._connection.reached
        lua = {
            name: files(__package__).joinpath(f"lua/{name}.lua").read_text()
            for name in ("count", "record", "shown", "erase", "forget", "compact")
        }
        self._record = self._connection.script(lua["count"] + lua["record"])
        self._shown = self._connection.script(lua["count"] + lua["shown"], repeatable=False)
        self._erase = self._connection.script(lua["erase"])
        self._forget = self._connection.script(lua["forget"])
        self._compact = self._connection.script(lua["compact"])
        self._served: dict[str, dict[str, Notice]] = {}
        self._unkept: list[Notice] = []
        self._rows: dict[tuple[str, str], list[tuple[str, str, int]]] = {}

    def close(self) -> None:
        """Close the connections of this thread and those that are idle."""
        self._connection.close()

    def servers(self) -> list[Server]:
        """Return what the server, or each primary of the cluster, says of itself.

        Raises:
            StoreAway: one of them cannot be reached.
        """
        return self._connection.servers()

    def ping(self) -> None:
        """Return if Redis answers and its layout is ours.

        Raises:
            StoreAway: it does not answer.
            WrongLayout: another version's data are in it.
        """
        with self._reached():
            found = cast(bytes | None, self._redis.set("consent:layout", LAYOUT, nx=True, get=True))
        if found not in (None, LAYOUT):
            raise WrongLayout(
                f"The store has layout {found.decode(errors='replace')}, this version of consent-server reads "
                f"{LAYOUT.decode()}: run the version that wrote it, or a newer one."
            )

    # Notices

    def serve(self, site: Site, notices: Sequence[Notice]) -> None:
        """Make ``notices`` the ones that this site asks now. They are kept with the first decision at the latest."""
        self._served.setdefault(site.id, {}).update({notice.hash: notice for notice in notices})
        self._unkept += notices
        try:
            self._keep_notices()
        except StoreAway:
            log.warning("redis is away: notices will be kept when it is back")

    def _keep_notices(self) -> None:
        with self._reached():
            for notice in self._unkept:
                self._redis.hsetnx(
                    f"consent:{{{notice.content['site']}}}:notices",
                    notice.hash,
                    msgspec.json.encode(notice.content, order="sorted"),
                )
        self._unkept = []

    def notice(self, site: Site, name: str) -> Notice | None:
        """Return the notice of this site with that hash, of today or of any earlier day, or None."""
        served = self._served.setdefault(site.id, {})
        if name not in served:
            with self._reached():
                text = cast(bytes | None, self._redis.hget(f"consent:{{{site.id}}}:notices", name[:64]))
            if text is None:
                return None
            served[name] = Notice(name, msgspec.json.decode(text))
        return served[name]

    def notices(self, site: Site) -> dict[str, Notice]:
        """Return every notice that this site ever asked, by hash."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall(f"consent:{{{site.id}}}:notices"))
        return {name.decode(): Notice(name.decode(), msgspec.json.decode(text)) for name, text in found.items()}

    # Decisions

    def record(
        self,
        site: Site,
        decision: Decision,
        *,
        now: int,
        sign: Callable[[Consent], bytes],
        device: str = DEVICES[0],
        country: str = "",
    ) -> Kept:
        """Keep a decision, its log entry and its counts, atomically and once.

        Args:
            site: the shop.
            decision: what was answered.
            now: milliseconds since 1970. The log's own time never runs back: an earlier clock is moved up to it.
            sign: makes the signature of a token; it is kept with the entry.
            device: one of DEVICES.
            country: two letters (ISO 3166), or empty.

        Returns:
            What the token says and its signature; of a repeat, those of the first time.

        Raises:
            OtherContent: this decision was kept before, with another answer.
            PreviousReplaced: it follows a token that is not the subject's latest.
            StoreAway: nothing was kept, or it is not known; the same call may be made again.
        """
        if self._unkept:
            self._keep_notices()
        shelf = _shelf(site, decision.subject)
        followed = (decision.previous and decision.previous.jti) or ""
        values = _values(decision.notice, device, country, decision.how)
        for _ in range(5):
            seconds = now // 1000
            kind = decision.kind(seconds)
            consent = decision.consent(seconds)
            signature = sign(consent)
            entry = Entry(
                bucket=shelf.bucket,
                at=now,
                seq=0,
                kind=kind,
                allow=decision.allow,
                before=decision.before,
                how=decision.how,
                device=device,
                country=country,
                notice=decision.notice.hash,
                id=decision.id,
                subject=decision.subject,
                signature=signature if decision.allow else b"",
            )
            month, day = _month_and_day(seconds // 86400)
            counted = _positions(kind, decision.allow, decision.before)
            reply = self._record(
                keys=[
                    shelf.seen,
                    shelf.key("log"),
                    shelf.key("refused"),
                    shelf.key("values"),
                    shelf.key(f"count:{month}"),
                ],
                args=[
                    shelf.digest,
                    now,
                    _pack(entry),
                    _pack_name(decision.id),
                    followed and _pack_name(followed),
                    b"" if decision.allow else _hour(consent.at, consent.notice),
                    signature,
                    day,
                    len(COLUMNS),
                    len(counted),
                    *counted,
                    *values,
                ],
            )
            match reply:
                case [0, *_]:
                    return Kept(consent, signature, repeat=False)
                case [1, at, packed, shared]:
                    return self._repeat(site, decision, _unpack(packed, shelf.bucket, at, 0), shared)
                case [2, *_]:
                    raise PreviousReplaced("`previous` is not this shopper's latest token, or the shopper was erased.")
                case [3, at]:
                    now = int(at)
        raise StoreAway("The log moved on faster than this decision could follow; send it again.")

    def _repeat(self, site: Site, decision: Decision, kept: Entry, shared: bytes) -> Kept:
        """Return how a decision was acknowledged the first time, if it is the same one."""
        asked = self._full(site, kept.notice)
        if (kept.allow, asked.hash, kept.subject) != (decision.allow, decision.notice.hash, decision.subject):
            raise OtherContent("A decision with this `id` was kept before, with another answer; make a new id.")
        consent = consent_of(asked, kept.allow, kept.at // 1000, kept.subject, kept.id)
        return Kept(consent, kept.signature or shared, repeat=True)

    def _full(self, site: Site, prefix: str) -> Notice:
        """Return the notice whose hash starts with the eight characters that an entry holds."""
        for source in (self._served.get(site.id, {}), None):
            for name, notice in (self.notices(site) if source is None else source).items():
                if name.startswith(prefix):
                    return notice
        raise StoreAway(f"The notice {prefix}… of {site.id} is missing in the store.")

    def history(self, site: Site, subject: str) -> list[Entry]:
        """Return the decisions of one shopper that are kept, oldest first, with their whole notice hashes."""
        shelf = _shelf(site, subject)
        _, found = self._found(shelf)
        mine = [entry for entry in found if entry.subject == subject]
        return [replace(entry, notice=self._full(site, entry.notice).hash) for entry in mine]

    def _found(self, shelf: _Shelf) -> tuple[bytes, list[Entry]]:
        """Return a subject's places in the log as they are kept, and the entries there."""
        with self._reached():
            positions = cast(bytes | None, self._redis.hget(shelf.seen, shelf.digest)) or b""
            places = [((high << 32) + low, seq) for high, low, seq in _PLACE.iter_unpack(positions)]
            calls = self._redis.pipeline(transaction=False)
            for at, seq in places:
                calls.xrange(shelf.key("log"), f"{at}-{seq}", f"{at}-{seq}")
            pages = calls.execute() if places else []
        return positions, [
            _unpack(page[0][1][b"e"], shelf.bucket, at, seq)
            for (at, seq), page in zip(places, pages, strict=True)
            if page
        ]

    def erase(self, site: Site, subject: str) -> int:
        """Erase one shopper. Of each entry stays what was counted, and a hash by which the log still adds up.

        Returns:
            How many entries were erased.
        """
        shelf = _shelf(site, subject)
        while True:
            positions, found = self._found(shelf)
            mine = [entry for entry in found if entry.subject == subject]
            if not mine:
                return 0
            left = [part for entry in mine for part in (f"{entry.at}-{entry.seq}", _head(entry) + entry.identity())]
            others = b"".join(
                _PLACE.pack(entry.at >> 32, entry.at & 0xFFFFFFFF, entry.seq)
                for entry in found
                if entry.subject != subject
            )
            keys = [shelf.seen, shelf.key("log"), shelf.key("erased"), shelf.key("torn")]
            with self._reached():
                if self._erase(keys=keys, args=[shelf.digest, positions, others, *left]):
                    return len(mine)

    # The log, its seals and the keys that signed it

    def day(self, site: Site, day: date) -> Iterator[Entry]:
        """Yield all entries of one UTC day, erased ones too, by bucket and time, with whole notice hashes.

        A refusal comes with the signature that it shares with the others of its hour.
        """
        start = _midnight(day)
        whole = {name[:8]: name for name in self.notices(site)}
        for bucket, tag in enumerate(tags(site.id, site.buckets)):
            shared: dict[bytes, bytes] | None = None
            for entry in self._bucket(tag, bucket, start, start + DAY):
                signature = entry.signature
                if not entry.allow and not entry.erased:
                    if shared is None:
                        with self._reached():
                            shared = cast(dict[bytes, bytes], self._redis.hgetall(f"consent:{{{tag}}}:refused"))
                    at = entry.at // 1000
                    signature = shared.get(_hour(at - at % 3600, entry.notice), b"")
                yield replace(entry, notice=whole.get(entry.notice, entry.notice), signature=signature)

    def _bucket(self, tag: str, bucket: int, first: int, last: int) -> list[Entry]:
        """Return a bucket's entries from ``first`` up to but without ``last`` (ms) in order, as of one moment."""
        key = f"consent:{{{tag}}}"
        while True:
            with self._reached():
                before = self._redis.hlen(f"{key}:erased")
                found: dict[tuple[int, int], Entry] = {}
                start = f"{first}-0"
                while page := cast(list[Any], self._redis.xrange(f"{key}:log", start, f"({last}-0", count=1000)):
                    for place, fields in page:
                        at, seq = map(int, place.split(b"-"))
                        found[at, seq] = _unpack(fields[b"e"], bucket, at, seq)
                    start = f"({page[-1][0].decode()}"
                remains = cast(dict[bytes, bytes], self._redis.hgetall(f"{key}:erased")) if before else {}
                if before != self._redis.hlen(f"{key}:erased"):
                    continue  # somebody was erased meanwhile: read again, or an entry would be missing in both
            for place, packed in remains.items():
                at, seq = map(int, place.split(b"-"))
                if first <= at < last:
                    found[at, seq] = _unpack_erased(packed, bucket, at, seq)
            return [found[place] for place in sorted(found)]

    def first_day(self, site: Site) -> date | None:
        """Return the UTC day of the oldest entry in the log, or None."""
        with self._reached():
            calls = self._redis.pipeline(transaction=False)
            for tag in tags(site.id, site.buckets):
                calls.xrange(f"consent:{{{tag}}}:log", count=1)
                calls.hkeys(f"consent:{{{tag}}}:erased")
            replies = calls.execute()
        times = [int(page[0][0].split(b"-")[0]) for page in replies[::2] if page]
        times += [int(place.split(b"-")[0]) for places in replies[1::2] for place in places]
        return datetime.fromtimestamp(min(times) // 1000, UTC).date() if times else None

    def freeze(self, site: Site, day: date) -> None:
        """Let no entry be added any more to ``day`` or to a day before it, whatever a clock says."""
        end = f"{_midnight(day) + DAY}-0"
        for tag in tags(site.id, site.buckets):
            key = f"consent:{{{tag}}}:log"
            with self._reached():
                self._redis.set(f"consent:{{{tag}}}:sealed", _midnight(day) + DAY)
                calls = self._redis.pipeline(transaction=True)
                # An entry at the end of the day, taken out again, moves the log's clock there for good.
                calls.xadd(key, {"e": b""}, id=end)
                calls.xdel(key, end)
                try:
                    calls.execute()
                except redis.ResponseError as error:
                    if "equal or smaller" not in str(error):  # the log is past that day already
                        raise

    def seals(self, site: Site) -> dict[date, str]:
        """Return the seals of a site's days, in order."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall(f"consent:{{{site.id}}}:seals"))
        return {date.fromisoformat(day.decode()): token.decode() for day, token in sorted(found.items())}

    def keep_seal(self, site: Site, day: date, token: str) -> bool:
        """Keep the seal of a day. Returns False, and changes nothing, if the day has one."""
        with self._reached():
            return bool(self._redis.hsetnx(f"consent:{{{site.id}}}:seals", day.isoformat(), token))

    def remember_keys(self, jwks: Mapping[str, Any]) -> None:
        """Keep public keys for as long as there are entries that they signed, which is for ever."""
        with self._reached():
            for key in jwks["keys"]:
                self._redis.hsetnx("consent:keys", key["kid"], msgspec.json.encode(key))

    def remembered_keys(self) -> list[dict[str, Any]]:
        """Return every public key that ever signed for this store (JWK)."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall("consent:keys"))
        return [msgspec.json.decode(key) for _, key in sorted(found.items())]

    def compact(self, site: Site) -> None:
        """Have what was erased leave the memory of Redis, not only its answers.

        The append-only file forgets it when Redis next writes the file anew (``BGREWRITEAOF``).
        """
        for tag in tags(site.id, site.buckets):
            with self._reached():
                torn = self._redis.exists(f"consent:{{{tag}}}:torn")
            if torn:
                self._compact(keys=[f"consent:{{{tag}}}:log", f"consent:{{{tag}}}:torn"], args=[])

    def trim(self, site: Site, before: date) -> int:
        """Remove the entries of the days before ``before``, and what points to them. Returns how many there were."""
        end = _midnight(before)
        removed = 0
        for bucket, tag in enumerate(tags(site.id, site.buckets)):
            key = f"consent:{{{tag}}}"
            for entry in self._bucket(tag, bucket, 0, end):
                removed += 1
                if not entry.erased:
                    shelf = _shelf(site, entry.subject)
                    self._forget(keys=[shelf.seen], args=[shelf.digest, end])
            with self._reached():
                old = [
                    place
                    for place in cast(list[bytes], self._redis.hkeys(f"{key}:erased"))
                    if int(place.split(b"-")[0]) < end
                ]
                hours = [
                    field
                    for field in cast(list[bytes], self._redis.hkeys(f"{key}:refused"))
                    if int.from_bytes(field[:4]) * 1000 < end - 3_600_000
                ]
                calls = self._redis.pipeline(transaction=True)
                calls.xtrim(f"{key}:log", minid=end, approximate=False)
                if old:
                    calls.hdel(f"{key}:erased", *old)
                if hours:
                    calls.hdel(f"{key}:refused", *hours)
                calls.execute()
        return removed

    # Counting

    def recount(
        self, site: Site, first: date, last: date
    ) -> Iterator[tuple[str, dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]]:
        """Yield for each dimension what was counted and what the log says, without ``shown``, which leaves no entry."""
        logged: dict[str, dict[str, Counter[str]]] = {by: defaultdict(Counter) for by in DIMENSIONS}
        notices = self.notices(site)
        for day in (first + timedelta(n) for n in range((last - first).days + 1)):
            for entry in self.day(site, day):
                asked = notices[entry.notice]
                places = (day.isoformat(), asked.lang, asked.variant, entry.device, entry.country, entry.how)
                for by, value in zip(DIMENSIONS, places, strict=True):
                    logged[by][value].update(entry.columns())
        for by in DIMENSIONS:
            counted = {value: row[1:] for value, row in self.counts(site, first, last, by).items() if any(row[1:])}
            yield (
                by,
                counted,
                {value: tuple(numbers[name] for name in COLUMNS[1:]) for value, numbers in logged[by].items()},
            )

    def shown(
        self, site: Site, *, now: int, language: str, variant: str, device: str, country: str, signalled: bool = False
    ) -> None:
        """Count one banner that was shown to an undecided shopper.

        ``now``: milliseconds since 1970; ``signalled``: whether the browser sent Global Privacy Control.
        """
        # Anybody's bucket: nothing but the count is kept.
        place = f"consent:{{{random.choice(tags(site.id, site.buckets))}}}"  # nosec B311  # noqa: S311
        values = [f"language={language}", f"variant={variant}", f"device={device}", f"country={country}"]
        values += [f"how={SIGNAL}"] * signalled
        while now:
            month, day = _month_and_day(now // DAY)
            now = int(
                self._shown(
                    keys=[f"{place}:values", f"{place}:count:{month}", f"{place}:sealed"],
                    args=[now, day, len(COLUMNS), 1, COLUMNS.index("shown"), *values],
                )
            )

    def counts(self, site: Site, first: date, last: date, by: str) -> dict[str, tuple[int, ...]]:
        """Return what was counted from ``first`` to ``last`` (UTC days, both included).

        Args:
            site: the shop.
            first: the first day.
            last: the last day.
            by: one of DIMENSIONS.

        Returns:
            A row of COLUMNS for each day of the period, or for each value of the dimension that occurs in it.
        """
        months = sorted({f"{first + timedelta(n):%Y-%m}" for n in range((last - first).days + 1)})
        days: dict[str, dict[str, tuple[int, ...]]] = {
            value: {
                f"{month}-{day + 1:02}": row
                for month, total in by_month.items()
                for day, row in enumerate(_ROW.iter_unpack(total.to_bytes(MONTH)))
            }
            for value, by_month in self._months(site, months, by).items()
        }
        period = [(first + timedelta(n)).isoformat() for n in range((last - first).days + 1)]
        if by == "day":
            return {day: days[""][day] for day in period}
        totals = {
            value: tuple(map(sum, zip(*(rows[day] for day in period), strict=True))) for value, rows in days.items()
        }
        return {value: total for value, total in totals.items() if any(total)}

    def _months(self, site: Site, months: Sequence[str], by: str) -> dict[str, dict[str, int]]:
        """Return the counters of all buckets by value and month, each month as one number.

        That takes one round trip: the rows of the values known so far are fetched together with the list of values. A
        second one follows only when the list has changed.
        """
        places = [f"consent:{{{tag}}}" for tag in tags(site.id, site.buckets)]
        rows = [("", place, 0) for place in places] if by == "day" else self._rows.get((site.id, by), [])
        listed = [] if by == "day" else places
        wanted = [(month, place, number) for month in months for _, place, number in rows]
        with self._reached():
            answers = self._fetch([f"{place}:values" for place in listed], wanted)
            found = dict(zip(wanted, answers[len(listed) :], strict=True))
            if listed:
                rows = self._rows[site.id, by] = [
                    (value.decode().partition("=")[2], place, int(number))
                    for place, numbers in zip(places, answers, strict=False)
                    for value, number in numbers.items()
                    if value.startswith(f"{by}=".encode())
                ]
                new = {(month, place, number) for month in months for _, place, number in rows} - found.keys()
                found.update(zip(new, self._fetch([], new), strict=True))
        # A month is added as one number: no day of a shop comes near 2^32, where a sum would run into its neighbour.
        sums: dict[str, dict[str, int]] = {
            value: dict.fromkeys(months, 0) for value in sorted({row[0] for row in rows})
        }
        for value, place, number in rows:
            for month in months:
                sums[value][month] += int.from_bytes(found[month, place, number].ljust(MONTH, b"\0"))
        return sums

    def _fetch(self, hashes: Iterable[str], rows: Iterable[tuple[str, str, int]]) -> list[Any]:
        """Return whole hashes, and then the counters at each month, place and number, in one round trip."""
        calls = self._redis.pipeline(transaction=False)
        for key in hashes:
            calls.hgetall(key)
        for month, place, number in rows:
            calls.getrange(f"{place}:count:{month}", number * MONTH, (number + 1) * MONTH - 1)
        return cast(list[Any], calls.execute()) if len(calls) else []

    def claim_alarm(self, site: Site, name: str) -> bool:
        """Return whether the caller is the one to tell this alarm: whoever asks first, once in forty days."""
        with self._reached():
            key = f"consent:{{{site.id}}}:alarm:{name}"
            return bool(self._redis.set(key, b"1", nx=True, ex=40 * 86400))

    def release_alarm(self, site: Site, name: str) -> None:
        """Let somebody else tell an alarm that could not be told."""
        with self._reached():
            self._redis.delete(f"consent:{{{site.id}}}:alarm:{name}")

    # Marketers

    def keep_marketer(self, name: str, password: str, sites: Iterable[str]) -> None:
        """Let somebody in; ``password`` is its hash. Who was known by that name, and their sessions, are replaced."""
        marketer = Marketer(name, password, tuple(dict.fromkeys(sites)))
        with self._reached():
            self._redis.hset("consent:marketers", name, msgspec.json.encode(marketer))

    def marketer(self, name: str) -> Marketer | None:
        """Return who is known by that name, or None."""
        with self._reached():
            text = cast(bytes | None, self._redis.hget("consent:marketers", name))
        return msgspec.json.decode(text, type=Marketer) if text else None

    def marketers(self) -> list[Marketer]:
        """Return all of them, by name."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall("consent:marketers"))
        return [msgspec.json.decode(text, type=Marketer) for _, text in sorted(found.items())]

    def drop_marketer(self, name: str) -> bool:
        """Let somebody in no more, and return whether they were known. Their sessions end with that."""
        with self._reached():
            return bool(self._redis.hdel("consent:marketers", name))

    def open_session(self, digest: str, marketer: Marketer, seconds: int) -> None:
        """Remember for that long that whoever has the cookie of this digest is ``marketer``."""
        text = msgspec.json.encode([marketer.name, marketer.password])
        with self._reached():
            self._redis.set(f"consent:session:{digest}", text, ex=seconds)

    def session(self, digest: str) -> Marketer | None:
        """Return whose session it is, or None: it is over, or its marketer has gone or has another password."""
        with self._reached():
            text = cast(bytes | None, self._redis.get(f"consent:session:{digest}"))
        if text is None:
            return None
        name, password = msgspec.json.decode(text, type=tuple[str, str])
        marketer = self.marketer(name)
        return marketer if marketer and marketer.password == password else None

    def close_session(self, digest: str) -> None:
        """End a session."""
        with self._reached():
            self._redis.delete(f"consent:session:{digest}")

    def keep_api_key(self, site: Site, key: ApiKey) -> None:
        """Let the key of this digest read the rates of ``site``."""
        with self._reached():
            self._redis.hset(f"consent:{{{site.id}}}:api-keys", key.digest, msgspec.json.encode(key))

    def api_keys(self, site: Site) -> list[ApiKey]:
        """Return the keys of a site, the oldest first."""
        with self._reached():
            found = cast(dict[bytes, bytes], self._redis.hgetall(f"consent:{{{site.id}}}:api-keys"))
        keys = [msgspec.json.decode(text, type=ApiKey) for text in found.values()]
        return sorted(keys, key=lambda key: (key.made, key.name))

    def opens(self, site: Site, digest: str) -> bool:
        """Return whether the API key of this digest may read the rates of ``site``."""
        with self._reached():
            return bool(self._redis.hexists(f"consent:{{{site.id}}}:api-keys", digest))

    def drop_api_key(self, site: Site, digest: str) -> None:
        """Revoke a key."""
        with self._reached():
            self._redis.hdel(f"consent:{{{site.id}}}:api-keys", digest)

    def mark_sample(self, site: Site) -> None:
        """Remember that decisions of this site are made up."""
        with self._reached():
            self._redis.sadd("consent:sample", site.id)

    def is_sample(self, site: Site) -> bool:
        """Return whether decisions of this site are made up."""
        with self._reached():
            return bool(self._redis.sismember("consent:sample", site.id))


def _midnight(day: date) -> int:
    """Return the start of a UTC day in ms since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _shelf(site: Site, subject: str) -> _Shelf:
    digest = hashlib.sha256(subject.encode()).digest()
    bucket = int.from_bytes(digest[8:12]) % site.buckets
    tag = tags(site.id, site.buckets)[bucket]
    chunk = int.from_bytes(digest[12:16]) % CHUNKS
    return _Shelf(tag, bucket, f"consent:{{{tag}}}:seen:{chunk}", digest[:8])


def _values(notice: Notice, device: str, country: str, how: str) -> tuple[str, ...]:
    return (
        f"language={notice.lang}",
        f"variant={notice.variant}",
        f"device={device}",
        f"country={country}",
        f"how={how}",
    )


@lru_cache(maxsize=64)
def _month_and_day(number: int) -> tuple[str, int]:
    """Return the month and, from 0, the day of it, of the UTC day with this number since 1970."""
    moment = datetime.fromtimestamp(number * 86400, UTC)
    return f"{moment:%Y-%m}", moment.day - 1


@lru_cache(maxsize=1024)
def _positions(kind: str, allow: int, before: int) -> tuple[int, ...]:
    """Return in which of the COLUMNS a decision counts, as their positions."""
    return tuple(COLUMNS.index(name) for name in columns(kind, allow, before))


def _pack_name(name: str) -> bytes:
    """Return an id in few bytes: 22 characters of canonical base64url are 16 bytes, anything else stays text."""
    if len(name) == 22:
        raw = urlsafe_b64decode(name + "==")
        if _b64(raw) == name:
            return b"\0" + raw
    return bytes([len(name)]) + name.encode()


def _unpack_name(packed: bytes, start: int) -> tuple[str, int]:
    size = packed[start]
    end = start + 1 + (size or 16)
    raw = packed[start + 1 : end]
    return (raw.decode() if size else _b64(raw)), end


def _head(entry: Entry) -> bytes:
    """Pack what is counted of an entry."""
    return _HEAD.pack(
        KINDS.index(entry.kind) | DEVICES.index(entry.device) << 2 | HOW.index(entry.how) << 4,
        entry.allow | entry.before << 3,
        entry.country.encode(),
        urlsafe_b64decode(entry.notice[:8]),
    )


def _pack(entry: Entry) -> bytes:
    return b"".join(
        (
            _head(entry),
            _pack_name(entry.id),
            bytes([_SAME]) if entry.subject == entry.id else _pack_name(entry.subject),
            entry.signature,
        )
    )


def _unpack(packed: bytes, bucket: int, at: int, seq: int) -> Entry:
    what, masks, country, notice = _HEAD.unpack_from(packed)
    name, end = _unpack_name(packed, _HEAD.size)
    subject, end = (name, end + 1) if packed[end] == _SAME else _unpack_name(packed, end)
    return Entry(
        bucket=bucket,
        at=at,
        seq=seq,
        kind=KINDS[what & 3],
        device=DEVICES[what >> 2 & 3],
        how=HOW[what >> 4],
        allow=masks & 7,
        before=masks >> 3,
        country=country.rstrip(b"\0").decode(),
        notice=_b64(notice),
        id=name,
        subject=subject,
        signature=packed[end:],
    )


def _unpack_erased(packed: bytes, bucket: int, at: int, seq: int) -> Entry:
    nameless = _unpack(packed[: _HEAD.size] + bytes([0]) + bytes(16) + bytes([_SAME]), bucket, at, seq)
    return replace(nameless, id="", subject="", erased=packed[_HEAD.size :])


def _hour(at: int, notice: str) -> bytes:
    return struct.pack(">I", at) + urlsafe_b64decode(notice[:8])


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
