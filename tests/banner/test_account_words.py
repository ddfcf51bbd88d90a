"""What a shop that links accounts says and serves; one that does not serves no byte of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consent_server.banner.scripts import build_scripts, replay
from consent_server.settings.shops import make_site, snippet_words, words_only_for
from consent_server.site import Site, Variant
from consent_server.site.rules import Rule

WORDS = {lang: words for lang, words in snippet_words().items() if lang != "nb"}


@pytest.fixture(scope="module")
def linked(site: Site) -> Site:
    """This shop, in every language, with its accounts linked."""
    return replace(site, accounts=True, languages=tuple(WORDS), cookies={}, words={})


def test_the_first_layer_and_the_preferences_say_for_which_devices_the_choice_counts(linked: Site) -> None:
    scripts = build_scripts(linked)
    gate = scripts.consent.plain.decode()
    for lang, words in WORDS.items():
        (notice,) = scripts.notices[lang]
        text = notice.content["words"]["text"]
        assert text.endswith(("" if lang in ("ja", "zh") else " ") + words["account"]), lang
        assert "{" not in text
        assert text in gate
        assert words["account"] in scripts.layers["details"][lang].plain.decode()
        for word in ("account_applied", "account_conflict", "details"):
            assert words[word] in scripts.layers["withdraw"][lang].plain.decode(), (lang, word)
        assert replay(notice)[1]


def test_it_says_so_in_each_variant_and_under_each_rule(linked: Site) -> None:
    own = {"en": {"text": "Cookies?", "account": "On all your devices."}}
    asked = replace(
        linked,
        languages=("en",),
        variants=(Variant("a", 1, None, {}), Variant("b", 1, None, {"en": {"text": "May we?"}})),
        rules=(Rule("uk", ("GB",), {"analytics": "objection"}),),
        words=own,
    )
    notices = build_scripts(asked).notices["en"]
    assert len(notices) >= 4
    assert all(each.content["words"]["text"].count("On all your devices.") == 1 for each in notices)
    assert notices[1].content["words"]["text"] == "May we? On all your devices."


def test_a_shop_that_links_no_accounts_is_served_the_bytes_that_it_would_be_if_there_were_none(site: Site) -> None:
    scripts = build_scripts(site)
    assert b"account" not in scripts.consent.plain
    for lang in site.languages:
        assert not {*words_only_for("accounts")} & {*scripts.notices[lang][0].content["words"]}
        for name in ("details", "withdraw"):
            plain = scripts.layers[name][lang].plain.decode()
            assert not any(WORDS[lang][word] in plain for word in words_only_for("accounts"))
    said = build_scripts(replace(site, accounts=True)).notices["en"][0].content
    assert {**said, "words": 0} == {**scripts.notices["en"][0].content, "words": 0}


def test_what_stands_before_the_gate_is_read_as_part_of_one_script(site: Site) -> None:
    gate = build_scripts(replace(site, accounts=True)).consent.plain.decode()
    hint = "//# allFunctionsCalledOnLoad\n"
    assert gate.startswith(hint)
    assert gate.count(hint) == 1
    assert '{cookie:"consent"' in gate
    strict = build_scripts(replace(site, accounts=True, host_cookie=True, cookie_domain=None)).consent.plain.decode()
    assert '{cookie:"__Host-consent"' in strict


def test_a_language_of_the_shop_s_own_needs_its_words_only_then(site: Site) -> None:
    own = {name: word for name, word in WORDS["en"].items() if name not in words_only_for("accounts")}
    values = {"languages": ("cy",), "words": {"cy": own}}
    made = make_site("shop", "Shop", ("https://shop.example",), "/p", site.policy_updated, **values)
    assert build_scripts(made).consent.plain
