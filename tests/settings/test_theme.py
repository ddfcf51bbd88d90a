"""One colour makes a whole theme, which can be read in light and in dark; what could not be is refused."""

from __future__ import annotations

import random

import pytest

from consent_server.banner.style import theme as style
from consent_server.settings.rows import WrongAt
from consent_server.settings.theme import LOOKS, PLAIN_DARK, contrast, hardly_seen, must_be_fair, read_theme


def readable(theme):
    """Assert that the banner's text, its buttons and their words are seen, in light and in dark."""
    for colours in (theme, theme["dark"] or PLAIN_DARK):
        button = colours["accept"]
        assert contrast(colours["text"], colours["background"]) >= 4.5
        assert contrast(button["text"], button["background"]) >= 4.5
        assert contrast(button["background"], colours["background"]) >= 3
        assert colours.get("refuse", button) == button


def test_any_accent_makes_a_theme_that_is_seen_in_light_and_dark_or_is_refused_by_name():
    chance = random.Random(16)
    made = 0
    for _ in range(400):
        theme = read_theme({"accent": f"#{chance.getrandbits(24):06x}"})
        if contrast(theme["accent"], "#ffffff") < 3:
            with pytest.raises(WrongAt) as refused:
                must_be_fair(theme)
            assert refused.value.path == "theme.accent"
            continue
        must_be_fair(theme)
        readable(theme)
        made += 1
    assert made > 100


def test_an_accent_that_is_not_seen_on_its_ground_is_refused_in_one_sentence():
    with pytest.raises(WrongAt, match=r"contrast of 1\.\d:1 with the background #ffffff, .*; at least 3:1"):
        must_be_fair(read_theme({"accent": "#ffd400"}))
    must_be_fair(read_theme({"accent": "#ffd400", "background": "#1b1f24", "text": "#ffffff"}))


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_is_readable_and_is_what_a_notice_says_of_it(look):
    theme = read_theme({"look": look})
    must_be_fair(theme)
    readable(theme)
    assert read_theme(theme) == theme
    crimson = read_theme({"look": look, "accent": "#a6192e"})
    if look != "night":
        must_be_fair(crimson)
        readable(crimson)


GROUNDS = (
    ("#1b1f24", "#ffffff"),
    ("#111111", "#ffffff"),
    ("#6b4423", "#ffffff"),
    ("#0b3d91", "#ffffff"),
    ("#8ab4ff", "#000000"),
    ("#ffffff", "#1b1f24"),
)


@pytest.mark.parametrize("look", [*LOOKS, None])
def test_buttons_that_nobody_coloured_are_seen_on_whatever_background_is_written(look):
    named = {"look": look} if look else {}
    for background, text in GROUNDS:
        ground = {"background": background, "text": text}
        for written in (ground, {"dark": ground}, {**ground, "dark": ground}, {**ground, "accept": {"size": "18px"}}):
            if "accept" in written:
                written = {**written, "refuse": written["accept"]}
            theme = read_theme({**named, **written})
            must_be_fair(theme)
            readable(theme)
            assert read_theme(theme) == theme
            assert not [*hardly_seen(theme)]


def test_buttons_that_somebody_coloured_so_that_they_are_hardly_seen_are_told_of_and_not_refused():
    black = {"background": "#1b1f24", "text": "#ffffff"}
    pale = {"background": "#fde68a", "text": "#1b1f24"}
    in_dark = read_theme({"accent": "#a6192e", "dark": {"accept": black, "refuse": black}})
    for theme, where in (
        (in_dark, ["theme.dark.accept.background"]),
        (read_theme({"accept": pale, "refuse": pale}), ["theme.accept.background"]),
        (read_theme({**black, "accept": black, "refuse": black}), ["theme.accept.background"]),
        (read_theme({"accept": black, "refuse": black, "dark": black}), ["theme.dark.accept.background"]),
        (read_theme({}), []),
    ):
        must_be_fair(theme)
        assert [path for path, _ in hardly_seen(theme)] == where


def test_looks_differ():
    assert len({style(read_theme({"look": look})) for look in LOOKS}) == len(LOOKS) == 4


def test_what_is_written_beside_an_accent_wins():
    green = {"background": "#14532d", "text": "#f0fdf4"}
    theme = read_theme({"accent": "#a6192e", "radius": "0px", "accept": green, "refuse": green})
    assert theme["accept"] == theme["refuse"] == {**green, "size": "16px"}
    assert theme["dark"]["accept"]["background"] not in ("#14532d", "#a6192e")
    assert "#14532d" in style(theme)


def test_a_size_of_the_button_s_words_is_said_only_where_it_differs():
    assert "font-size" not in style(read_theme({}))
    big = {"size": "18px"}
    assert "-button-size:18px" in style(read_theme({"accept": big, "refuse": big}))
