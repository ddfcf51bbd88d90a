"""The workers that answer, and how they come to a new configuration without a request lost."""

from __future__ import annotations

import atexit
import gc
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

from flask import Flask
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from ...app import create_app
from ...chores.housekeeping import SteadyClock
from ...settings.environment import Settings
from ...settings.sound import Configuration
from ...site import ConsentError
from ...store import embedded
from ...web.logs import write_logs
from ...web.refusals import tell_the_rest
from .chores import Chores

SECONDS_TO_RELOAD = 6
"""How long a new worker has until the old one ends on SIGHUP; less than it takes to start would lose requests.

More than 5.5, within which of a new worker's start granian takes its end for a loop, and ends all: the new one has the
whole of a reload to fail in, and is then started anew.
"""

SECONDS_TO_STOP = 10
"""How long a worker has to answer what it was asked before; then it is killed."""

IN_MEMORY = "/dev/shm"  # nosec B108  # noqa: S108
"""Where the workers' numbers are, if there is such a folder: nobody tidies it up, as systems do with /tmp."""

log = logging.getLogger(__name__)


class TakesRestart(ConsentError):
    """What stands in the files now is sound, and cannot be served beside what is served."""

    problem = "settings"


class Worker:
    """Makes the app of a worker, which is handed this as it starts.

    So a worker serves what was last found sound, whatever the files say when it starts, and all serve the same.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    def __call__(self) -> Flask:
        """Return the app, in a process that ends when its parent does."""
        embedded.end_with_parent()
        # Ctrl-C at a terminal reaches the worker too. Its parent ends it, and told twice it would not end.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        settings = self.configuration.settings
        write_logs(as_json=logs_are_json(settings))
        app = create_app(settings, self.configuration.sites)
        if self.configuration.outdated:
            app.extensions["consent"].warnings.append(self.configuration.outdated)
        for scripts in app.extensions["consent"].scripts.values():
            _ = scripts.consent.br  # which the first shopper would wait for
        # What stays for ever is not looked through again: that held up every shopper for some 45 ms.
        gc.collect()
        gc.freeze()
        # Ended at once: a thread of granian's that wants the interpreter while it is being taken down would panic.
        atexit.register(os._exit, 0)
        atexit.register(tell_the_rest)  # before that: the last registered is the first done
        return app


def logs_are_json(settings: Settings) -> bool:
    """Return whether a program reads what is logged."""
    return not (settings.demo or sys.stderr.isatty())


def run(configuration: Configuration, read: Callable[[], Settings], level: LogLevels) -> None:
    """Serve, and do what is due, until told to end.

    Args:
        configuration: a sound one.
        read: reads the settings again, when new workers are asked for.
        level: of what granian says.

    Raises:
        ConsentError: webhooks, mail or the authority are configured wrongly.
    """
    steady = SteadyClock(datetime.now(UTC))
    worker, chores = Worker(configuration), Chores(configuration, steady)

    def reload() -> None:
        nonlocal chores
        try:
            worker.configuration, fresh = _sound(read, worker.configuration.settings, steady)
        except Exception as error:  # whatever it is, what runs goes on
            why = str(error) if isinstance(error, ConsentError) else f"the new one fails ({type(error).__name__})."
            worker.configuration = worker.configuration.in_spite_of(why, datetime.now())
            mend = "" if isinstance(error, TakesRestart) else " Mend it and reload."
            log.error("%s%s", worker.configuration.outdated, mend, exc_info=why != str(error))
        else:
            chores.end()
            chores = fresh
            chores.begin()

    settings = configuration.settings
    # A forked worker inherits whatever lock another thread of ours holds at that moment, and waits for it for ever.
    multiprocessing.set_start_method("spawn", force=True)
    # It warns of more threads than cores could use; ours wait for Redis, and those that wait together share a write.
    logging.getLogger("_granian").addFilter(lambda record: "Python threads" not in record.getMessage())
    server = Granian(
        "consent_server.app:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_concurrency,
        blocking_threads=settings.threads,
        respawn_failed_workers=True,
        respawn_interval=SECONDS_TO_RELOAD,
        workers_kill_timeout=SECONDS_TO_STOP,
        websockets=False,
        log_level=level,
        log_dictconfig={"loggers": {"_granian": {"propagate": True}}},  # one format for all lines
    )
    server.on_reload(reload)
    signal.signal(signal.SIGHUP, server.signal_handler_reload)  # it does so itself, once the workers are there
    with _counted_together(settings.web_concurrency):
        chores.begin()
        try:
            server.serve(target_loader=worker, wrap_loader=False)
        finally:
            chores.end()


def _sound(read: Callable[[], Settings], served: Settings, steady: SteadyClock) -> tuple[Configuration, Chores]:
    """Return what the files say now, and what is due of it, which has not begun.

    Raises:
        ConsentError: it is not sound, or not beside what is ``served``: a worker that lacks the secret that another
            signs with refuses the withdrawal of what that one has just taken.
    """
    configuration = Configuration.of(read())
    if configuration.settings.secret[:1] != served.secret[:1]:
        raise TakesRestart(
            "a new CONSENT_SECRET takes a restart: stop every server, then start them. Pages keep what is answered "
            "meanwhile."
        )
    chores = Chores(configuration, steady)
    with closing(create_app(configuration.settings, configuration.sites).extensions["consent"].store):
        return configuration, chores


@contextmanager
def _counted_together(workers: int) -> Iterator[None]:
    """Have each of several workers write its numbers where whoever is asked adds them up."""
    if workers == 1:
        yield
        return
    memory = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="consent-metrics-", dir=memory) as together:
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", together)
        yield
