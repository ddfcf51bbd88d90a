"""Which setting a variable of the environment was meant to be, that is none."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from ..rows import SettingsError

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
    firsts = {name.partition("_")[0] for name in names if "_" in name}
    for name, value in environ.items():
        bare = name.removesuffix("_FILE")
        first, _, rest = bare.partition("_")
        if bare in names or _OTHERS.fullmatch(name) or value.startswith(("tcp://", "udp://")):
            continue
        likely = _LIKELY.get(bare) or joined.get(bare.replace("_", "")) or next(_swapped(bare, lacking), None)
        if likely and likely in lacking:
            near = [likely]
        elif bare.startswith("CONSENT_"):
            near = [short[each] for each in difflib.get_close_matches(rest, short, 1)]
        elif first in firsts or any(_is_slip(first, each) for each in firsts):
            near = difflib.get_close_matches(bare, lacking, 1, cutoff=0.88)
            if not near or bare.startswith(f"{near[0]}_"):  # REDIS_URL_2 says more than ours, and is meant
                continue
        else:
            continue
        hint = f"; did you mean {near[0]}{name.removeprefix(bare)}?" if near else ", see docs/configuration.md."
        raise SettingsError(f"{name} is no setting{hint}", name)


def left_empty(environ: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """Return those of our variables that are set to nothing, which counts as left out, and may not be meant."""
    return [name for name in names if environ.get(name) == ""]


def _swapped(word: str, names: Sequence[str]) -> Iterator[str]:
    """Yield those of names without a line that a word is with two neighbours in each other's place."""
    for name in names:
        pairs = (name[:n] + name[n + 1] + name[n] + name[n + 2 :] for n in range(len(name) - 1))
        if "_" not in name and word in pairs:
            yield name


def _is_slip(word: str, ours: str) -> bool:
    """Return whether a word is ours with a letter left out, put in or misplaced; with another one it is another."""
    short, long = sorted((word, ours), key=len)
    left_out = (long[:n] + long[n + 1 :] for n in range(len(long)))
    return word.isalpha() and (sorted(word) == sorted(ours) or short in left_out)
