"""Check an exported consent log, offline: ``python verify.py FILE.jsonl.gz --keys keys.json``.

Stands alone: besides Python it needs ``cryptography``, so that an auditor need not install, or trust, the server.

An export is JSON Lines. First a line ``log``, with the site, the days and the public keys; then every ``notice``; then
for each day its entries, its counts and its seal; at last a line ``end``, signed, so that nothing can be cut off.

* An entry is signed by its own token: what was answered, to which words, when.
* A day's seal signs how many entries it has and the root of their Merkle tree (RFC 6962: leaf ``H(0 ‖ entry)``, node
  ``H(1 ‖ left ‖ right)``, SHA-256), a hash of its counts, and the seal of the day before.
* The leaf of an entry covers the hash of whose it is, not the name: an erasure removes the name, the leaf stays.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

VERSION = 1


class NoExport(Exception):
    """This file is no export of a consent log, or cannot be read."""


class Failed(Exception):
    """The export does not prove itself; the message names the first thing that is wrong."""


@dataclass
class Summary:
    """What was checked, when all of it was right."""

    site: str = ""
    days: int = 0
    entries: int = 0
    erased: int = 0
    unsealed: list[str] = field(default_factory=list)
    first_seal: str = ""
    last_seal: str = ""

    def __str__(self) -> str:
        unsealed = f" Not sealed yet: {', '.join(self.unsealed)}." if self.unsealed else ""
        return (
            f"{self.site}: {self.entries} entries of {self.days} days are whole and unchanged, {self.erased} of them "
            f"erased. The chain of seals ends with {self.last_seal}.{unsealed}"
        )


class Tree:
    """A Merkle tree that is only ever added to, in memory that grows with the logarithm of its leaves."""

    def __init__(self) -> None:
        self.leaves = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        self.leaves += 1
        height = 0
        while self._peaks and self._peaks[-1][0] == height:
            leaf = hashlib.sha256(b"\1" + self._peaks.pop()[1] + leaf).digest()
            height += 1
        self._peaks.append((height, leaf))

    def root(self) -> str:
        """Return the root in hexadecimal; that of no leaf is the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = hashlib.sha256(b"\1" + peak + root).digest()
        return root.hex()


def canonical(content: object) -> bytes:
    """Return the one JSON text that is signed or hashed for ``content``: sorted keys, no white space, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def identity(entry: Mapping[str, Any]) -> str:
    """Return the hash of whose decision an entry is; of an erased one, the hash that is left."""
    if "erased" in entry:
        return str(entry["erased"])
    # Refusals of one hour share their token, so its signature says nothing about one of them.
    own = b64encode(_bytes(entry["signature"])).decode() if entry["allow"] else ""
    return hashlib.sha256(canonical([entry["id"], entry["subject"], own])).hexdigest()


LEAF = ("bucket", "at", "seq", "kind", "allow", "before", "how", "device", "country", "notice")


def leaf(entry: Mapping[str, Any]) -> bytes:
    """Return the hash of an entry as a leaf of its day's tree."""
    return hashlib.sha256(b"\0" + canonical([*(entry[name] for name in LEAF), identity(entry)])).digest()


def payload(entry: Mapping[str, Any], site: str, notice: Mapping[str, Any]) -> bytes:
    """Return the text that the token of an entry signs."""
    seconds = entry["at"] // 1000
    at = seconds if entry["allow"] else seconds - seconds % 3600
    content = {
        "allow": entry["allow"],
        "at": at,
        "exp": at + notice["keep"],
        "notice": entry["notice"],
        "rev": notice["revision"],
        "site": site,
        "typ": "consent",
    }
    if entry["allow"]:
        content |= {"sub": entry["subject"], "jti": entry["id"]}
    return urlsafe_b64encode(canonical(content)).rstrip(b"=")


def counted(entry: Mapping[str, Any]) -> list[str]:
    """Return the names under which an entry is counted."""
    if entry["kind"] != "change":
        mask = sum(1 << ("functional", "analytics", "marketing").index(category) for category in entry["allow"])
        return [f"{entry['kind']}{mask}"]
    taken_back = sorted(set(entry["before"]) - set(entry["allow"]))
    return ["changes", *(["withdrawals"] if taken_back else []), *(f"withdrawn_{name}" for name in taken_back)]


class Counts:
    """What a day's entries count up to, in every dimension."""

    def __init__(self) -> None:
        self.by: dict[str, dict[str, dict[str, int]]] = {}

    def add(self, entry: Mapping[str, Any], day: str, notice: Mapping[str, Any]) -> None:
        """Count one entry."""
        places = {
            "day": day,
            "language": notice["lang"],
            "variant": notice["variant"],
            "device": entry["device"],
            "country": entry["country"],
            "how": entry["how"],
        }
        names = counted(entry)
        for dimension, value in places.items():
            numbers = self.by.setdefault(dimension, {}).setdefault(value, {})
            for name in names:
                numbers[name] = numbers.get(name, 0) + 1


def without_shown(counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, dict[str, int]]]:
    """Return counts without the banners shown, which leave no entry, and without what is then empty."""
    kept: dict[str, dict[str, dict[str, int]]] = {}
    for dimension, values in counts.items():
        for value, numbers in values.items():
            logged = {name: n for name, n in numbers.items() if name != "shown" and n}
            if logged:
                kept.setdefault(dimension, {})[value] = logged
    return kept


class Keys:
    """The public keys (JWK set) that an export is checked by."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        self._keys = [Ed25519PublicKey.from_public_bytes(_bytes(key["x"])) for key in jwks["keys"]]
        self.signed = lru_cache(maxsize=4096)(self._signed)

    def _signed(self, text: bytes, signature: str) -> bool:
        for key in self._keys:
            try:
                key.verify(_bytes(signature), text)
            except InvalidSignature:
                continue
            return True
        return False

    def read(self, token: str, kind: str) -> dict[str, Any]:
        """Return what a signed text of type ``kind`` says, or raise Failed."""
        text, _, signature = token.rpartition(".")
        if not self.signed(text.encode(), signature):
            raise Failed(f"the {kind} is signed by none of the keys")
        content = cast(dict[str, Any], json.loads(_bytes(text)))
        if content.get("typ") != kind:
            raise Failed(f"a {kind} is expected here, not a {content.get('typ')}")
        return content


def verify(lines: Iterable[bytes], keys: Mapping[str, Any] | None = None) -> Summary:
    """Check an export in one pass.

    Args:
        lines: its lines.
        keys: the JWK set to trust; the one within the export if left out, which then proves only that it fits itself.

    Raises:
        NoExport: this is no export.
        Failed: it does not prove itself; names line and thing.
    """
    number = 0

    def numbered() -> Iterator[dict[str, Any]]:
        nonlocal number
        for line in lines:
            number += 1
            try:
                content = json.loads(line)
            except ValueError:
                content = None
            if not isinstance(content, dict) or "type" not in content:
                raise Failed("this is no line of an export") if number > 1 else NoExport("This is no consent log.")
            yield content

    with _where(lambda: number):
        return _Check(numbered(), keys).run()


class _Check:
    """One pass over an export."""

    def __init__(self, lines: Iterator[dict[str, Any]], keys: Mapping[str, Any] | None) -> None:
        self.lines = lines
        head = self.next("log")
        if head.get("version") != VERSION:
            raise NoExport(f"This export has version {head.get('version')}; this program reads {VERSION}.")
        self.site = str(head["site"])
        self.first = date.fromisoformat(head["from"])
        self.last = date.fromisoformat(head["to"])
        self.keys = Keys(keys or head["keys"])
        self.notices: dict[str, dict[str, Any]] = {}
        self.summary = Summary(self.site)
        self.previous: str | None = None

    def next(self, *kinds: str) -> dict[str, Any]:
        line = next(self.lines, None)
        if line is None:
            raise Failed(f"the export is cut off: a line of type {' or '.join(kinds)} is missing at its end")
        if line["type"] not in kinds:
            raise Failed(f"a line of type {' or '.join(kinds)} is expected here, not {line['type']}")
        return line

    def run(self) -> Summary:
        line = self.next("notice", "day", "end")
        while line["type"] == "notice":
            self.notice(line)
            line = self.next("notice", "day", "end")
        day = self.first
        while line["type"] == "day":
            if line["day"] != day.isoformat():
                raise Failed(f"the day {day} is missing: {line['day']} stands in its place")
            self.day(day)
            day += timedelta(1)
            line = self.next("day", "end")
        if day <= self.last:
            raise Failed(f"the day {day} is missing")
        end = self.keys.read(line["token"], "export")
        ours = {
            "site": self.site,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "entries": self.summary.entries,
            "head": self.previous or "",
        }
        for name, value in ours.items():
            if end[name] != value:
                raise Failed(f"the end says {name} is {end[name]!r}, but it is {value!r}")
        if next(self.lines, None) is not None:
            raise Failed("something follows after the end")
        self.summary.last_seal = self.previous or ""
        return self.summary

    def notice(self, line: dict[str, Any]) -> None:
        digest = hashlib.sha256(canonical(line["content"])).digest()[:16]
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != line["hash"]:
            raise Failed(f"the notice {line['hash']} was edited: its words have another hash")
        self.notices[line["hash"]] = line["content"]

    def day(self, day: date) -> None:
        tree, counts = Tree(), Counts()
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        place: tuple[int, int, int] = (-1, -1, -1)
        line = self.next("entry", "counts")
        while line["type"] == "entry":
            name = f"entry {tree.leaves} of {day} (bucket {line['bucket']}, {line['at']}-{line['seq']})"
            if line["n"] != tree.leaves:
                raise Failed(f"entry {tree.leaves} of {day} is missing: {line['n']} stands in its place")
            here = (line["bucket"], line["at"], line["seq"])
            if here <= place or not start <= line["at"] < start + 86_400_000:
                raise Failed(f"{name} is not in its place")
            place = here
            if leaf(line).hex() != line["leaf"]:
                raise Failed(f"{name} was changed")
            notice = self.notices.get(line["notice"])
            if notice is None:
                raise Failed(f"{name} answers the notice {line['notice']}, which is missing")
            if "erased" in line:
                self.summary.erased += 1
            elif not self.keys.signed(payload(line, self.site, notice), line["signature"]):
                raise Failed(f"{name} is signed by none of the keys")
            tree.add(leaf(line))
            counts.add(line, day.isoformat(), notice)
            line = self.next("entry", "counts")
        if without_shown(line["counts"]) != counts.by:
            raise Failed(f"the counts of {day} are not those of its entries")
        self.seal(day, tree, hashlib.sha256(canonical(line["counts"])).hexdigest())
        self.summary.entries += tree.leaves
        self.summary.days += 1

    def seal(self, day: date, tree: Tree, counts: str) -> None:
        token = self.next("seal")["token"]
        seal = self.keys.read(token, "seal")
        for name, ours in (("site", self.site), ("day", day.isoformat())):
            if seal[name] != ours:
                raise Failed(f"the seal of {day} is one of another {name}, {seal[name]!r}")
        if seal["entries"] != tree.leaves:
            raise Failed(f"{day} has {tree.leaves} entries, but its seal counts {seal['entries']}")
        if seal["root"] != tree.root():
            raise Failed(f"the entries of {day} are not those that were sealed")
        if seal["counts"] != counts:
            raise Failed(f"the counts of {day} are not those that were sealed")
        if self.previous is not None and seal["prev"] != self.previous:
            raise Failed(f"the seal of {day} does not follow that of the day before")
        if seal.get("open"):
            self.summary.unsealed.append(day.isoformat())
        self.previous = seal_hash(token)
        self.summary.first_seal = self.summary.first_seal or self.previous


def seal_hash(token: str) -> str:
    """Return the hash by which the next seal names this one."""
    return hashlib.sha256(token.encode()).hexdigest()


@contextmanager
def _where(number: Callable[[], int]) -> Iterator[None]:
    """Say in which line it failed, whatever in there was wrong."""
    try:
        yield
    except Failed as error:
        raise Failed(f"Line {number()}: {error}.") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failed(f"Line {number()}: a field is missing or wrong ({type(error).__name__}: {error}).") from None


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open an export, compressed or not.

    Raises:
        NoExport: it cannot be read.
        Failed: it is cut off in mid-compression.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            with gzip.open(raw) if packed else raw as lines:
                yield cast(BinaryIO, lines)
    except (EOFError, gzip.BadGzipFile) as error:
        raise Failed(f"The file is cut off or damaged: {error}.") from None
    except OSError as error:
        raise NoExport(f"{path} cannot be read: {error.strerror}.") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the export that the command line names; the exit status is 0, 1 (it fails) or 2 (it cannot be checked)."""
    parser = argparse.ArgumentParser(description="Check an exported consent log, offline.")
    parser.add_argument("file", type=Path, help="the export, compressed or not")
    parser.add_argument("--keys", type=Path, help="the public keys to trust, as the server has them in /v1/keys.json")
    options = parser.parse_args(arguments)
    try:
        keys = json.loads(options.keys.read_text("utf-8")) if options.keys else None
        with opened(options.file) as lines:
            summary = verify(lines, keys)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except (NoExport, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(summary)
    if not options.keys:
        print("The keys were taken from the export itself: compare them with the server's.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
