"""Files that are whole or not there: on disk before they have their name, and their owner's alone."""

from __future__ import annotations

import fcntl
import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from ...site import ConsentError


class CannotWrite(ConsentError):
    """The file cannot be written."""

    problem = "cannot-write"


def write(path: Path, lines: Iterator[bytes]) -> None:
    """Write an export to ``path``, compressed if its name ends in ``.gz``; a file of that name is replaced at the end.

    Nobody else on the machine may read it: it says what was answered, even where it does not say by whom.

    Raises:
        CannotWrite: the disk is full, the folder cannot be written, something else than a file has that name, or
            another run writes it too; nothing of this one is left behind.
    """
    if os.path.lexists(path) and not os.path.isfile(path):  # /dev/null, say: it would be a file from then on
        raise CannotWrite(f"{path} is there and is no file.")
    unfinished = path.with_name(path.name + ".unfinished")
    mine: os.stat_result | None = None
    try:
        unfinished.unlink(missing_ok=True)  # of a run that was killed; its mode may be another
        with open(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as raw:
            mine = os.fstat(raw.fileno())
            with _packed(raw, path) as file:
                for line in lines:
                    file.write(line)
            raw.flush()
            os.fsync(raw.fileno())
        if not _is(unfinished, mine):
            raise CannotWrite(f"{path} is written by another run too, which began later.")
        unfinished.replace(path)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            if mine and _is(unfinished, mine):
                unfinished.unlink()


def append(path: Path, lines: Iterator[bytes]) -> None:
    """Write lines at the end of ``path``, which only its owner may read if it is new; all of them, or none.

    Raises:
        CannotWrite: as for ``write``, or the file ends in the middle of a line or of what is compressed, as a run that
            was killed leaves it.
    """
    if os.path.lexists(path) and not os.path.isfile(path):
        raise CannotWrite(f"{path} is there and is no file.")
    lines = chain([*islice(lines, 1)], lines)  # whoever is asked for them wrongly says so before there is a file
    try:
        with (
            TemporaryFile(dir=path.parent) as made,
            open(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600), "r+b", buffering=0) as raw,
        ):
            fcntl.flock(raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = raw.seek(0, os.SEEK_END)
            _must_be_whole(raw, path, size)
            any_line = False
            with _packed(cast(BinaryIO, made), path) as file:
                for line in lines:
                    any_line = bool(file.write(line))
            if size and not any_line:
                return  # not even the head of what would be compressed
            made.seek(0)
            try:
                while piece := made.read(1 << 16):
                    while piece:
                        piece = piece[raw.write(piece) :]
                os.fsync(raw.fileno())
            except OSError:
                os.ftruncate(raw.fileno(), size)
                raise
    except BlockingIOError:
        raise CannotWrite(f"{path} is written by another run too.") from None
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}.") from None


def _must_be_whole(raw: BinaryIO, path: Path, size: int) -> None:
    """Return if what is added to a file can be read; raise CannotWrite if not."""
    if path.suffix != ".gz":
        raw.seek(max(0, size - 1))
        if raw.read(1) not in (b"", b"\n"):
            raise CannotWrite(f"{path} ends in the middle of a line: cut that off, and go on after the one before.")
        return
    raw.seek(0)
    try:
        with gzip.GzipFile(fileobj=raw, mode="rb") as file:
            while file.read(1 << 16):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error):
        sentence = f"{path} cannot be read to its end: go on in another file, after the last line that can be read."
        raise CannotWrite(sentence) from None


def _is(path: Path, file: os.stat_result) -> bool:
    """Return whether a path leads to that file still."""
    return os.path.lexists(path) and os.path.samestat(path.lstat(), file)


def _packed(raw: BinaryIO, path: Path) -> AbstractContextManager[BinaryIO]:
    # No file name and no time in the header: the same log gives the same bytes.
    packed = gzip.GzipFile("", "wb", 6, raw, mtime=0) if path.suffix == ".gz" else nullcontext(raw)
    return cast(AbstractContextManager[BinaryIO], packed)
