"""An entry of the log as a line of an export, and what proves it: its token's signature, or its erasure's statement."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from .. import verify
from ..decision import Entry
from ..site import ConsentError, Notice, Site, base64url
from ..store.evidence.own import logged
from ..store.keys import place
from ..tokens import Keys, token

_HEAD, _WIDE = struct.Struct(">BI"), struct.Struct(">Bq")
ERASED, FOUND = 1, 2
"""What a statement says: erased at that moment; or found erased, by a version whose erasures left no statement."""


class Unproven(ConsentError):
    """An entry is not signed by whoever should have; names it."""

    problem = "unproven"


def fields(entry: Entry, site: Site) -> dict[str, Any]:
    """Return an entry as a line of an export with tokens."""
    line: dict[str, Any] = {
        "bucket": entry.bucket,
        "at": entry.at,
        "seq": entry.seq,
        **logged(entry),
    }
    if not entry.erased:
        line |= {"id": entry.id, "subject": entry.subject, "signature": base64url(entry.signature)}
        return line | ({"own": base64url(entry.own)} if entry.own else {})
    line["erased"] = entry.erased.hex()
    if found := _said(entry.statement):
        how, at, signature = found
        line["statement"] = token(_stated(line, site, how, at), signature)
    return line


def by_hash(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of an export without what works as a token: who decided is named by a hash alone."""
    if "erased" in line:
        return dict(line)
    named = {name: line[name] for name in verify.LEAF}
    return named | {"identity": verify.identity(line)}


def statement(entry: Entry, site: Site, keys: Keys, how: int, at: int) -> bytes:
    """Return what is kept of the erasure of an entry, signed.

    Args:
        entry: with its whole notice hash, erased or not.
        site: its shop.
        keys: the newest signs.
        how: ``ERASED`` or ``FOUND``.
        at: when, in seconds since 1970.
    """
    return _packed(how, at, keys.sign(_stated(fields(entry, site), site, how, at)))


def restated(text: str) -> bytes:
    """Return the same out of the statement of a line of an export, which was verified."""
    said, signature = verify.unsigned(text), text.rpartition(".")[2]
    return _packed(FOUND if said.get("found") else ERASED, said["at"], urlsafe_b64decode(f"{signature}=="))


def erased_at(entry: Entry) -> int | None:
    """Return when an entry was erased, in seconds since 1970, if its statement says so, whoever wrote that."""
    found = _said(entry.statement)
    return found[1] if found else None


def _packed(how: int, at: int, signature: bytes) -> bytes:
    head = _HEAD if 0 <= at < 1 << 32 else _WIDE  # before 1970 and from 2106 on
    return head.pack(how, at) + signature


def _said(statement: bytes) -> tuple[int, int, bytes] | None:
    """Return what a statement says, when it was made, and what signs that, if it has the form of one."""
    head = {each.size + 64: each for each in (_HEAD, _WIDE)}.get(len(statement))
    if head is None:
        return None
    how, at = head.unpack_from(statement)
    return how, at, statement[head.size :]


def _stated(line: Mapping[str, Any], site: Site, how: int, at: int) -> dict[str, Any]:
    content = {"typ": "erased", "site": site.id, "leaf": verify.leaf(line).hex(), "at": at}
    return content | ({"found": True} if how == FOUND else {})


def _named(line: Mapping[str, Any]) -> str:
    return f"The entry in bucket {line['bucket']} at {line['at']}-{line['seq']}"


def prove(line: Mapping[str, Any], hashed: bytes, site: Site, notices: Mapping[str, Notice], keys: verify.Keys) -> None:
    """Return if an entry is what somebody answered, or what an erasure left of it.

    Args:
        line: of an export with tokens.
        hashed: its leaf.
        site: its shop.
        notices: all that were asked, by hash.
        keys: those that are believed.

    Raises:
        Unproven: names the entry, and says what is wrong with it.
    """
    notice = notices.get(line["notice"])
    fault = (
        verify.prove(line, site.id, notice.content, keys, hashed)
        if notice
        else f"answers the notice {line['notice']}, which is missing"
    )
    if not fault and line["seq"] > verify.LAST_SEQ:  # to which the index of its shopper cannot point
        fault = "has a number that no answer gets"
    if not fault and "subject" in line and place(site, line["subject"]).bucket.number != line["bucket"]:
        fault = "is where nobody finds it who looks for its shopper's"
    if fault:
        raise unproven(line, fault)


def unproven(line: Mapping[str, Any], fault: str) -> Unproven:
    """Return what to raise of an entry."""
    return Unproven(f"{_named(line)} {fault}.")
