"""Receipts that shoppers kept, held against an export: the seal that each of them brought has to be in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ... import verify
from ...verify import CannotCheck, Failed, Summary, canonical, read_keys, seal_hash
from ..receipt import SEAL, SIGNATURE

LONGEST = 4_000_000
"""Bytes of a receipt, which has a few thousand."""


class NoReceipt(CannotCheck):
    """This file is no receipt that brought a seal, or cannot be read."""


def read_receipt(path: Path) -> dict[str, Any]:
    """Return the receipt in a file.

    Raises:
        NoReceipt: it holds none, or one from before the first day was sealed.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LONGEST))
    except OSError as error:
        raise NoReceipt(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get(SIGNATURE), str):
        raise NoReceipt(f"{path} is no receipt as GET /v1/SITE/me/receipt gives it.")
    if not isinstance(found.get(SEAL), str):
        raise NoReceipt(f"{path} brought no seal: no day was sealed yet when it was given.")
    return found


def pinned(receipts: Sequence[tuple[Path, Mapping[str, Any]]], summary: Summary, keys: Path) -> list[str]:
    """Return a sentence for each receipt, of whose seal an export has the same.

    Args:
        receipts: as ``read_receipt`` gives them, and from which file.
        summary: of the export, which was verified.
        keys: the public keys to trust; what the export's lead to is trusted too.

    Raises:
        Failed: one is none of ours, or the export has another seal of that day, or none.
        CannotCheck: one brought a seal from before the first day of the export, which follows another.
    """
    given = read_keys(keys)
    within = [*given.get("endorsements", ()), *summary.endorsements]
    trusted, said = verify.Keys(given["keys"], within, given.get("root")), []
    elsewhere = None
    for path, receipt in receipts:
        try:
            said.append(f"{path} brought the seal of {_day(receipt, summary, trusted)}, which is that of the export.")
        except Failed as error:
            raise Failed(f"{path} does not fit this export: {error}.") from None
        except CannotCheck as error:  # what is held against nothing hides none that convicts
            elsewhere = elsewhere or CannotCheck(f"{path} brought a seal from before this export: {error}.")
    if elsewhere:
        raise elsewhere
    return said


def _day(receipt: Mapping[str, Any], summary: Summary, trusted: verify.Keys) -> str:
    """Return the day whose seal a receipt brought, or raise Failed."""
    try:
        said, seal = trusted.read(receipt[SIGNATURE], "receipt"), receipt[SEAL]
        content = canonical({name: value for name, value in receipt.items() if name != SIGNATURE})
        if (said["site"], said["sha256"]) != (summary.site, hashlib.sha256(content).hexdigest()):
            raise Failed("it was changed, or is of another site")
        day = str(trusted.read(seal, "seal")["day"])
    except (LookupError, TypeError, ValueError) as error:
        raise Failed(f"it is none of a consent server ({type(error).__name__})") from None
    if summary.seals.get(day) == seal or (summary.prev and summary.prev == seal_hash(seal)):
        return day
    if day in summary.seals or (summary.begins and day == _before(summary.begins)):
        raise Failed(f"it brought another seal of {day} than the export has: the log was changed since")
    if summary.begins and day < summary.begins:
        raise CannotCheck(f"the export begins with {summary.begins}; hold it against the archive of {day}")
    later = "; hold it against a later one" if day > summary.last or day in summary.unsealed else ""
    raise Failed(f"it brought a seal of {day}, and the export has none of that day{later}")


def _before(day: str) -> str:
    return f"{date.fromisoformat(day) - timedelta(1)}"
