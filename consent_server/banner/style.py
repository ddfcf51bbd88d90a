"""The style that a site adds to the banner's own: other layouts, and its theme."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

import msgspec

from ..settings.theme import PLAIN_DARK


def layouts(names: Iterable[str]) -> str:
    """Return the style of layouts other than the bar, which banner.css is."""
    built = msgspec.json.decode(files(__package__).joinpath("static/layouts.json").read_bytes())
    return "".join(built.get(name, "") for name in sorted(set(names)))


def theme(look: Mapping[str, Any]) -> str:
    """Return a theme as properties of the banner: both buttons share theirs, so that they cannot differ.

    A theme that does not say how it looks in the dark gets the banner's own colours there.
    """
    light = _properties(look)
    dark = _properties(look["dark"] or PLAIN_DARK)
    sized = {light["--ask-button-size"], dark.get("--ask-button-size", _SIZE)} != {_SIZE}
    return (
        _rule(
            {
                name: value
                for name, value in light.items()
                if (name, value) not in _UNSET and (sized or name != "--ask-button-size")
            }
        )
        + _dark({name: value for name, value in dark.items() if light[name] != value})
        + ("html>[data-ask] button{font-size:var(--ask-button-size)}" if sized else "")
    )


_SIZE = "16px"
_UNSET = {("--ask-radius", "8px"), ("font-family", "inherit")}
"""What banner.css has where nothing is set."""


def _properties(theme: Mapping[str, Any]) -> dict[str, str]:
    names = {"background": "--ask-background", "text": "--ask-text", "radius": "--ask-radius", "font": "font-family"}
    plain = {names[name]: theme[name] for name in names if name in theme}
    buttons = {f"--ask-button-{name}": value for name, value in theme["accept"].items()}
    return {name: _short(value) for name, value in (plain | buttons).items()}


def _dark(properties: Mapping[str, str]) -> str:
    return f"@media(prefers-color-scheme:dark){{{_rule(properties)}}}" if properties else ""


def _short(value: str) -> str:
    """Return a colour in three digits where that says the same; the first script is to be small."""
    return re.sub(r"^#(.)\1(.)\2(.)\3$", r"#\1\2\3", value)


def _rule(properties: Mapping[str, str]) -> str:
    return f"html>[data-ask]{{{';'.join(f'{k}:{v}' for k, v in properties.items())}}}"
