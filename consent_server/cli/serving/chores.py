"""What is done beside the answering, in threads of the process that starts the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial

from ...banner.scripts import build_scripts
from ...chores.digest.mail import MailServer
from ...chores.digest.sending import keep_sending, must_name_sites
from ...chores.housekeeping import SteadyClock, keep
from ...demo.storefront import at_home
from ...events.telling import Teller, keep_telling
from ...events.webhook import webhooks
from ...proof.attested.stamps import Authority
from ...settings.environment import Settings
from ...settings.rows import SettingsError
from ...settings.sound import Configuration
from ...site import ConsentError, Site
from ...store import Store
from ...tokens import Keys
from ...verify import CannotCheck
from ..terminal import SECONDS_TO_ANSWER

SECONDS_TO_END = 1.0
"""How long what is under way may take to be noted; what was not is done again, as after a server that was killed."""


def refusals(settings: Settings, sites: Mapping[str, Site]) -> Iterator[ConsentError]:
    """Yield by what Chores would not begin, each; but for webhooks, of which `check` tells more."""
    for read in (
        partial(must_name_sites, sites, settings.digest),
        partial(MailServer.named, settings),
        partial(_authority, settings),
    ):
        try:
            read()
        except ConsentError as error:
            yield error


def _authority(settings: Settings) -> Authority | None:
    try:
        return Authority.named(settings.tsa, settings.tsa_certificate)
    except CannotCheck as error:
        raise SettingsError(f"CONSENT_TSA_CERTIFICATE is wrong: {error}", "CONSENT_TSA_CERTIFICATE") from None


class Chores:
    """What is due of a configuration; of several servers the first one does it.

    ``steady``: that of the process, which outlives a reload.

    Raises:
        ConsentError: webhooks, mail or the authority are configured wrongly; nothing has begun.
    """

    def __init__(self, configuration: Configuration, steady: SteadyClock | None = None) -> None:
        settings, sites = configuration.settings, configuration.sites
        authority = _authority(settings)
        told = webhooks(sites, settings.webhook, settings.webhook_secret)
        must_name_sites(sites, settings.digest)
        mail, keys = MailServer.named(settings), Keys(settings.secret)
        self._ending = ending = threading.Event()
        self._store = store = Store(str(settings.redis_url), SECONDS_TO_ANSWER, settings.redis_replicas)
        for site in sites.values():  # so that words which the store has lost are there when their day is sealed
            served = at_home(site, settings.port, settings.prefix) if settings.demo else site
            asked = build_scripts(served).notices.values()
            store.notices.remember(site, [notice for notices in asked for notice in notices])
        self._tellers = [
            Teller(store, sites[name], webhook, ending=ending) for name, webhook in told.items() if webhook.secrets
        ]
        work = [partial(keep, store, sites, keys, told, authority, ending=ending, steady=steady)]
        if mail or told:  # in a thread of its own: whoever takes letters slowly holds up nothing else
            work.append(partial(keep_sending, store, sites, settings, mail, told, ending=ending))
        work += [partial(keep_telling, teller) for teller in self._tellers]
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]

    def begin(self) -> None:
        """Begin with it: what is decided from now on is told."""
        for teller in self._tellers:
            with suppress(Exception):  # it begins by itself when it can, and says then what keeps it from that
                teller.begin()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Have it end, and return soon, whoever takes longer."""
        self._ending.set()
        until = time.monotonic() + SECONDS_TO_END
        for thread in self._threads:
            if thread.ident:
                thread.join(max(0, until - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._store.close()
