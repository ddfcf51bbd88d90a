"""The style that a site adds to the banner's own: other layouts, and its theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import msgspec

from ..settings.theme import read_theme


def layouts(names: Iterable[str]) -> str:
    """Return the style of layouts other than the bar, which banner.css is."""
    built = msgspec.json.decode(files(__package__).joinpath("static/layouts.json").read_bytes())
    return "".join(built.get(name, "") for name in sorted(set(names)))


def theme(look: Mapping[str, Any]) -> str:
    """Return a theme as properties of the banner: both buttons share theirs, so that they cannot differ.

    The banner's own colours for the dark stand under a stronger selector, so colours of the shop's replace them only
    where the shop has said how it looks in the dark.
    """
    plain = _properties(read_theme({}))
    light = _rule("[data-ask]", {name: value for name, value in _properties(look).items() if value != plain[name]})
    if not look["dark"]:
        return light
    dark = _rule("[data-ask][data-ask]", _properties(look["dark"]))
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def _properties(theme: Mapping[str, Any]) -> dict[str, str]:
    plain = {f"--{name}": theme[name] for name in ("background", "text", "radius") if name in theme}
    font = {"font-family": theme["font"]} if "font" in theme else {}
    return plain | font | {f"--button-{name}": value for name, value in theme["accept"].items()}


def _rule(selector: str, properties: Mapping[str, str]) -> str:
    return f"{selector}{{{';'.join(f'{k}:{v}' for k, v in properties.items())}}}" if properties else ""
