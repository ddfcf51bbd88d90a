"""How a banner looks: rows of its theme, and what is made of those that are left out."""

from __future__ import annotations

import colorsys
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

from .hints.fair import PLAIN_DARK, SEEN, contrast, hardly_seen, must_be_fair
from .rows import Row, choice, table

__all__ = [
    "BUTTON",
    "DARK",
    "DARK_BUTTON",
    "LAYOUTS",
    "LOOKS",
    "PLAIN_DARK",
    "SEEN",
    "THEME",
    "contrast",
    "hardly_seen",
    "must_be_fair",
    "read_theme",
]

_COLOUR = re.compile(r"#[0-9a-f]{6}|#[0-9a-f]{3}", re.IGNORECASE)


def _colour(value: Any) -> str:
    if isinstance(value, str) and _COLOUR.fullmatch(value):
        return value.lower() if len(value) == 7 else "#" + "".join(digit * 2 for digit in value[1:].lower())
    raise ValueError('takes a colour such as "#0b5fff"')


def _length(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d{1,3})?(px|rem|em)", value):
        return value
    raise ValueError('takes a length such as "8px" or "1rem"')


def _size(value: Any) -> str:
    match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?)(px|rem|em)", value) if isinstance(value, str) else None
    if match and 12 <= float(match[1]) * (1 if match[2] == "px" else 16) <= 40:
        return match[0]
    raise ValueError('takes a size that can be read, such as "1rem": 12px to 40px, 0.75rem to 2.5rem')


def _font(value: Any) -> str:
    # A quote that is not closed would take the rest of the banner's style with it.
    families = r"""(?:[\w\s,-]|"[\w\s,'-]*"|'[\w\s,"-]*')+"""
    if isinstance(value, str) and len(value) <= 200 and re.fullmatch(families, value):
        return " ".join(value.split())
    raise ValueError('takes a list of font families such as "Inter, sans-serif"')


LAYOUTS = ("bar", "box", "centre")

LOOKS: Mapping[str, Mapping[str, Any]] = tomllib.loads(files(__package__).joinpath("looks.toml").read_text("utf-8"))
"""Looks that are ready: what each has in place of the plain one's colours and corners."""

BUTTON = (
    Row("background", _colour, "#1b1f24", "Colour of the button.", "#0b5fff"),
    Row(
        "text",
        _colour,
        "#ffffff",
        "Colour of its words; at least 4.5:1 against the background (WCAG 2.2, 1.4.3).",
        "#ffffff",
    ),
    Row("size", _size, "16px", "Size of its words.", "1rem"),
)

COLOURS = (
    Row(
        "background",
        _colour,
        "#ffffff",
        "Colour behind the banner's text. Where the buttons' own colour is left out and would hardly be seen on it, "
        "they are of the colour of the text, with words in this one.",
        "#fffbf5",
    ),
    Row("text", _colour, "#1b1f24", "Colour of the banner's text; at least 4.5:1 against the background.", "#222222"),
    Row("accept", table(BUTTON), {}, "The button that accepts."),
    Row("refuse", table(BUTTON), {}, "The button that refuses; must look like the one that accepts."),
)

DARK_BUTTON = tuple(replace(row, default=None) for row in BUTTON)

DARK = (
    Row("background", _colour, None, "Colour behind the banner's text; the light one's if left out.", "#1b1f24"),
    Row("text", _colour, None, "Colour of the banner's text; the light one's if left out.", "#ffffff"),
    Row("accept", table(DARK_BUTTON), {}, "The button that accepts; as the light one if left out."),
    Row("refuse", table(DARK_BUTTON), {}, "The button that refuses; must look like the one that accepts."),
)

THEME = (
    Row("layout", choice(*LAYOUTS), "bar", "Where the banner stands: bar (below), box (corner) or centre.", "box"),
    Row("look", choice(*LOOKS), "plain", "A look that is ready: " + ", ".join(LOOKS) + ".", "paper"),
    Row(
        "accent",
        _colour,
        None,
        "One colour of the shop's, of which both buttons and their colours in the dark are made; "
        "at least 3:1 against the background.",
        "#a6192e",
    ),
    *COLOURS,
    Row("radius", _length, "8px", "Roundness of corners.", "4px"),
    Row("font", _font, "inherit", "Font families; the page's own if left out.", "Inter, sans-serif"),
    Row("dark", table(DARK), {}, "Colours for shoppers who prefer dark; the banner has its own if left out."),
)


def read_theme(value: Any) -> dict[str, Any]:
    """Return a theme with every row's value; ``dark`` is empty, or has a value for each colour.

    Where nobody wrote what colour the buttons have, and the one that they come with is hardly seen on the background
    that was written, they are the other way round: in the colour of the text, with words in that of the background.
    """
    theme = table(THEME)(_filled_in(value) if isinstance(value, dict) else value)
    theme["dark"] = _over(theme, theme["dark"]) if _any(theme["dark"]) else {}
    if value.get("accent") or _has_buttons(value):
        return theme
    seen = {**theme, **_turned(theme)}
    if theme["dark"] and not _has_buttons(value.get("dark") or {}):
        seen["dark"] |= _turned(seen["dark"])
    return seen


def _has_buttons(written: Mapping[str, Any]) -> bool:
    """Return whether a colour of a button was written."""
    tables = [written.get(name) or {} for name in ("accept", "refuse")]
    return any(each.get(colour) for each in tables for colour in ("background", "text"))


def _turned(colours: Mapping[str, Any]) -> dict[str, Any]:
    """Return buttons in the colour of the text where those that there are would hardly be seen; else nothing."""
    if contrast(colours["accept"]["background"], colours["background"]) >= SEEN:
        return {}
    turned = {"background": colours["text"], "text": colours["background"]}
    return {name: {**colours[name], **turned} for name in ("accept", "refuse")}


def _filled_in(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was written of a theme, and what its look and its accent make of the rest."""
    written = {name: value for name, value in written.items() if value is not None}
    wanted = written.get("look")
    look = LOOKS.get(wanted, {}) if isinstance(wanted, str) else {}
    try:
        accent = _colour(written.get("accent", look.get("accent")))
    except ValueError:
        return dict(written)  # there is none, or one that the table's row will refuse
    if not isinstance(written.get("dark", {}), dict):
        return dict(written)  # so will this one's
    dark = {**PLAIN_DARK, **look.get("dark", {})}
    in_dark = accent if "accent" in written else dark.get("accent", accent)
    ground = _told(written, "dark", "background", dark["background"])
    return (
        {**{name: look[name] for name in ("background", "text", "radius") if name in look}, **written}
        | _buttons(written, accent)
        | {
            "dark": {"background": dark["background"], "text": dark["text"]}
            | (written["dark"] if isinstance(written.get("dark"), dict) else {})
            | _buttons(written.get("dark", {}), _seen_on(ground, in_dark))
        }
    )


def _told(written: Mapping[str, Any], table: str, name: str, otherwise: str) -> str:
    """Return a colour as somebody wrote it in a table; ``otherwise`` where there is none, or none that is a colour."""
    try:
        return _colour(written[table][name])
    except (KeyError, TypeError, ValueError):
        return otherwise


def _buttons(written: Any, accent: str) -> dict[str, Any]:
    """Return both buttons in a colour, but for what was written of each."""
    colours = {"background": accent, "text": max("#ffffff", "#000000", key=lambda each: contrast(each, accent))}
    said = {name: written.get(name, {}) for name in ("accept", "refuse")} if isinstance(written, dict) else {}
    return {name: {**colours, **each} if isinstance(each, dict) else each for name, each in said.items()}


def _seen_on(ground: str, colour: str) -> str:
    """Return a colour that is seen on a ground: itself, or lighter or darker by as little as is needed for 4.5:1."""
    channels = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    hue, light, saturation = colorsys.rgb_to_hls(*channels)
    to = contrast("#ffffff", ground) > contrast("#000000", ground)
    steps = (colorsys.hls_to_rgb(hue, light + (to - light) * step / 40, saturation) for step in range(41))
    shades = ("#" + "".join(f"{round(channel * 255):02x}" for channel in each) for each in steps)
    return next(shade for shade in shades if contrast(shade, ground) >= 4.5)


def _any(colours: Mapping[str, Any]) -> bool:
    return any(_any(value) if isinstance(value, dict) else value for value in colours.values())


def _over(light: Mapping[str, Any], dark: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dark colours, and the light ones where there are none."""
    return {
        name: light[name] if value is None else _over(light[name], value) if isinstance(value, dict) else value
        for name, value in dark.items()
    }
