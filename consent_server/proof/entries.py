"""An entry of the log as a line of an export, and what proves it: its token's signature, or its erasure's statement."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from .. import verify
from ..decision import Entry
from ..site import ConsentError, Notice, Site, base64url, categories_of
from ..tokens import Keys, token

_HEAD = struct.Struct(">BI")
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
        "kind": entry.kind,
        "allow": entry.allowed(),
        "before": categories_of(entry.before),
        "how": entry.how,
        "device": entry.device,
        "country": entry.country,
        "notice": entry.notice,
    }
    if not entry.erased:
        return line | {"id": entry.id, "subject": entry.subject, "signature": base64url(entry.signature)}
    line["erased"] = entry.erased.hex()
    if len(entry.statement) == _HEAD.size + 64:
        how, at = _HEAD.unpack_from(entry.statement)
        line["statement"] = token(_stated(line, site, how, at), entry.statement[_HEAD.size :])
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
    return _HEAD.pack(how, at) + keys.sign(_stated(fields(entry, site), site, how, at))


def erased_at(entry: Entry) -> int | None:
    """Return when an entry was erased, in seconds since 1970, if its statement says so."""
    return int(_HEAD.unpack_from(entry.statement)[1]) if len(entry.statement) == _HEAD.size + 64 else None


def _stated(line: Mapping[str, Any], site: Site, how: int, at: int) -> dict[str, Any]:
    content = {"typ": "erased", "site": site.id, "leaf": verify.leaf(line).hex(), "at": at}
    return content | ({"found": True} if how == FOUND else {})


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
    if fault:
        raise Unproven(f"The entry in bucket {line['bucket']} at {line['at']}-{line['seq']} {fault}.")
