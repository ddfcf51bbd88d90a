"""How a banner looks: rows of its theme, and what the theme of a fair one has to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .rows import Row, WrongAt, choice, table

_COLOUR = re.compile(r"#[0-9a-f]{6}|#[0-9a-f]{3}", re.IGNORECASE)


def _colour(value: Any) -> str:
    if isinstance(value, str) and _COLOUR.fullmatch(value):
        return value.lower() if len(value) == 7 else "#" + "".join(digit * 2 for digit in value[1:].lower())
    raise ValueError('takes a colour such as "#0b5fff"')


def _length(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d{1,3})?(px|rem|em)", value):
        return value
    raise ValueError('takes a length such as "8px" or "1rem"')


def _font(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[\w\s,'\"-]{1,200}", value):
        return value
    raise ValueError('takes a list of font families such as "Inter, sans-serif"')


LAYOUTS = ("bar", "box", "centre")

BUTTON = (
    Row("background", _colour, "#1b1f24", "Colour of the button.", "#0b5fff"),
    Row(
        "text",
        _colour,
        "#ffffff",
        "Colour of its words; at least 4.5:1 against the background (WCAG 2.2, 1.4.3).",
        "#ffffff",
    ),
    Row("size", _length, "16px", "Size of its words.", "1rem"),
)

COLOURS = (
    Row("background", _colour, "#ffffff", "Colour behind the banner's text.", "#fffbf5"),
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
    *COLOURS,
    Row("radius", _length, "8px", "Roundness of corners.", "4px"),
    Row("font", _font, "inherit", "Font families; the page's own if left out.", "Inter, sans-serif"),
    Row("dark", table(DARK), {}, "Colours for shoppers who prefer dark; the banner has its own if left out."),
)


def read_theme(value: Any) -> dict[str, Any]:
    """Return a theme with every row's value; ``dark`` is empty, or has a value for each colour."""
    theme = table(THEME)(value)
    theme["dark"] = _over(theme, theme["dark"]) if _any(theme["dark"]) else {}
    return theme


def _any(colours: Mapping[str, Any]) -> bool:
    return any(_any(value) if isinstance(value, dict) else value for value in colours.values())


def _over(light: Mapping[str, Any], dark: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dark colours, and the light ones where there are none."""
    return {
        name: light[name] if value is None else _over(light[name], value) if isinstance(value, dict) else value
        for name, value in dark.items()
    }


def must_be_fair(theme: Mapping[str, Any]) -> None:
    """Refuse a theme in which refusing looks less than accepting, or in which words are hard to read.

    Raises:
        WrongAt: it is one.
    """
    for where, colours in (("theme", theme), ("theme.dark", theme["dark"])):
        if not colours:
            continue
        accept, refuse = colours["accept"], colours["refuse"]
        for name, value in refuse.items():
            if value != accept[name]:
                raise WrongAt(
                    f"{where}.refuse.{name}",
                    f"is {value} while accept has {accept[name]}: refusing must look like accepting",
                )
        for path, front, back in (
            (f"{where}.text", colours["text"], colours["background"]),
            (f"{where}.accept.text", accept["text"], accept["background"]),
        ):
            if contrast(front, back) < 4.5:
                raise WrongAt(
                    path, f"has a contrast of {contrast(front, back):.1f}:1 with its background; at least 4.5:1"
                )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours ``#rrggbb``, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
