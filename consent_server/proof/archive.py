"""Old days of the log moved to a file: exported, verified, and only then trimmed.

Each step leaves what the next one needs, and the next run goes on from there: the file gets its name when it is
verified; that it has these days is written down before the first of them leaves the log; then they are trimmed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from ..site import ConsentError, Site
from ..store import Archive, SealedAhead, Store, Unreadable
from ..tokens import Keys, token
from ..verify import Failed, leaf, opened, seal_hash, unsigned, verify
from .attested.stamps import Authority
from .days.merkle import Place
from .days.proven import Proven
from .entries import Unproven, fields
from .keys import all_published
from .log import CannotWrite, export, seal, write
from .seals import chain

LONGEST = 731 * 86_400
"""Seconds for which an answer holds at most (`keep`), whatever somebody wrote into the store."""

_DAY = r"\d{4}-\d\d-\d\d"


class ArchiveMissing(ConsentError):
    """The days that are half trimmed are in no file that is here."""

    problem = "archive-missing"


def archive(
    store: Store, site: Site, keys: Keys, folder: Path, now: datetime, *, authority: Authority | None = None
) -> list[Archive]:
    """Move the days past ``keep`` and ``prove`` to a file in ``folder``, and end what an earlier run has left.

    Nothing that exists is replaced, and one run at a time has the folder. ``authority``: as ``export`` takes it.

    Returns:
        What was archived and trimmed, the rest of an earlier run first; nothing if no day is old enough.

    Raises:
        ArchiveMissing: an earlier run has begun to trim, and its file is not here as it was; nothing was trimmed.
        CannotWrite: nothing was trimmed, or the next run ends it.
        ClocksApart: this machine's clock is over a minute off Redis'; nothing more was trimmed.
        verify.Failed: the file does not prove itself; nothing was trimmed, or the next run ends it.
    """
    began = time.monotonic()
    with _alone(folder):
        _clear(folder, store, site)
        done, before = [], None
        chain(store, site, keys)  # what is verified by it has to be what this server made
        for begun in store.log.archives(site):
            if not begun.trimmed:
                # Who writes to the store may have named another file, or other days than are in it.
                _must_begin_with_the_log(store, site, begun, before)
                _must_be_old(begun, _last(store, site, now))
                _must_be_there(folder, begun)
                _proven(store, site, keys, folder / begun.file, begun.first, begun.last)
                begun = _trimmed(store, site, keys, folder, begun)
                done.append(begun)
            before = begun
        fault: Unproven | Unreadable | SealedAhead | None = None
        try:
            sealed, many = -1, len(store.log.seals(site))
            while many > sealed:  # another server may be faster with a day
                seal(store, site, keys, now)
                sealed, many = many, len(store.log.seals(site))
        except (Unproven, Unreadable, SealedAhead) as error:  # of a day that may be younger than those that are moved
            passed = time.monotonic() - began
            store.clock.must_agree(site, int((now.timestamp() + passed) * 1000))  # or too young days would be moved
            fault = error
        last = _last(store, site, now)
        oldest = store.log.first_day(site)
        if oldest and oldest <= last:
            if last not in store.log.seals(site):
                raise fault or CannotWrite(f"Another server seals the days up to {last} just now; run it again later.")
            made = _exported(store, site, keys, folder, oldest, last, authority)
            # Asked twice, as where a connection broke before the answer, it says no, and has done it.
            is_kept = store.log.keep_archive(site, made) or made in store.log.archives(site)
            _clear(folder, store, site)  # before the first of its days is trimmed
            if not is_kept:
                raise CannotWrite(f"Another run archived the days up to {last} meanwhile.")
            done.append(_trimmed(store, site, keys, folder, made))
        return done


def _last(store: Store, site: Site, now: datetime) -> date:
    """Return the last day that is past ``keep`` and ``prove``."""
    # What was asked then may hold for longer than what is asked today.
    asked = [notice.content["keep"] for notice in store.notices.all(site).values()]
    keep = max(site.keep, min(max(asked, default=0), LONGEST))
    return (now.astimezone(UTC) - timedelta(seconds=keep + site.prove)).date() - timedelta(1)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have the folder to oneself."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotWrite(f"{folder} cannot be written: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotWrite(f"Another run is archiving to {folder} ({error.strerror}).") from None
        yield
    finally:
        os.close(held)


def _clear(folder: Path, store: Store, site: Site) -> None:
    """Remove what runs that were killed have left: it has everybody's token in it, and is nobody's archive.

    A file has its first name beside its last one until the last is written down in the store; so what is not, goes
    under both. What has one name alone may be an archive of a store that has been put back, or copied, since.
    """
    left = re.compile(rf"{re.escape(site.id)}-{_DAY}-{_DAY}\.unverified\.gz(\.unfinished)?")
    known = {record.file for record in store.log.archives(site)}
    there = [(Path(found), found.inode()) for found in os.scandir(folder)]
    files = {inode for path, inode in there if left.fullmatch(path.name)}
    for path, inode in there:
        if inode in files and path.name not in known:
            with suppress(OSError):
                path.unlink()


def _unverified(folder: Path, site: Site, first: date, last: date) -> Path:
    return folder / f"{site.id}-{first}-{last}.unverified.gz"


def _exported(
    store: Store, site: Site, keys: Keys, folder: Path, oldest: date, last: date, authority: Authority | None
) -> Archive:
    """Return an archive whose file is whole, on disk, and has a name that no other file had."""
    archives, seals = store.log.archives(site), store.log.seals(site)
    first = archives[-1].last + timedelta(1) if archives else min([*seals, oldest])
    unverified = _unverified(folder, site, first, last)
    made = datetime(last.year, last.month, last.day, tzinfo=UTC)  # again, the same log gives the same bytes
    # All tokens in it have expired, and it is the last that holds the signatures of these entries.
    lines = export(store, site, keys, first, last, made, with_tokens=True, authority=authority)
    write(unverified, lines)
    return _named(store, site, keys, unverified, first, last)


def _named(store: Store, site: Site, keys: Keys, unverified: Path, first: date, last: date) -> Archive:
    """Give a file its name too, once it proves itself; ``_clear`` takes the first one when the store has the other."""
    folder, is_named = unverified.parent, False
    try:
        entries = _proven(store, site, keys, unverified, first, last)
        sha256 = _sha256(unverified)
        for number in count(1):
            path = folder / f"{site.id}-{first}-{last}{f'-{number}' if number > 1 else ''}.jsonl.gz"
            try:
                os.link(unverified, path)
            except FileExistsError:
                if _sha256(path) != sha256:
                    continue  # another log's, or as this one was before somebody was erased
            break
        _sync(folder)
        is_named = True
    except OSError as error:
        raise CannotWrite(f"{unverified} cannot be read or named: {error.strerror or error}.") from None
    finally:
        if not is_named:
            with suppress(OSError):
                unverified.unlink()
    return Archive(first, last, path.name, sha256, entries)


def _trimmed(store: Store, site: Site, keys: Keys, folder: Path, made: Archive) -> Archive:
    """Take the days of an archive out of the log, and return it without whoever was erased since it was made."""
    return store.log.trim(site, made, lambda made: _without_erased(store, site, keys, folder, made))


def _without_erased(store: Store, site: Site, keys: Keys, folder: Path, made: Archive) -> Archive:
    """Return another archive of the same days, written down, if somebody was erased who is named in this one."""
    found = store.erasures.between(site, made.first, made.last)
    left = {(entry.bucket, entry.at, entry.seq): (entry, fields(entry, site)) for entry in found}
    path, proven, since = folder / made.file, Proven(store, site, keys), dict[Place, dict[str, Any]]()
    with opened(path) as lines:
        for line in map(json.loads, lines if left else ()):
            if "signature" in line and (place := _place(line)) in left:
                entry, blank = left[place]
                if leaf(blank).hex() == line["leaf"] and entry in proven:
                    since[place] = blank
    if not since:
        return made
    unverified = _unverified(folder, site, made.first, made.last)
    write(unverified, _blanked(path, since, keys))
    other = _named(store, site, keys, unverified, made.first, made.last)
    try:
        os.link(path, f"{unverified}.unfinished")  # or nobody would know of it any more
    except OSError as error:
        raise CannotWrite(f"{path} cannot be replaced: {error.strerror or error}.") from None
    store.log.replace_archive(site, other)
    _clear(folder, store, site)
    return other


def _blanked(path: Path, since: Mapping[Place, Mapping[str, Any]], keys: Keys) -> Iterator[bytes]:
    """Yield the lines of an export, with those entries erased, and signed anew at its end."""
    signed, erased, statements = 0, 0, hashlib.sha256()
    with opened(path) as lines:
        for text in lines:
            line = json.loads(text)
            if line["type"] == "entry":
                if blank := since.get(_place(line)):
                    line = {**{name: line[name] for name in ("type", "n", "leaf")}, **blank}
                signed, erased = signed + ("signature" in line), erased + ("erased" in line)
                statements.update(line.get("statement", "").encode())
            elif line["type"] == "end":
                said = {"signed": signed, "erased": erased, "statements": statements.hexdigest()}
                end = unsigned(line["token"]) | said
                line["token"] = token(end, keys.sign(end))
            yield msgspec.json.encode(line) + b"\n"


def _place(line: Mapping[str, Any]) -> Place:
    return line["bucket"], line["at"], line["seq"]


def _proven(store: Store, site: Site, keys: Keys, path: Path, first: date, last: date) -> int:
    """Return how many entries are in a file that proves itself, has all days, and every signature that the log has."""
    with opened(path) as lines:
        summary = verify(lines, all_published(store, keys))
    seal = store.log.seals(site).get(last)
    if seal is None or (summary.site, summary.last_seal) != (site.id, seal_hash(seal)):
        raise Failed(f"{path} does not end with the seal of {last} that the log has.")
    if summary.first != first.isoformat():
        raise Failed(f"{path} begins with {summary.first}, not with {first}.")
    if summary.signed + summary.erased != summary.entries:
        raise Failed(f"{path} names people by hash alone; it is no archive.")
    return summary.entries


def _must_be_old(begun: Archive, last: date) -> None:
    if begun.last > last:
        raise Failed(
            f"The store says that the days up to {begun.last} are being archived, and only those up to {last} are old "
            "enough: somebody else wrote that, or `keep` or `prove` is longer now. Nothing is trimmed until they are."
        )


def _must_begin_with_the_log(store: Store, site: Site, begun: Archive, before: Archive | None) -> None:
    """Return if what is to be trimmed may be an archive of this folder, before which nothing is in the log."""
    first = before.last + timedelta(1) if before else min([*store.log.seals(site), begun.first])
    oldest = store.log.first_day(site) or begun.first
    if Path(begun.file).name != begun.file or not first == begun.first <= min(oldest, begun.last):
        raise Failed(
            f"What the store says of the archive up to {begun.last} is none that this server wrote: {begun.file!r} "
            f"from {begun.first}, where the log goes on from {min(oldest, first)}."
        )


def _must_be_there(folder: Path, begun: Archive) -> None:
    path = folder / begun.file
    try:
        is_whole = _sha256(path) == begun.sha256
    except OSError as error:
        raise ArchiveMissing(
            f"The days up to {begun.last} are half trimmed, and their archive {path} cannot be read: {error.strerror}. "
            "Put it back there, or name its folder; nothing is archived or trimmed until then."
        ) from None
    if not is_whole:
        raise ArchiveMissing(
            f"The days up to {begun.last} are half trimmed, and their archive {path} was changed since (its SHA-256 "
            f"was {begun.sha256}). Put it back as it was; nothing is archived or trimmed until then."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    """Have the names in a folder on disk."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
