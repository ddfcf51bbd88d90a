"""What the theme of a fair banner has to be: refusing looks like accepting, and both are seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..rows import WrongAt

SEEN = 3
"""The least contrast at which a button is seen on its background (WCAG 2.2, 1.4.11)."""

PLAIN_DARK: Mapping[str, Any] = {
    "background": "#1b1f24",
    "text": "#ffffff",
    "accept": {"background": "#ffffff", "text": "#1b1f24"},
}
"""What the banner is in the dark unless the shop says so."""


def must_be_fair(theme: Mapping[str, Any]) -> None:
    """Refuse a theme in which refusing looks less than accepting, or in which words are hard to read.

    Raises:
        WrongAt: it is one.
    """
    accent = theme.get("accent")
    if accent and contrast(accent, theme["background"]) < SEEN and theme["accept"]["background"] == accent:
        raise WrongAt(
            "theme.accent",
            f"has a contrast of {contrast(accent, theme['background']):.1f}:1 with the background "
            f"{theme['background']}, where its buttons would hardly be seen; at least 3:1",
        )
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


def hardly_seen(theme: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield where a theme has buttons that are hardly seen on their background, and their contrast."""
    for where, colours in (("theme", theme), ("theme.dark", theme["dark"] or PLAIN_DARK)):
        ratio = contrast(colours["accept"]["background"], colours["background"])
        if ratio < SEEN:
            yield f"{where}.accept.background", ratio
