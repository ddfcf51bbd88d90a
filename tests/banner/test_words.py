"""The shopper's words in each language: the same sentences, the law's words, buttons that weigh the same."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from babel import Locale

from consent_server.banner import collation
from consent_server.banner.cookie_list import cookie_list, facts, fragment
from consent_server.banner.regional import country_name, country_names, day
from consent_server.banner.ruled import words_of
from consent_server.banner.scripts import build_scripts
from consent_server.catalogue.spans import time_span
from consent_server.settings.rows import duration
from consent_server.settings.shops import SettingsError, read_sites, snippet_words
from consent_server.site import OPTIONAL, Cookie, Site
from consent_server.site.rules import Rule

WORDS = {lang: words for lang, words in snippet_words().items() if lang != "nb"}
OFFICIAL = [
    "bg",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "fi",
    "fr",
    "ga",
    "hr",
    "hu",
    "it",
    "lt",
    "lv",
    "mt",
    "nl",
    "pl",
    "pt",
    "ro",
    "sk",
    "sl",
    "sv",
]
"""The official languages of the European Union (Regulation No 1)."""
OTHERS = [
    "az",
    "ru",
    "tr",
    "uk",
    "ka",
    "hy",
    "kk",
    "uz",
    "ar",
    "he",
    "fa",
    "no",
    "is",
    "sr",
    "sq",
    "bs",
    "mk",
    "zh",
    "ja",
    "ko",
    "hi",
    "id",
    "vi",
]

TRANSLATING = (Path(__file__).parents[2] / "docs/translating.md").read_text("utf-8")
GLOSSARY = {
    row[0]: dict(zip(("consent", "refuse", "withdraw", "necessary", "object"), row[2:], strict=True))
    for row in re.findall(r"^\| `(\w+)` \|" + r" (.+?) \|" * 6 + r" .+? \|$", TRANSLATING, re.M)
}

RIGHT_TO_LEFT = ("ar", "fa", "he")

HALF_A_YEAR = {
    **{"ar": "6 أشهر", "az": "6 ay", "bg": "6 месеца", "bs": "6 mjeseci", "cs": "6 měsíců", "da": "6 måneder"},
    **{"de": "6 Monate", "el": "6 μήνες", "en": "6 months", "es": "6 meses", "et": "6 kuud", "fa": "۶ ماه"},
    **{"fi": "6 kuukautta", "fr": "6\u00a0mois", "ga": "6 mhí", "he": "6 חודשים", "hi": "6 महीने", "hr": "6 mjeseci"},
    **{"hu": "6 hónap", "hy": "6 ամիս", "id": "6 bulan", "is": "6 mánuðir", "it": "6 mesi", "ja": "6 か月"},
    **{"ka": "6 თვე", "kk": "6 ай", "ko": "6개월", "lt": "6 mėnesiai", "lv": "6 mēneši", "mk": "6 месеци"},
    **{"mt": "6 xhur", "nl": "6 maanden", "no": "6 måneder", "pl": "6 miesięcy", "pt": "6 meses", "ro": "6 luni"},
    **{"ru": "6 месяцев", "sk": "6 mesiacov", "sl": "6 mesecev", "sq": "6 muaj", "sr": "6 meseci", "sv": "6 månader"},
    **{"tr": "6 ay", "uk": "6 місяців", "uz": "6 oy", "vi": "6 tháng", "zh": "6个月"},
}


def says(text: str, term: str) -> bool:
    """Return whether a text has a term of the glossary: each of its parts, in one of its forms."""
    forms = term.casefold().replace("-", "").split(", ")
    said = text.casefold().replace("\u0307", "")  # of the Turkish capital İ
    return any(all(part in said for part in form.split(" … ")) for form in forms)


def test_there_are_the_languages_that_are_promised_and_each_has_a_row_in_the_glossary() -> None:
    assert set(WORDS) == {*OFFICIAL, *OTHERS}
    assert len(WORDS) == 47
    assert list(GLOSSARY) == sorted(WORDS)


def test_of_how_many_languages_the_glossary_names_a_law_is_said_as_it_is() -> None:
    laws = re.findall(r"^\| `\w+` \|(?:[^|\n]+\|){6} ([^|\n]+) \|$", TRANSLATING, re.M)
    named = sum(not law.startswith("–") for law in laws)
    assert (len(laws), named) == (47, 39)
    assert "in eight languages it names none" in TRANSLATING
    assert f"whose words {named} of them have" in (Path(__file__).parents[2] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("lang", WORDS)
def test_where_a_rule_has_it_on_until_objection_it_says_so_with_the_law_s_word_in_whole_sentences(lang: str) -> None:
    words, terms = WORDS[lang], GLOSSARY[lang]
    for key in ("unless", "details_unless", "on_unless", "presumed", "object", "objected"):
        assert says(words[key], terms["object"]), key
    assert says(words["only"], terms["consent"])
    assert words["text"].endswith(words["holding"])
    for many in (1, 2, 3):
        rule = Rule("uk", ("GB",), dict.fromkeys(OPTIONAL[:many], "objection"))
        text = words_of(rule, lang, words)["text"]
        asked = [words[f"uses_{category}"] for category in OPTIONAL[many:]]
        assert all(text.count(words[f"uses_{category}"]) == 1 for category in OPTIONAL)
        assert sorted(re.findall(r"{\w*}", text)) == ["{keep}", "{others}", *(["{others}"] if asked else [])]
        assert text.count(words["refuse"]) == 1
        assert text.index(words["refuse"]) < min([text.index(each) for each in asked], default=len(text))
        assert text.endswith(("。" if lang in ("ja", "zh") else " ") + words["holding"])


@pytest.mark.parametrize("lang", WORDS)
def test_it_says_the_same_with_the_glossary_s_words_and_buttons_that_weigh_the_same(lang: str) -> None:
    words, terms = WORDS[lang], GLOSSARY[lang]
    assert list(words) == list(WORDS["en"])
    for key, text in words.items():
        assert sorted(re.findall(r"{\w*}", text)) == sorted(re.findall(r"{\w*}", WORDS["en"][key])), key
        assert text == unicodedata.normalize("NFC", text), key
        assert text.strip() == (text if key != "others" else text.strip()), key
        assert "  " not in text, key
    assert says(words["text"], terms["consent"])
    assert says(words["withdrawn"], terms["consent"])
    assert says(words["only"], terms["consent"])
    assert says(words["refuse"], terms["refuse"])
    assert says(words["withdraw"], terms["withdraw"])
    assert says(words["necessary"], terms["necessary"])
    assert says(words["nothing"], terms["necessary"])
    shorter, longer = sorted(len(words[key]) for key in ("accept", "refuse"))
    assert longer <= 1.5 * shorter


def test_no_language_has_a_sentence_that_was_left_in_english_or_is_another_s() -> None:
    for key, text in WORDS["en"].items():
        if len(text.split()) > 2:
            said = [words[key] for lang, words in WORDS.items() if lang != "en"]
            assert text not in said, key
    for lang, words in WORDS.items():
        sentences = [text for text in words.values() if len(text) > 60]
        for other, theirs in WORDS.items():
            assert {lang, other} <= {"bs", "hr"} or other == lang or not {*sentences} & {*theirs.values()}, (
                lang,
                other,
            )


@pytest.mark.parametrize("lang", RIGHT_TO_LEFT)
def test_what_decides_the_direction_of_a_part_is_written_from_right_to_left(lang: str) -> None:
    """A browser takes it from the first letter in each part that says `dir="auto"`."""
    for key in ("title", "details", "saved", "withdrawn", "removed", "held", "holds", "unanswered", "answered"):
        letters = [
            unicodedata.bidirectional(c) for c in WORDS[lang][key] if unicodedata.bidirectional(c) in ("L", "R", "AL")
        ]
        assert letters[0] in ("R", "AL"), key
    assert "\u2068{names}\u2069" in WORDS[lang]["removed"]


def test_a_name_of_a_cookie_keeps_its_direction_where_the_text_goes_from_right_to_left(site: Site) -> None:
    said = dict.fromkeys(WORDS, "x")
    asked = replace(site, languages=("he", "de"), cookies={"analytics": (Cookie("_ga*", "Google", said, said),)})
    scripts = build_scripts(asked)
    assert "\u2068_ga*\u2069" in scripts.layers["details"]["he"].plain.decode()
    assert "\u2068_ga*\u2069" in scripts.layers["list"]["he"].plain.decode()
    assert "\u2068" not in scripts.layers["withdraw"]["he"].plain.decode().replace("\u2068{names}\u2069", "")
    assert "\u2068" not in scripts.layers["details"]["de"].plain.decode()
    assert "\u2068_ga*\u2069" in fragment(cookie_list(asked, "he", WORDS["he"]))


def test_a_site_s_scripts_have_the_words_of_its_own_languages_alone(site: Site) -> None:
    scripts = build_scripts(replace(site, languages=("de", "ka"), cookies={}, words={}))
    gate = scripts.consent.plain.decode()
    every = [gate, *(each["de"].plain.decode() for each in scripts.layers.values())]
    for lang, words in WORDS.items():
        assert (words["text"].partition("{")[0] in gate) is (lang in ("de", "ka")), lang
        assert all(words["gpc"] not in text for text in every) is (lang != "de"), lang


@pytest.mark.parametrize("lang", WORDS)
def test_how_long_an_answer_holds_is_said_in_the_language_s_own_plural(site: Site, lang: str) -> None:
    assert time_span(duration("6 months"), lang) == HALF_A_YEAR[lang]
    assert HALF_A_YEAR[lang] in facts(site, lang, WORDS[lang])[0]
    english = [time_span(duration(each), "en") for each in ("1 year", "2 years", "13 months", "45 days")]
    assert lang == "en" or not {*english} & {time_span(duration(each), lang) for each in ("1 year", "2 years")}


@pytest.mark.parametrize(
    ("lang", "time", "said"),
    [
        ("mt", "1 year", "1 sena"),
        ("mt", "2 months", "xahrejn"),
        ("mt", "13 months", "13-il xahar"),
        ("mt", "45 days", "45 jum"),
        ("ga", "2 years", "2 bhliain"),
        ("ga", "3 years", "3 bliana"),
        ("he", "2 years", "שנתיים"),
        ("fa", "13 months", "۱۳ ماه"),
        ("pl", "2 years", "2 lata"),
        ("lt", "13 months", "13 mėnesių"),
        ("sv", "45 days", "45 dagar"),
        ("nb", "45 days", "45 dager"),
    ],
)
def test_it_is_said_where_unicode_s_tables_have_no_word_or_another(lang: str, time: str, said: str) -> None:
    assert time_span(duration(time), lang) == said


def test_days_and_countries_are_said_as_our_words_are_written() -> None:
    moment = date(2025, 12, 20)
    assert day(moment, "sr") == "20. decembar 2025."
    assert day(moment, "fa") == "۲۹ آذر ۱۴۰۴"
    assert day(date(2024, 3, 20), "fa") == "۱ فروردین ۱۴۰۳"
    assert day(date(2030, 3, 20), "fa") == "۳۰ اسفند ۱۴۰۸"
    assert day(moment, "mt") == "20 ta’ Diċembru 2025"
    assert country_names(["US", "IE"], "sr") == "Irska, Sjedinjene Države"
    assert country_names(["IR"], "pt") == "Irão"
    assert country_names(["US", "IE"], "zh") == "爱尔兰、美国"
    assert country_names(["DE", "AT", "CZ", "CN"], "az") == "Almaniya, Avstriya, Çexiya, Çin"
    assert country_names(["EC", "AT", "EE"], "de") == "Ecuador, Estland, Österreich"


UNSORTED = {"ar", "fa", "hi", "ja", "uz", "zh"}
"""Languages of which an alphabet does not say the whole order: Arabic's and Persian's hamza, Hindi's nukta, the Uzbek
apostrophe within a word, the Japanese sign of length, Chinese characters by their sound."""


def test_countries_stand_in_the_order_of_each_languages_alphabet_as_a_browser_sorts_them() -> None:
    codes = [code for code in Locale("en").territories if len(code) == 2 and code.isalpha()]
    names = {lang: [country_name(code, lang) for code in codes] for lang in {*WORDS} - UNSORTED}
    script = """
    const names = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    for (const lang in names) names[lang].sort(new Intl.Collator(lang == 'sr' ? 'sr-Latn' : lang).compare);
    console.log(JSON.stringify(names));
    """
    text = subprocess.run(["node", "-e", script], input=json.dumps(names), capture_output=True, text=True, check=True)
    assert len(names) > 40
    for lang, in_order in json.loads(text.stdout).items():
        assert sorted(names[lang], key=lambda name, lang=lang: collation.key(name, lang)) == in_order, lang


@pytest.mark.parametrize(("lang", "comma"), [("ar", "، "), ("fa", "، "), ("zh", "、"), ("ja", "、"), ("az", ", ")])
def test_lists_in_the_details_and_on_a_page_have_the_languages_own_comma(site: Site, lang: str, comma: str) -> None:
    layers = build_scripts(replace(site, languages=(lang,), cookies={}, policy_url="https://shop.example/")).layers
    for layer in ("details", "list"):
        assert f'comma:"{comma}"' in layers[layer][lang].plain.decode().replace('"comma"', "comma")


def test_a_norwegian_page_may_say_either_code_and_a_language_of_the_shop_s_own_is_asked_for_its_words(
    tmp_path: Path,
) -> None:
    assert snippet_words()["nb"] == snippet_words()["no"]
    file = tmp_path / "consent.toml"
    shop = '[sites.shop]\nname = "Shop"\norigins = ["https://shop.example"]\npolicy_url = "https://shop.example/p"\n'
    for languages in ('["nb"]', '["is", "mt", "zh"]'):
        file.write_text(f"{shop}policy_updated = 2025-12-20\nlanguages = {languages}\n", "utf-8")
        assert read_sites(file)["shop"].languages
    file.write_text(f'{shop}policy_updated = 2025-12-20\nlanguages = ["cy"]\n', "utf-8")
    with pytest.raises(SettingsError, match=r"languages has 'cy', for which words\.cy lacks abroad, accept"):
        read_sites(file)
