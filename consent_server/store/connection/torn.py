"""What a write that was cut short left at the end of an append-only file: cut off before a server reads the file.

Servers older than Valkey 9.1.2 cut in the wrong place; the program that comes with them knows the right one, but
would cut away all that follows a single bad byte.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess  # nosec B404
from datetime import UTC, datetime
from pathlib import Path

from ...site import ConsentError

log = logging.getLogger(__name__)

LONGEST_WRITE = 65_536
"""Bytes that one write may leave; what is longer, or has a whole decision in it, was acknowledged."""


class Damaged(ConsentError):
    """What would be cut off is more than what a write that was cut short leaves."""

    problem = "damaged"


def cut_off(checker: Path, folder: Path) -> None:
    """Cut off what was half written, and keep a copy of it in ``folder``.

    Args:
        checker: the program ``valkey-check-aof`` or ``redis-check-aof``; nothing is cut where there is none.
        folder: where the server keeps its data.

    Raises:
        Damaged: it is no write that was cut short; nothing is cut.
        OSError: the copy cannot be written; nothing is cut.
    """
    files = folder / "appendonlydir"
    manifest = files / "appendonly.aof.manifest"
    if not checker.exists() or not manifest.exists():
        return
    checked = subprocess.run([checker, manifest], stdin=subprocess.DEVNULL, capture_output=True, check=False)  # nosec B603  # noqa: S603
    told = re.findall(
        rb"^AOF analyzed: filename=(.+), size=\d+, ok_up_to=(\d+),.* diff=([1-9]\d*)$", checked.stdout, re.M
    )
    if not checked.returncode or not told:  # what else is wrong is the server's own to say
        return
    path, sound, rest = files / os.fsdecode(told[-1][0]), int(told[-1][1]), int(told[-1][2])
    with path.open("rb+") as file:
        file.seek(sound)
        torn = file.read(LONGEST_WRITE + 1)
        is_last = told[-1][0] in manifest.read_bytes().splitlines()[-1].split()
        if len(torn) > LONGEST_WRITE or b"\r\nEXEC\r\n" in torn or not is_last:
            raise Damaged(
                f"{path} is damaged after byte {sound}, and {rest} bytes follow, more than a write that was cut short "
                "leaves: put a backup back (docs/operating.md)."
            )
        copy = folder / f"cut-off-{datetime.now(UTC):%Y-%m-%dT%H%M%S.%f}"
        copy.write_bytes(torn)
        file.truncate(sound)
    log.warning("%d bytes that were half written are cut off %s after byte %d, and kept in %s", rest, path, sound, copy)
