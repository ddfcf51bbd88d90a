"""How an entry of the log is packed: what is counted of it in ten bytes, then whose it is, then its signatures."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from functools import lru_cache

from msgspec.structs import replace

from ..decision import DEVICES, HOW, KINDS, Entry
from ..site import base64url

_HEAD = struct.Struct(">BB2s6s")
_PLACE = struct.Struct(">HIH")
_IDENTITY = 32
_SIGNATURE = 64
_SAME = 255
"""Stands for a subject that is the decision itself."""
_IS_SAME = bytes([_SAME])


def pack(entry: Entry) -> bytes:
    """Pack an entry."""
    subject = _IS_SAME if entry.subject == entry.id else pack_name(entry.subject)
    return b"".join(
        (pack_head(entry), pack_name(entry.id), subject, entry.signature if entry.allow else b"", entry.own)
    )


def pack_head(entry: Entry) -> bytes:
    """Pack what is counted of an entry."""
    return _HEAD.pack(
        KINDS.index(entry.kind) | DEVICES.index(entry.device) << 2 | HOW.index(entry.how) << 4,
        entry.allow | entry.before << 3,
        entry.country.encode(),
        _start(entry.notice),
    )


def pack_erased(entry: Entry, statement: bytes) -> bytes:
    """Pack what an erasure leaves of an entry: what is counted, the hash of whose it was, the erasure's statement."""
    return pack_head(entry) + entry.identity() + statement


def unpack(packed: bytes, bucket: int, at: int, seq: int) -> Entry:
    """Return an entry from its place; of the notice's hash it has eight characters."""
    what, masks, country, notice = _HEAD.unpack_from(packed)
    own = _SIGNATURE if masks & 7 else 0  # a refusal's is its hour's, and not here
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
        notice=base64url(notice),
        id=name,
        subject=subject,
        signature=packed[end : end + own],
        own=packed[end + own :],
    )


def unpack_erased(packed: bytes, bucket: int, at: int, seq: int) -> Entry:
    """Return what an erasure left of an entry."""
    nameless = unpack(packed[: _HEAD.size] + bytes([0]) + bytes(16) + bytes([_SAME]), bucket, at, seq)
    end = _HEAD.size + _IDENTITY
    return replace(nameless, id="", subject="", erased=packed[_HEAD.size : end], statement=packed[end:])


@lru_cache(maxsize=1024)
def _start(notice: str) -> bytes:
    """Return what an entry holds of a notice's hash."""
    return urlsafe_b64decode(notice[:8])


def pack_name(name: str) -> bytes:
    """Return an id in few bytes: 22 characters of canonical base64url are 16 bytes, anything else stays text."""
    if len(name) == 22:
        raw = urlsafe_b64decode(name + "==")
        if base64url(raw) == name:
            return b"\0" + raw
    return bytes([len(name)]) + name.encode()


def name_in(packed: bytes) -> bytes:
    """Return the id of a packed entry, as it is packed."""
    return packed[_HEAD.size : _HEAD.size + 1 + (packed[_HEAD.size] or 16)]


def _unpack_name(packed: bytes, start: int) -> tuple[str, int]:
    size = packed[start]
    end = start + 1 + (size or 16)
    raw = packed[start + 1 : end]
    return (raw.decode() if size else base64url(raw)), end


def pack_hour(at: int, notice: str) -> bytes:
    """Return the field under which the refusals of one hour (``at``, in seconds) and notice share a signature."""
    return struct.pack(">I", at) + _start(notice)


def pack_places(places: Iterable[tuple[int, int]]) -> bytes:
    """Pack places in a log, milliseconds and sequence, 8 bytes each."""
    return b"".join(_PLACE.pack(at >> 32, at & 0xFFFFFFFF, seq) for at, seq in places)


def unpack_places(packed: bytes) -> list[tuple[int, int]]:
    """Return places in a log: milliseconds and sequence."""
    return [((high << 32) + low, seq) for high, low, seq in _PLACE.iter_unpack(packed)]
