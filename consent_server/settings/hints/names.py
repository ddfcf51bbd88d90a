"""Which setting a variable of the environment was meant to be, that is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from ..rows import SettingsError

_LIKE_OURS = re.compile(r"(REDIS|WEB|TRUSTED|COUNTRY|REGION|CLIENT|SITE)_")
_OTHERS = re.compile(r"CONSENT_SERVER(_\w+)?|\w+_SERVICE_(HOST|PORT\w*)|\w+_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?")
"""What shops' back ends call this server by, and what Kubernetes and Docker tell of services next to it."""

_LIKELY = {
    **dict.fromkeys(("REDIS_URI", "REDIS_ADDRESS", "REDIS_DSN"), "REDIS_URL"),
    **dict.fromkeys(("TRUSTED_PROXY", "TRUST_PROXIES", "TRUSTED_PROXY_COUNT"), "TRUSTED_PROXIES"),
}
"""What others call a setting of ours, and so may be theirs: it is ours where ours is lacking."""


def must_be_meant(environ: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a variable that was meant to be one of ours: one that begins like all of them, or nearly is one.

    Args:
        environ: the environment.
        names: of all settings.

    Raises:
        SettingsError: one was; says which, as far as can be seen.
    """
    short = {name.removeprefix("CONSENT_"): name for name in names}
    lacking = [name for name in names if not {name, f"{name}_FILE"} & {*environ}]
    joined = {name.replace("_", ""): name for name in lacking}
    for name, value in environ.items():
        bare = name.removesuffix("_FILE")
        first, _, rest = bare.partition("_")
        if bare in names or _OTHERS.fullmatch(name) or value.startswith(("tcp://", "udp://")):
            continue
        likely = _LIKELY.get(bare) or joined.get(bare.replace("_", ""))
        if likely and likely in lacking:
            near = [likely]
        elif bare.startswith("CONSENT_"):
            near = [short[each] for each in difflib.get_close_matches(rest, short, 1)]
        elif _LIKE_OURS.match(name) or sorted(first) == sorted("CONSENT"):
            near = difflib.get_close_matches(bare, lacking, 1, cutoff=0.9)
            if not near:
                continue
        else:
            continue
        hint = f"; did you mean {near[0]}{name.removeprefix(bare)}?" if near else ", see docs/configuration.md."
        raise SettingsError(f"{name} is no setting{hint}", name)
