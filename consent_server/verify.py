"""Check an exported consent log, offline: ``python verify.py FILE.jsonl.gz --keys keys.json [--after OLDER]``.

Stands alone: besides Python it needs ``cryptography``, and ``rfc3161-client`` where time-stamps are to be checked, so
that an auditor need not install, or trust, the server.

An export is JSON Lines. First a line ``log``, with the site, the days and the public keys; then every ``notice``; then
for each day its entries, its counts and its seal; at last a line ``end``, signed, so that nothing can be cut off.

* A key is believed because it was given, or because one that is believed signed an endorsement of it.
* A day's seal signs how many entries it has and the root of their Merkle tree (RFC 9162: leaf ``H(0 ‖ entry)``, node
  ``H(1 ‖ left ‖ right)``, SHA-256), a hash of its counts, and the seal of the day before.
* The leaf of an entry covers the hash of whose it is, not the name: an erasure removes the name, the leaf stays, with
  a statement of the erasure, which is signed over the leaf.
* An export with tokens holds the signature of each entry: what was answered, to which words, when. Of
  a refusal, which shares its token, and of what follows another answer the server signs the entry itself too. One
  without tokens names people by that hash alone, and nothing in it works as a token; its seals say what was signed.
* What others attest stands beside the seals: a time-stamp of each (RFC 3161), and checkpoints that witnesses cosigned
  (C2SP tlog-cosignature). They are checked by the certificate and the keys that are given for it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import sys
import zlib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import Certificate, InvalidVersion, load_pem_x509_certificates

try:
    import rfc3161_client as rfc3161
except ImportError:  # whoever checks no time-stamps does without
    rfc3161 = None  # type: ignore[assignment]

VERSION = 2
"""Of the exports that the server writes. Version 1 held every token, and said of an erasure only that it was one."""

LAST_SECOND = 253_402_300_799
"""Since 1970: that of the year 9999."""

LONGEST_LINE = 4_000_000
"""Bytes of the longest line that is read: a notice with a long cookie list has a hundredth of it."""

LONGEST_REMEMBERED = 2_000
"""Bytes of the longest signed text of which it is remembered who signed it."""

MOST_NOTICES, LONGEST_NAME = 100_000, 200
"""How many notices are read, and characters of the longest name of a language, a country, a way to answer …"""

LAST_SEQ = 65_535
"""The last number of an entry within its millisecond."""

LEEWAY = timedelta(minutes=2)
"""How far the clock that dates an export, and those that date answers, may be apart."""


def plain(text: object) -> str:
    """Return a text in which nothing moves a terminal's cursor, or hides or turns around what stands beside it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def quoted(value: object) -> str:
    """Return what stands in a file, in quotation marks and cut: it is not for us to say such things."""
    said = repr(value)
    said = said if said.isprintable() else plain(said)
    return said if len(said) <= 60 else f"{said[:60]}…"


class CannotCheck(Exception):
    """There is nothing to check, or nothing to check it by."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class NoExport(CannotCheck):
    """This file is no export of a consent log, or cannot be read."""


class NoKeys(CannotCheck):
    """This file holds no public key of a consent server, or cannot be read."""


class NoCertificate(CannotCheck):
    """This file holds no certificate of a time-stamp authority, or there is nothing to check one by."""


class Failed(Exception):
    """The export does not prove itself; the message names the first thing that is wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class CutOff(Failed):
    """A file ends, or is damaged, in mid-compression."""


@dataclass
class Summary:
    """What was checked, when all of it was right."""

    site: str = ""
    version: int = VERSION
    days: int = 0
    entries: int = 0
    signed: int = 0
    erased: int = 0
    unstated: int = 0
    unsealed: list[str] = field(default_factory=list)
    first: str = ""
    begins: str = ""
    """The first day, where others were sealed before it that are not in the export."""
    prev: str = ""
    """The seal that the first one follows."""
    archived: str = ""
    """The last of the days that only the older export has, of which the first seal here follows the last."""
    first_seal: str = ""
    last_seal: str = ""
    unsigned: str = ""
    """The last sealed day whose seal does not say that each of its refusals and changes is signed by itself."""
    keys: str = ""
    attested: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    notices: set[str] = field(default_factory=set)
    last: str = ""
    """The last day."""
    made: datetime | None = None
    """When it was made, where its end signs that, and that it is by the clock that dates answers."""
    ahead: str = ""
    """The last sealed day, where it was not over when the export was made."""
    endorsements: list[str] = field(default_factory=list)
    """Those that led to the keys of this export."""
    older: list[tuple[str, str]] = field(default_factory=list)
    """The days whose seal is by an older key than the one before it, and by which after which."""

    def __str__(self) -> str:
        names = self.entries - self.signed - self.erased
        by_hash = f" {names} name people by hash alone; their seals say that the server checked them." if names else ""
        older = f" Of {self.unstated} erased ones no statement says when: they are older than statements."
        unstated = older if self.unstated else ""
        unsealed = f" Not sealed yet: {', '.join(self.unsealed)}." if self.unsealed else ""
        begins = f" It begins with {self.begins}; the days before are not in it." if self.begins else ""
        if self.archived:
            begins += f" So nothing but their seals was compared up to {self.archived}: their archive shows the rest."
        lax = f" Up to {self.unsigned} not each refusal and change was signed itself: some may be invented."
        lax = lax if self.unsigned else ""
        lax += f" {self.ahead} is sealed, and was not over when this was made: by a clock ahead." if self.ahead else ""
        more = f" (and of {len(self.older) - 1} more days, the last {self.older[-1][0]})" if self.older[1:] else ""
        turned = [
            f"The seal of {day}{more} is by an older key than the one before it: {which}, either two servers in a "
            "rotation or somebody with that secret."
            for day, which in self.older[:1]
        ]
        whole = (
            f"{self.site}: {self.entries} entries of {self.days} days are whole and unchanged, {self.erased} of them "
            f"erased.{by_hash}{unstated} The chain of seals ends with {self.last_seal}.{unsealed}{begins}{lax}"
        )
        return "\n".join(map(plain, [whole, *turned, *self.attested, *map(put_back, self.restored), self.keys]))


def put_back(at: str) -> str:
    """Return the sentence that tells of a backup that was put back ``at`` some time."""
    return f"The operator recorded that a backup of the log was put back at {at}."


class Fact(NamedTuple):
    """An entry or a seal of an export, to be found again in a later one; in the order of an export."""

    day: str
    is_seal: bool
    place: tuple[int, int, int]
    content: str
    is_erased: bool = False
    statement: str = ""

    def __str__(self) -> str:
        bucket, at, seq = self.place
        return f"the seal of {self.day}" if self.is_seal else f"the entry of {self.day} at {bucket}, {at}-{seq}"


class Tree:
    """A Merkle tree that is only ever added to, in memory that grows with the logarithm of its leaves (RFC 9162).

    Args:
        leaves: how many leaves it has already.
        peaks: the roots of the full trees that these make up, in hexadecimal, as ``peaks`` gave them.

    Raises:
        Failed: so many leaves do not make up so many trees.
    """

    def __init__(self, leaves: int = 0, peaks: Sequence[str] = ()) -> None:
        heights = [height for height in range(leaves.bit_length()) if leaves >> height & 1]
        if len(heights) != len(peaks):
            raise Failed(f"a tree of {leaves} leaves has {len(heights)} peaks, not {len(peaks)}")
        self.leaves = leaves
        self._peaks = [*zip(reversed(heights), map(bytes.fromhex, peaks), strict=True)]

    def peaks(self) -> list[str]:
        """Return all that the tree keeps of its leaves, the highest peak first."""
        return [peak.hex() for _, peak in self._peaks]

    def add(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        self.leaves += 1
        height = 0
        while self._peaks and self._peaks[-1][0] == height:
            leaf = node(self._peaks.pop()[1], leaf)
            height += 1
        self._peaks.append((height, leaf))

    def root(self) -> str:
        """Return the root in hexadecimal; that of no leaf is the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256().hexdigest()
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = node(peak, root)
        return root.hex()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of two nodes of a tree."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_over(hashed: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of a tree of ``size`` leaves, from one of them, its place, and the path up (RFC 9162, 2.1.3.2).

    Raises:
        Failed: there is no such place, or the path is not as long as it has to be.
    """
    if not 0 <= index < size:
        raise Failed(f"a tree of {size} leaves has none at {index}")
    last, at = size - 1, index
    for beside in path:
        if not last:
            raise Failed("a path of hashes is longer than the tree is high")
        if at % 2 or at == last:
            hashed = node(beside, hashed)
            while at and not at % 2:
                at, last = at >> 1, last >> 1
        else:
            hashed = node(hashed, beside)
        at, last = at >> 1, last >> 1
    if last:
        raise Failed("a path of hashes is shorter than the tree is high")
    return hashed


def canonical(content: object) -> bytes:
    """Return the one JSON text that is signed or hashed for ``content``: sorted keys, no white space, UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def notice_hash(content: object) -> str:
    """Return the name of a notice: the first 128 bits of the SHA-256 of its content."""
    return _text(hashlib.sha256(canonical(content)).digest()[:16])


def identity(entry: Mapping[str, Any]) -> str:
    """Return the hash of whose decision an entry is, which is all that an erasure, or an export by hash, leaves."""
    for name in ("erased", "identity"):
        if name in entry:
            return str(entry[name])
    # Refusals of one hour share their token, so its signature says nothing about one of them.
    own = b64encode(_bytes(entry["signature"])).decode() if entry["allow"] else ""
    return hashlib.sha256(canonical([entry["id"], entry["subject"], own])).hexdigest()


LEAF = ("bucket", "at", "seq", "kind", "allow", "before", "how", "device", "country", "notice")

OF_NOTICE = ("keep", "revision", "lang", "variant")
"""What tokens and counts say of a notice: nothing else of it is kept while the entries go by."""

NAMED = {"id", "subject", "signature"}
WHOSE = {"identity"}, {"erased", "statement"}, NAMED, NAMED | {"own"}, {"erased"}
"""What an entry may say of whose it is: a hash, that it was erased, or who; the last was enough in version 1."""

MEMBERS = {
    "log": {"type", "version", "site", "from", "to", "made", "keys", "restored", "before", "cosigned"},
    "notice": {"type", "hash", "content"},
    "day": {"type", "day"},
    "counts": {"type", "day", "counts"},
    "seal": {"type", "day", "token", "stamp"},
    "end": {"type", "token"},
}
"""What a line may hold: whatever else stood in one would be read, and proved by nothing. Of an entry see WHOSE."""


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
    return _text(canonical(content)).encode()


def own_payload(entry: Mapping[str, Any], site: str) -> bytes:
    """Return the text that the server signs of an entry itself: of some the token does not say it all."""
    said = {name: entry[name] for name in (*LEAF[3:], "id", "subject")}
    return _text(canonical({**said, "at": entry["at"] // 1000, "site": site, "typ": "entry"})).encode()


def needs_own(entry: Mapping[str, Any]) -> bool:
    """Return whether a token is not enough: refusals of an hour share theirs, and none says what was before it."""
    return "erased" not in entry and (entry["kind"] != "first" or not entry["allow"])


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
            **{by: entry[by] for by in ("device", "country", "how")},
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
    """The public keys that are believed: those that are given, and those that these endorse.

    An endorsement is a signed text ``{typ: key, by, kid, x, is, back?}``: the key ``by`` says that ``kid`` is its
    ``next``, or its ``previous``, so many ``back``. From the root all next ones are followed, and from each of these
    its previous ones. What a previous key says of others is not, or whoever stole a key that is out of use could bring
    in another; but where it is endorsed without ``back``, as by versions before, its own previous one is. Without it,
    or with a ``back`` of 0, nobody says which of the two is the newer one.

    Args:
        given: public keys (JWK).
        endorsements: signed texts, from wherever; those that lead nowhere do nothing.
        root: the ``kid`` of the given key whose endorsements are followed; those of each, if none of them has it.

    Raises:
        NoKeys: none is given, or one is no Ed25519 key, or its ``kid`` is another's.
    """

    def __init__(
        self, given: Iterable[Mapping[str, Any]], endorsements: Iterable[str] = (), root: object = None
    ) -> None:
        self.ranks: dict[str, int] = {}
        """How much newer a key is than the root; of which that is not known, or said in two ways, it is not in here."""
        self.previous: set[str] = set()
        """The keys that one of these calls its previous one."""
        self.jwks: dict[str, dict[str, Any]] = {}
        self.endorsements: dict[str, str] = {}
        self.by: dict[str, str] = {}
        self.used: set[str] = set()
        self._keys: dict[str, Ed25519PublicKey] = {}
        try:
            for jwk in given:
                if (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519") or len(_bytes(jwk["x"])) != 32:
                    raise NoKeys("One of the keys is no public key of a consent server (Ed25519, RFC 8037).")
                if jwk.get("kid", key_id(jwk["x"])) != key_id(jwk["x"]):
                    raise NoKeys(
                        f"The key {quoted(jwk['kid'])} is not what its name says: its hash is {key_id(jwk['x'])}."
                    )
                self._add(jwk["x"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise NoKeys("One of the keys is no public key of a consent server (Ed25519, RFC 8037).") from None
        if not self._keys:
            raise NoKeys("There is no key in it.")
        self._follow(endorsements, [root] if isinstance(root, str) and root in self._keys else [*self._keys])
        self._remembered = lru_cache(maxsize=4096)(self._signed)

    def _add(self, x: str) -> None:
        kid = key_id(x)
        self._keys[kid] = Ed25519PublicKey.from_public_bytes(_bytes(x))
        self.jwks[kid] = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x}

    def _follow(self, endorsements: Iterable[str], roots: Sequence[str]) -> None:
        said = {text: unsigned(text) for text in sorted({*endorsements})}
        ways: dict[tuple[str, str], list[str]] = {}
        for text, content in said.items():
            if content.get("typ") == "key":
                ways.setdefault((str(content.get("is")), str(content.get("by"))), []).append(text)

        claims: list[tuple[str, str, int]] = []

        def endorsed(way: str, by: str) -> Iterator[tuple[str, int | None]]:
            for text in ways.get((way, by), ()):
                if self._endorses(by, said[text], text):
                    kid, back = said[text]["kid"], said[text].get("back")
                    if kid not in self._keys:
                        self._add(said[text]["x"])
                        self.by[kid] = by
                    yield kid, back if isinstance(back, int) else None

        newest = [*roots]
        for by in newest:  # grows
            for kid, _ in endorsed("next", by):
                claims.append((by, kid, 1))
                if kid not in newest:
                    newest.append(kid)
        leading = {*newest}
        older = newest[::-1]  # what the newest says comes first
        for by in older:  # grows
            for kid, back in endorsed("previous", by):
                self.previous.add(kid)
                if back and back > 0 and by in leading:
                    claims.append((by, kid, -back))
                if back is None and kid not in older:
                    older.append(kid)
        self.ranks = _ranks(roots[0], claims) if len(roots) == 1 else {}
        for (_, by), texts in ways.items():  # also what leads here from keys that others may have been given
            for text in texts:
                kid = str(said[text].get("kid"))
                if by in self._keys and kid in self._keys and self._endorses(by, said[text], text):
                    self.endorsements[text] = kid

    def _endorses(self, by: str, said: Mapping[str, Any], text: str) -> bool:
        signed, _, signature = text.rpartition(".")
        if not self._is_by(by, signed.encode(), signature):
            return False
        try:  # a signer may have been given anything
            return bool(said["kid"] == key_id(said["x"])) and len(_bytes(said["x"])) == 32
        except (KeyError, TypeError, ValueError, AttributeError):
            return False

    def _is_by(self, kid: str, text: bytes, signature: str) -> bool:
        try:
            self._keys[kid].verify(_bytes(signature), text)
        except (InvalidSignature, ValueError):
            return False
        return True

    def signed(self, text: bytes, signature: str) -> str:
        """Return the name of the key that signed a text; empty if none did."""
        # What was signed just now is often asked for again; but who wrote the file is not to fill our memory.
        asked = self._remembered if len(text) + len(signature) <= LONGEST_REMEMBERED else self._signed
        return asked(text, signature)

    def _signed(self, text: bytes, signature: str) -> str:
        found = next((kid for kid in self._keys if self._is_by(kid, text, signature)), "")
        self.used |= {found} - {""}
        return found

    def read(self, token: str, kind: str) -> dict[str, Any]:
        """Return what a signed text of type ``kind`` says, or raise Failed."""
        text, _, signature = token.rpartition(".")
        by = self.signed(text.encode(), signature)
        if not by:
            raise Failed(f"the {kind} is signed by none of the keys")
        content = cast(dict[str, Any], json.loads(_bytes(text)))
        if content.get("typ") != kind:
            raise Failed(f"a {kind} is expected here, not a {quoted(content.get('typ'))}")
        if content.get("kid", by) != by:
            raise Failed(f"the {kind} is not signed by the key that it names")
        return content

    def signer(self, token: str) -> str:
        """Return the name of the key that signed a text; empty if none of them did."""
        text, _, signature = token.rpartition(".")
        return self.signed(text.encode(), signature)

    def is_older(self, kid: str, than: str) -> bool:
        """Return whether a key is known to be older than another, which took its place; False where nobody knows."""
        return kid in self.ranks and than in self.ranks and self.ranks[kid] < self.ranks[than]

    def __str__(self) -> str:
        used = {*self.used}
        for kid in reversed(self._keys):  # those that endorse came before
            used |= {self.by[kid]} if kid in used and kid in self.by else set()
        ways = [f"{kid}, endorsed by {self.by[kid]}" if kid in self.by else f"{kid}, given" for kid in self._keys]
        return f"Trusted: {'; '.join(way for kid, way in zip(self._keys, ways, strict=True) if kid in used)}."


def _ranks(root: str, claims: Sequence[tuple[str, str, int]]) -> dict[str, int]:
    """Return how much newer each key is than the root, by what ``(by, kid, steps)`` say.

    Of whom two of these say it differently, as after a start with the secrets in the wrong order, nothing is known.
    """
    doubted: set[str] = set()
    while True:
        ranks = {root: 0}
        reached = [root]
        for last in reached:  # grows
            for by, kid, steps in claims:
                if by == last and kid not in ranks and kid not in doubted:
                    ranks[kid] = ranks[by] + steps
                    reached.append(kid)
        found = {
            key
            for by, kid, steps in claims
            if by != kid and by in ranks and kid in ranks and ranks[by] + steps != ranks[kid]
            for key in (by, kid)
        } - {root}
        if not found:
            return ranks
        doubted |= found


def key_id(x: str) -> str:
    """Return the short name of a public key, base64url of 32 bytes: of its SHA-256 the first 64 bits."""
    return _text(hashlib.sha256(_bytes(x)).digest()[:8])


def prove(entry: Mapping[str, Any], site: str, notice: Mapping[str, Any], keys: Keys, hashed: bytes) -> str:
    """Return what is wrong with the signature of an entry, or of the statement of its erasure; empty if nothing is.

    Args:
        entry: a line of an export.
        site: the site's id.
        notice: the content of the notice that it answers.
        keys: those that are believed.
        hashed: the entry's ``leaf``.
    """
    if "signature" in entry:
        if entry["kind"] == "first" and entry["subject"] != entry["id"]:
            return "is called a first answer, but follows another"
        is_signed = keys.signed(payload(entry, site, notice), entry["signature"])
        if "own" in entry:
            is_signed = is_signed and keys.signed(own_payload(entry, site), entry["own"])
        return "" if is_signed else "is signed by none of the keys"
    if "erased" in entry:
        if "statement" not in entry:
            return "is erased, but no statement says so"
        try:
            said = keys.read(entry["statement"], "erased")
        except Failed:
            return "is erased, but its statement is signed by none of the keys"
        if (said["site"], said["leaf"]) != (site, hashed.hex()):
            return "is erased, but its statement is that of another entry"
    return ""


class Witness(NamedTuple):
    """A witness of checkpoints: its name, the hash that names its key, and the key itself (C2SP tlog-cosignature)."""

    name: str
    hash: bytes
    key: bytes

    @classmethod
    def of(cls, text: str) -> Witness:
        """Read a witness' key as witnesses give it, ``NAME+HASH+KEY``.

        Raises:
            NoKeys: it is none of an Ed25519 cosignature, or its hash is another's.
        """
        name, _, rest = text.strip().partition("+")
        hashed, _, packed = rest.partition("+")
        try:
            key = b64decode(packed, validate=True)
        except ValueError:
            key = b""
        found = hashlib.sha256(name.encode(errors="replace") + b"\n" + key).digest()[:4]
        if not name or key[:1] != b"\4" or len(key) != 33 or hashed != found.hex():
            raise NoKeys(f"{text[:99]!r} is no key of a witness; take it as the witness gives it, NAME+HASH+KEY.")
        return cls(name, found, key[1:])

    def cosigned(self, note: str) -> int:
        """Return when this witness cosigned a checkpoint, in seconds since 1970; 0 if it did not.

        Raises:
            Failed: what stands there as its signature is none.
        """
        text, _, lines = note.partition("\n\n")
        fault = ""
        for line in lines.splitlines():
            dash, name, packed = [*line.split(" "), "", ""][:3]
            if (dash, name) != ("—", self.name):
                continue
            try:
                raw = b64decode(packed, validate=True)
            except ValueError:
                continue
            if raw[:4] != self.hash:
                continue
            at = int.from_bytes(raw[4:12])
            if at > LAST_SECOND:
                fault = f"what stands there as a cosignature of {self.name} has an impossible time"
                continue
            try:
                Ed25519PublicKey.from_public_bytes(self.key).verify(
                    raw[12:], f"cosignature/v1\ntime {at}\n{text}\n".encode()
                )
            except InvalidSignature:
                fault = f"what stands there as a cosignature of {self.name} is none"
                continue
            return at
        if fault:  # and no other line is one: whoever writes to the store can add lines
            raise Failed(fault)
        return 0


def stamped(stamp: bytes, seal: str, authority: Sequence[Certificate]) -> datetime:
    """Return when an authority had seen a seal, by its time-stamp (RFC 3161).

    Its certificates have to be valid at that time, not today. Whether one was revoked is not asked.

    Args:
        stamp: the authority's answer, DER.
        seal: the signed text.
        authority: its certificate and those above it, up to one that is trusted, or that one alone.

    Raises:
        NoCertificate: ``rfc3161-client`` is not installed.
        Failed: it is no stamp of that seal, or of another authority.
    """
    if rfc3161 is None:
        raise NoCertificate("To check time-stamps, type: pip install rfc3161-client")
    roots = [each for each in authority if each.issuer == each.subject]
    others = [each for each in authority if each.issuer != each.subject]
    try:
        with no_panic():
            answer = rfc3161.decode_timestamp_response(stamp)
            verifier = rfc3161.VerifierBuilder(roots=roots or others, intermediates=others if roots else []).build()
            verifier.verify_message(answer, seal.encode())
            return answer.tst_info.gen_time.astimezone(UTC)
    except (rfc3161.VerificationError, ValueError) as error:
        said = re.search(r'Verify error: ([^"]+)"', str(error))
        raise Failed(f"is none of the authority ({said[1] if said else str(error)[:120]})") from None


@contextmanager
def no_panic() -> Iterator[None]:
    """Raise ValueError where a library in Rust panics at what it is given, which is no Exception and ends a thread."""
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # it has no name that could be imported
            raise
        raise ValueError(f"the library gave up: {error}") from None


def verify(
    lines: Iterable[bytes],
    keys: Mapping[str, Any],
    older: Iterable[bytes] | None = None,
    *,
    authority: Sequence[Certificate] = (),
    witnesses: Sequence[Witness] = (),
) -> Summary:
    """Check an export in one pass, and that nothing is missing that an older one of the same log has.

    Args:
        lines: its lines.
        keys: the JWK set to trust; what it endorses, directly or not, is trusted too.
        older: the lines of an export that was made before.
        authority: the certificates by which time-stamps are checked; without, they are only counted.
        witnesses: each has to have cosigned a checkpoint of the log.

    Raises:
        NoKeys: there is no key in ``keys``.
        NoExport: this is no export.
        NoCertificate: time-stamps cannot be checked here.
        Failed: it does not prove itself; names line and thing.
    """
    summary, facts = _facts(lines, keys, "", authority, witnesses)
    if older is not None:
        fact = next(facts, None)  # and with it what leads from today's key to those of then
        within = [*keys.get("endorsements", ()), *summary.endorsements]
        before, known = _facts(older, {**keys, "endorsements": within}, "the older export, ")
        old = next(known, None)
        if before.site != summary.site:
            raise Failed(f"The older export is of another site, {quoted(before.site)}.")
        if before.version > summary.version:
            raise Failed(
                f"The older export has version {before.version}, and in {summary.version} nothing proves erasures."
            )
        gone, last = old if old and old.day < summary.first else None, None
        while old and old.day < summary.first:
            last, old = old if old.is_seal else last, next(known, None)
        since = _Since()
        try:
            _follow(fact, facts, chain([old] if old else [], known), since)
            since.must_be_later(before, excused=bool({*summary.restored} - {*before.restored}))
            if gone and (last is None or summary.prev != seal_hash(last.content)):
                raise Failed(f"The older export has {gone}, which is missing.")
            if lost := before.notices - summary.notices:
                raise Failed(f"The older export has the notice {quoted(min(lost))}, which is missing.")
            summary.archived = last.day if last else ""
        except Failed as error:
            restored = [put_back(at) for at in summary.restored if at not in before.restored]
            raise Failed(" ".join([str(error), *restored])) from None
    for _ in facts:
        pass
    return summary


def verify_proof(proof: Mapping[str, Any], keys: Mapping[str, Any]) -> int:
    """Check what a shopper got at ``me/proof``: that each decision is in a sealed day, and its seal in the checkpoint.

    Args:
        proof: ``{site, checkpoint, sealed: [{entry, day, number, of, path, seal, seal_number, seal_path}], …}``.
        keys: the JWK set to trust.

    Returns:
        How many decisions are sealed.

    Raises:
        NoKeys: there is no key in ``keys``.
        Failed: one is not, or the checkpoint is signed by none of the keys.
    """
    trusted = Keys(keys["keys"], keys.get("endorsements", ()), keys.get("root"))
    with _where(lambda: "the proof"):
        size, root = read_checkpoint(proof["checkpoint"], trusted)
        for way in proof["sealed"]:
            seal = trusted.read(way["seal"], "seal")
            if (seal["site"], seal["day"], seal.get("open")) != (proof["site"], way["day"], None):
                raise Failed(f"the seal of {quoted(way['day'])} is one of another day or site")
            if {*way["entry"]} != {*LEAF, "id", "subject", "signature"}:  # a hash could be of anybody
                raise Failed(f"the decision {quoted(way['entry']['id'])} does not say whose it is")
            if f"{datetime.fromtimestamp(way['entry']['at'] // 1000, UTC):%Y-%m-%d}" != way["day"]:
                raise Failed(f"the decision {quoted(way['entry']['id'])} is not of {quoted(way['day'])}")
            hashed = leaf(way["entry"])
            if root_over(hashed, way["number"], way["of"], _hashes(way["path"])).hex() != seal["root"]:
                raise Failed(f"the decision {quoted(way['entry']['id'])} is not among those that were sealed")
            if seal["entries"] != way["of"]:
                raise Failed(f"{quoted(way['day'])} has {quoted(seal['entries'])} entries, not {quoted(way['of'])}")
            hashed = hashlib.sha256(b"\0" + way["seal"].encode()).digest()
            if root_over(hashed, way["seal_number"], size, _hashes(way["seal_path"])) != root:
                raise Failed(f"the seal of {quoted(way['day'])} is not among those of the checkpoint")
    return len(proof["sealed"])


def _hashes(path: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in path]


def read_checkpoint(note: str, keys: Keys) -> tuple[int, bytes]:
    """Return size and root of a checkpoint that one of the keys signed (C2SP tlog-checkpoint, signed-note).

    Raises:
        Failed: none of them did.
        ValueError: it is no checkpoint.
    """
    text, found, signatures = note.partition("\n\n")
    name, size, root = (text + "\n" * 2).split("\n")[:3]
    for line in signatures.splitlines() if found else ():
        dash, by, signature = [*line.split(" "), "", ""][:3]
        signed = _text(b64decode(signature)[4:])
        if (dash, by) == ("—", name) and keys.signed(f"{text}\n".encode(), signed):
            return int(size), b64decode(root)
    raise Failed("the checkpoint is signed by none of the keys")


class _Since:
    """What an export has that an older one of the same log has not, as far as it says when that was."""

    def __init__(self) -> None:
        self._entry: dict[str, Fact] = {}
        self._erased: tuple[int, Fact] | None = None

    def add(self, fact: Fact) -> None:
        """Take an entry that is not in the older one; of each day the first in time is kept."""
        if not fact.is_seal and (fact.day not in self._entry or fact.place[1] < self._entry[fact.day].place[1]):
            self._entry[fact.day] = fact

    def erase(self, fact: Fact) -> None:
        """Take an entry that the older one names, and this one does not."""
        at = int(unsigned(fact.statement).get("at", LAST_SECOND))
        self._erased = min(filter(None, [self._erased, (at, fact)]))

    def must_be_later(self, before: Summary, *, excused: bool) -> None:
        """Return if all of it may have been done after the older export was made.

        Args:
            before: the older one, which was read to its end.
            excused: whether a backup was put back since, with which older entries and erasures may come.

        Raises:
            Failed: names what is dated back.
        """
        if before.made is None or excused:
            return
        made = int((before.made - LEEWAY).timestamp())
        within = [fact for day, fact in self._entry.items() if before.first <= day <= before.last]
        first = min(within, key=lambda fact: fact.place[1], default=None)
        if first and first.place[1] // 1000 < made:
            raise Failed(f"The older export was made at {_time(before.made.timestamp())}, and has not {first}.")
        if self._erased and self._erased[0] < made:
            at, fact = self._erased
            raise Failed(
                f"The older export, made at {_time(before.made.timestamp())}, names {fact}, which was erased before, "
                f"says its statement, at {_time(at)}."
            )


def _follow(fact: Fact | None, facts: Iterator[Fact], known: Iterable[Fact], since: _Since) -> None:
    """Find every known fact in ``fact`` and those after it; both are in the order of an export."""
    for old in known:
        while fact is None or fact[:3] < old[:3]:
            if fact:
                since.add(fact)
            fact = next(facts, None)
            if fact is None:
                raise Failed(f"The older export has {old}, which is missing.")
        if fact[:3] != old[:3]:
            raise Failed(f"The older export has {old}, which is missing.")
        if fact.content != old.content:
            raise Failed(f"In the older export {old} is another one.")
        if (old.is_erased and not fact.is_erased) or (old.statement and fact.statement != old.statement):
            raise Failed(f"In the older export {old} was erased; its statement is missing.")
        if fact.is_erased and not old.is_erased:
            since.erase(fact)
        fact = None
    for rest in chain([fact] if fact else [], facts):
        since.add(rest)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON, or raise Failed: of a name that stands twice others may read the other."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise Failed(f"{quoted(next(name for name in names if names.count(name) > 1))} stands twice in it")
    return found


def _facts(
    lines: Iterable[bytes],
    keys: Mapping[str, Any],
    which: str,
    authority: Sequence[Certificate] = (),
    witnesses: Sequence[Witness] = (),
) -> tuple[Summary, Iterator[Fact]]:
    """Return what an export says, while it is checked; the summary is filled by then."""
    number = 0
    summary = Summary()

    def numbered() -> Iterator[dict[str, Any]]:
        nonlocal number
        for line in lines:
            number += 1
            try:
                content = json.loads(line, object_pairs_hook=_once) if len(line) <= LONGEST_LINE else None
            except (ValueError, RecursionError):
                content = None
            if not isinstance(content, dict) or "type" not in content:
                raise Failed("this is no line of an export") if number > 1 else NoExport("This is no consent log.")
            yield content

    def run() -> Iterator[Fact]:
        with _where(lambda: f"{which}line {number}"):
            yield from _Check(numbered(), keys, summary, authority, witnesses).run()

    return summary, run()


class _Attested:
    """What others attest of an export's seals, and the operator of the log, while the seals go by.

    ``head``: the first line of the export.

    Raises:
        Failed: a record of a backup, or a cosigned checkpoint, is none.
    """

    def __init__(
        self,
        head: Mapping[str, Any],
        site: str,
        keys: Keys,
        authority: Sequence[Certificate],
        witnesses: Sequence[Witness],
    ) -> None:
        self.authority = authority
        self.witnesses = witnesses
        self.hash = hashlib.sha256()
        self.anything = False
        self.stamps = 0
        self.sealed: list[tuple[date, datetime | None]] = []
        """Each day, and when the authority had seen its seal, if it says so."""
        self.keys = keys
        self.restored: list[str] = []
        self.records: list[tuple[int, str]] = []
        """When each backup was put back, and which key says so."""
        for text in head.get("restored", ()):
            self._add(text)
            said = keys.read(text, "restored")
            if said["site"] != site:
                raise Failed(f"a record of a backup is one of another site, {quoted(said['site'])}")
            if not 0 <= said["at"] <= LAST_SECOND:
                raise Failed(f"a record of a backup has an impossible time, {quoted(said['at'])}")
            self.restored.append(_time(said["at"]))
            self.records.append((said["at"], keys.signer(text)))
        self.notes: dict[int, str] = {}
        for note in head.get("cosigned", ()):
            self._add(note)
            name, size = note.split("\n")[:2]
            if not name.endswith(f"/consent/{site}"):
                raise Failed(f"a cosigned checkpoint is one of another log, {quoted(name)}")
            self.notes[int(size)] = note
        self.said_before = head.get("before")
        self.seals = Tree(*head.get("before", (0, ())))
        # Over what is before these days a checkpoint says nothing of what is in here: it may be of another history.
        self.before = self.seals.leaves

    def _add(self, text: str) -> None:
        self.anything = True
        self.hash.update(hashlib.sha256(text.encode()).digest())

    def must_be(self, end: Mapping[str, Any]) -> None:
        """Return if it is what the end of the export says, or raise Failed."""
        if (end.get("attested") or "") != (self.hash.hexdigest() if self.anything else ""):
            raise Failed("what others attest of it is not what was exported")
        if end.get("before", self.said_before) != self.said_before:
            raise Failed("the seals before it are not those that were exported")

    def seal(self, day: date, token: str, stamp: str | None) -> None:
        """Take the next seal, with its time-stamp if it has one, in base64."""
        for when, by in self.records:
            if is_out_of_use(self.keys, when, by, token):
                raise Failed(f"that a backup was put back at {_time(when)} is signed by {by}, which was out of use")
        self.seals.add(hashlib.sha256(b"\0" + token.encode()).digest())
        self._compare()
        self.sealed.append((day, None))
        if stamp is None:
            return
        self._add(stamp)
        self.stamps += 1
        if self.authority:
            try:
                at = stamped(b64decode(stamp, validate=True), token, self.authority)
            except Failed as error:
                raise Failed(f"the time-stamp of the seal of {day} {error}") from None
            if at < _over(day):
                raise Failed(f"the seal of {day} was time-stamped at {at:%Y-%m-%d %H:%M}, before its day was over")
            self.sealed[-1] = (day, at)

    def _compare(self) -> None:
        note = self.notes.get(self.seals.leaves)
        if note is not None and b64decode(note.split("\n")[2]).hex() != self.seals.root():
            raise Failed(f"the checkpoint over {self.seals.leaves} seals that witnesses cosigned is not over these")

    def _lateness(self) -> str:
        """Return how late the seal was seen that was seen latest, and which ones nobody has seen.

        A stamp shows its own seal, and each one before it, which that one follows.
        """
        seen, latest, unseen = None, None, ""
        for day, at in reversed(self.sealed):
            seen = min(filter(None, [seen, at]), default=None)
            if seen is None:
                unseen = f"{day}"
            else:
                latest = max(filter(None, [latest, (seen - _over(day), f"{day}")]))
        said = f", the latest {_span(latest[0])} after its day, {latest[1]}" if latest else ""
        return said + (f"; none shows those from {unseen} on" if unseen else "")

    def end(self, sealed: int) -> list[str]:
        """Return in a sentence each what is attested of ``sealed`` seals.

        Raises:
            Failed: a checkpoint is over more seals than there are, or a witness has cosigned none of these.
        """
        notes = {size: note for size, note in self.notes.items() if size > self.before}
        over = max(notes, default=0)
        if over > self.seals.leaves:
            raise Failed(f"witnesses cosigned {over} seals, of which {self.seals.leaves} are here")
        sentences = []
        if self.stamps and not self.authority:
            sentences.append(f"{self.stamps} of {sealed} seals have a time-stamp, which --tsa-certificate FILE checks.")
        elif self.authority:
            sentences.append(f"{self.stamps} of {sealed} seals were time-stamped by the authority{self._lateness()}.")
        for witness in self.witnesses:
            times, fault = dict[int, int](), f"no checkpoint over what is in it was cosigned by {witness.name}"
            for size, note in notes.items():
                try:
                    times |= {size: at} if (at := witness.cosigned(note)) else {}
                except Failed as error:
                    fault = str(error)
            if not times:
                raise Failed(fault)
            size = max(times)
            log = notes[size].partition("\n")[0]
            sentences.append(f"{witness.name} cosigned the first {size} seals of {log} at {_time(times[size])}.")
        if notes and not self.witnesses:
            sentences.append("Checkpoints of it were cosigned, which --witness KEY checks.")
        return sentences


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _over(day: date) -> datetime:
    """Return when a day is over."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(1)


def _span(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{hours} h" if hours < 48 else f"{span.days} days"


def _kind_of(line: Mapping[str, Any], many: int) -> dict[str, Any]:
    """Return what tokens and counts say of a notice, or raise Failed; there are ``many`` already."""
    kept = {name: line["content"][name] for name in OF_NOTICE if name in line["content"]}
    if many >= MOST_NOTICES or len(canonical(kept)) > 2 * LONGEST_NAME:
        raise Failed(f"the notice {line['hash']} is one of too many, or says too much of its kind")
    return kept


class _Check:
    """One pass over an export."""

    def __init__(
        self,
        lines: Iterator[dict[str, Any]],
        keys: Mapping[str, Any],
        summary: Summary,
        authority: Sequence[Certificate] = (),
        witnesses: Sequence[Witness] = (),
    ) -> None:
        self.lines = lines
        head = self.next("log")
        self.version = head.get("version")
        if self.version not in (1, VERSION):
            raise NoExport(f"This export has version {quoted(self.version)}; this program reads {VERSION} and 1.")
        self.site = summary.site = str(head["site"])
        self.first = date.fromisoformat(head["from"])
        summary.first, summary.version = self.first.isoformat(), self.version
        self.last = date.fromisoformat(head["to"])
        summary.last = self.last.isoformat()
        within = head["keys"].get("endorsements", ())
        self.keys = Keys(keys["keys"], [*keys.get("endorsements", ()), *within], keys.get("root"))
        self.notices: dict[str, dict[str, Any]] = {}
        self.summary = summary
        summary.endorsements = [*self.keys.endorsements]
        self.previous: str | None = None
        self.by: str = ""
        self.sealed: datetime | None = None
        """When the last day began that has a seal."""
        self.statements, self.named = hashlib.sha256(), hashlib.sha256()
        self.made = head.get("made")
        self.attested = _Attested(head, self.site, self.keys, authority, witnesses)
        summary.restored = self.attested.restored

    def next(self, *kinds: str) -> dict[str, Any]:
        line = next(self.lines, None)
        if line is None:
            raise Failed(f"the export is cut off: a line of type {' or '.join(kinds)} is missing at its end")
        if line["type"] not in kinds:
            raise Failed(f"a line of type {' or '.join(kinds)} is expected here, not {quoted(line['type'])}")
        foreign = {*line} - MEMBERS.get(line["type"], {*line})
        if foreign:
            raise Failed(f"a line of type {line['type']} has no {quoted(min(foreign))}")
        return line

    def run(self) -> Iterator[Fact]:
        line = self.next("notice", "day", "end")
        while line["type"] == "notice":
            if notice_hash(line["content"]) != line["hash"]:
                raise Failed(f"the notice {quoted(line['hash'])} was edited: its words have another hash")
            if line["hash"] in self.notices:
                raise Failed(f"the notice {line['hash']} stands twice")
            self.named.update(f"{line['hash']}\n".encode())
            self.notices[line["hash"]] = _kind_of(line, len(self.notices))
            line = self.next("notice", "day", "end")
        self.summary.notices = {*self.notices}
        day = self.first
        while line["type"] == "day":
            if line["day"] != day.isoformat():
                raise Failed(f"the day {day} is missing: {quoted(line['day'])} stands in its place")
            yield from self.day(day)
            day += timedelta(1)
            line = self.next("day", "end")
        if day <= self.last:
            raise Failed(f"the day {day} is missing")
        self._must_not_be_older("the end", line["token"])
        self.end(self.keys.read(line["token"], "export"))

    def end(self, end: Mapping[str, Any]) -> None:
        ours = {
            "site": self.site,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "entries": self.summary.entries,
            "head": self.previous or "",
            "version": self.version,
        }
        self.attested.must_be(end)
        for name, value in ours.items():
            if end.get(name, 1) != value:  # what has no version is of version 1
                raise Failed(f"the end says {name} is {quoted(end.get(name))}, but it is {quoted(value)}")
        said = self.summary
        kinds = (said.signed, said.erased, self.statements.hexdigest())
        if "erased" in end and (end["signed"], end["erased"], end["statements"]) != kinds:  # no leaf tells these apart
            raise Failed(
                f"{quoted(end['signed'])} entries had a signature and {quoted(end['erased'])} were erased when it was "
                f"exported, not {said.signed} and {said.erased}, or with other statements"
            )
        if end.get("notices", self.named.hexdigest()) != self.named.hexdigest():  # exports of before do not say it
            raise Failed("the notices in it are not those that were exported")
        if end.get("made", self.made) != self.made:
            raise Failed(f"it was made at {quoted(end['made'])}, and says at {quoted(self.made)}")
        if "made" in end and end.get("clock") == "store":  # before, it was that of a machine, which nothing checked
            self.summary.made = made = datetime.fromisoformat(str(self.made)).astimezone(UTC)
            begins = self.sealed or made  # by which an archive is dated, too
            if made < begins:
                raise Failed(f"the seal of {begins:%Y-%m-%d} is of a day to come at {self.made}")
            if begins < made < begins + timedelta(1):
                self.summary.ahead = f"{begins:%Y-%m-%d}"
        if next(self.lines, None) is not None:
            raise Failed("something follows after the end")
        self.summary.last_seal = self.previous or ""
        self.summary.attested = self.attested.end(self.summary.days - len(self.summary.unsealed))
        newest = max(self.keys.ranks, key=lambda kid: self.keys.ranks[kid], default=self.by)
        is_old = f" Its end is signed by {self.by}, an older key than {newest}."
        is_newest = " No newer key than that of its end is known here."
        self.summary.keys = f"{self.keys}{is_old if self.keys.is_older(self.by, newest) else is_newest}"

    def _must_not_be_older(self, what: str, token: str) -> None:
        """Take who signed the end or an open day, or raise Failed: that is done now, and by the newest key."""
        kid = self.keys.signer(token)
        if self.keys.is_older(kid, self.by):
            raise Failed(f"{what} is signed by {kid}, an older key than {self.by}, which signed what is before it")
        self.by = kid

    def day(self, day: date) -> Iterator[Fact]:
        tree, counts = Tree(), Counts()
        self.owns, self.lacking = False, ""
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
        place: tuple[int, int, int] = (-1, -1, -1)
        line = self.next("entry", "counts")
        while line["type"] == "entry":
            at = f"bucket {quoted(line['bucket'])}, {quoted(line['at'])}-{quoted(line['seq'])}"
            name = f"entry {tree.leaves} of {day} ({at})"
            if line["n"] != tree.leaves:
                raise Failed(f"entry {tree.leaves} of {day} is missing: {quoted(line['n'])} stands in its place")
            here = (line["bucket"], line["at"], line["seq"])
            if here <= place or not 0 <= line["seq"] <= LAST_SEQ or not start <= line["at"] < start + 86_400_000:
                raise Failed(f"{name} is not in its place")
            place = here
            yield self.entry(line, name, day.isoformat(), place, counts, tree)
            line = self.next("entry", "counts")
        if without_shown(line["counts"]) != counts.by:
            raise Failed(f"the counts of {day} are not those of its entries")
        self.summary.entries += tree.leaves
        self.summary.days += 1
        token = self.seal(day, tree, hashlib.sha256(canonical(line["counts"])).hexdigest())
        if line["day"] != day.isoformat():
            raise Failed(f"the counts of {day} stand as those of {quoted(line['day'])}")
        if day.isoformat() not in self.summary.unsealed:
            yield Fact(day.isoformat(), True, (0, 0, 0), token)

    def entry(
        self, line: dict[str, Any], name: str, day: str, place: tuple[int, int, int], counts: Counts, tree: Tree
    ) -> Fact:
        whose = {*line} - {*LEAF, "type", "n", "leaf"}
        hashed = leaf(line)
        if hashed.hex() != line["leaf"] or whose not in WHOSE:
            raise Failed(f"{name} was changed")
        if any(len(line[each]) > LONGEST_NAME for each in ("how", "device", "country")):
            raise Failed(f"{name} is none of a consent server")
        notice = self.notices.get(line["notice"])
        if notice is None:
            raise Failed(f"{name} answers the notice {quoted(line['notice'])}, which is missing")
        unstated = self.version == 1 and whose == {"erased"}
        fault = "" if unstated else prove(line, self.site, notice, self.keys, hashed)
        if fault:
            raise Failed(f"{name} {fault}")
        self.summary.signed += "signature" in line
        self.summary.erased += "erased" in line
        self.statements.update(str(line.get("statement", "")).encode())
        self.summary.unstated += unstated or bool(unsigned(line.get("statement")).get("found"))
        if needs_own(line):
            self.owns = True
            self.lacking = self.lacking or (name if "signature" in line and "own" not in line else "")
        tree.add(hashed)
        counts.add(line, day, notice)
        return Fact(day, False, place, line["leaf"], "erased" in line, line.get("statement", ""))

    def seal(self, day: date, tree: Tree, counts: str) -> str:
        line = self.next("seal")
        token = str(line["token"])
        seal = self.keys.read(token, "seal")
        for name, ours in (("site", self.site), ("day", day.isoformat())):
            if seal[name] != ours:
                raise Failed(f"the seal of {day} is one of another {name}, {quoted(seal[name])}")
        if line["day"] != day.isoformat():
            raise Failed(f"the seal of {day} stands as that of {quoted(line['day'])}")
        if seal.get("open"):
            if "stamp" in line:
                raise Failed(f"the day {day} has a time-stamp, and is not sealed")
            self._must_not_be_older(f"the seal of {day}", token)
        elif self.keys.is_older(by := self.keys.signer(token), self.by):
            self.summary.older.append((day.isoformat(), f"{by} after {self.by}"))  # no failure: two servers may do so
        self.by = self.keys.signer(token)
        if seal["entries"] != tree.leaves:
            raise Failed(f"{day} has {tree.leaves} entries, but its seal counts {quoted(seal['entries'])}")
        if seal["root"] != tree.root():
            raise Failed(f"the entries of {day} are not those that were sealed")
        if seal["counts"] != counts:
            raise Failed(f"the counts of {day} are not those that were sealed")
        if self.previous is not None and seal["prev"] != self.previous:
            raise Failed(f"the seal of {day} does not follow that of the day before")
        if self.previous is None and seal["prev"]:
            self.summary.begins, self.summary.prev = day.isoformat(), seal["prev"]
        if seal.get("own") and self.lacking:
            raise Failed(f"{self.lacking} is not signed by itself, and its seal says that it is")
        if seal.get("open"):
            self.summary.unsealed.append(day.isoformat())
        else:
            self.sealed = _over(day) - timedelta(1)
            self.attested.seal(day, token, line.get("stamp"))
            if self.owns and not seal.get("own"):
                self.summary.unsigned = day.isoformat()
        self.previous = seal_hash(token)
        self.summary.first_seal = self.summary.first_seal or self.previous
        return token


def is_out_of_use(keys: Keys, at: int, by: str, seal: str) -> bool:
    """Return whether a key is older than the one that made a seal, of a day that was over ``at`` a time (s)."""
    return keys.is_older(by, keys.signer(seal)) and int(unsigned(seal).get("at", at)) < at


def seal_hash(token: str) -> str:
    """Return the hash by which the next seal names this one."""
    return hashlib.sha256(token.encode()).hexdigest()


@contextmanager
def _where(where: Callable[[], str]) -> Iterator[None]:
    """Say in which line it failed, whatever in there was wrong."""
    try:
        yield
    except CutOff:
        raise
    except Failed as error:
        raise Failed(f"{_capital(where())}: {error}.") from None
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"[:200]
        raise Failed(f"{_capital(where())}: a field is missing or wrong ({what}).") from None


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(raw) != text:  # base64 has several spellings of the same bytes
        raise ValueError(f"{text[:60]!r} is not base64url")
    return raw


def unsigned(token: object) -> dict[str, Any]:
    """Return what a signed text says, whoever signed it; nothing if it is none."""
    try:
        content = json.loads(_bytes(str(token).rpartition(".")[0]))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def read_keys(path: Path) -> dict[str, Any]:
    """Return the public keys of a file: a JWK set as of /v1/keys.json, or a single JWK.

    Raises:
        NoKeys: it holds none, something else, or cannot be read.
    """
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise NoKeys(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise NoKeys(f"{path} holds no public keys: it is not JSON.") from None
    try:
        keys = {"keys": [found]} if "kty" in found else dict(found)
        Keys(keys["keys"], keys.get("endorsements", ()), keys.get("root"))
    except NoKeys as error:
        raise NoKeys(f"{path} holds no key to trust. {error}") from None
    except (LookupError, TypeError, ValueError, AttributeError):
        raise NoKeys(f"{path} holds no public keys as /v1/keys.json gives them.") from None
    return keys


def read_certificates(path: Path) -> list[Certificate]:
    """Return the certificates of a file (PEM), such as those of a time-stamp authority.

    Raises:
        NoCertificate: it holds none, or cannot be read.
    """
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise NoCertificate(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, InvalidVersion):
        raise NoCertificate(f"{path} holds no certificate (PEM).") from None


@contextmanager
def opened(path: Path) -> Iterator[Iterator[bytes]]:
    """Open an export, compressed or not, and give its lines.

    Raises:
        NoExport: it cannot be read; while its lines are taken too.
        CutOff: it is cut off in mid-compression; likewise.
    """
    with _readable(path):
        raw = path.open("rb")
    with raw:
        with _readable(path):
            packed = raw.peek(2)[:2] == b"\x1f\x8b"  # a pipe cannot be read again
        with gzip.open(raw) if packed else raw as file:
            yield _lines(path, cast(BinaryIO, file))


def _lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    while True:
        with _readable(path):  # here, where it is known of which of two files it is
            line = file.readline(LONGEST_LINE + 1)
        if not line:
            return
        yield line


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CutOff(f"{path} is cut off or damaged: {error}.") from None
    except OSError as error:
        raise NoExport(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:  # a name that no file can have
        raise NoExport(f"{path} cannot be read: {error}.") from None


def check(
    file: Path,
    keys: Path,
    older: Path | None = None,
    certificate: Path | None = None,
    witnesses: Sequence[str] = (),
) -> Summary:
    """Check the export in a file, by what others hold, as ``verify`` takes it.

    Raises:
        CannotCheck: one of the files cannot be read, or is something else.
        Failed: it does not prove itself.
    """
    trusted = read_keys(keys)
    authority = read_certificates(certificate) if certificate else []
    known = [Witness.of(text) for text in witnesses]
    with opened(file) as lines, opened(older) if older else nullcontext() as before:
        return verify(lines, trusted, before, authority=authority, witnesses=known)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the export that the command line names; the exit status is 0, 1 (it fails) or 2 (it cannot be checked)."""
    parser = argparse.ArgumentParser(description="Check an exported consent log, offline.")
    parser.add_argument("file", type=Path, help="the export, compressed or not")
    parser.add_argument("--keys", type=Path, required=True, help="the public key to trust, or several, as JWK (set)")
    parser.add_argument("--after", type=Path, help="an older export, of which all must be found again")
    parser.add_argument("--tsa-certificate", type=Path, help="the time-stamp authority's certificates (PEM)")
    parser.add_argument("--witness", action="append", default=[], help="key of a witness that has to have cosigned it")
    options = parser.parse_args(arguments)
    try:
        print(check(options.file, options.keys, options.after, options.tsa_certificate, options.witness))
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except CannotCheck as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
