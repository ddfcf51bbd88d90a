"""The catalogue: every file is whole, agrees with the product's own rules and with its neighbours."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.resources import files
from itertools import combinations

import msgspec
import pytest
from conftest import ROOT

from consent_server import catalogue
from consent_server.catalogue import (
    Entry,
    MissingWords,
    Service,
    UnknownService,
    addresses,
    for_site,
    missing_language,
    service,
    services,
)
from consent_server.settings.lists import COOKIE, TRACKER, VENDORS
from consent_server.settings.rows import address, duration
from consent_server.site import CATEGORIES, Cookie

LANGUAGES = ("az", "en", "ru", "tr")

NAMED = [
    *("ga4", "gtm", "google-ads", "yandex-metrica", "meta-pixel", "tiktok", "linkedin", "microsoft-uet", "clarity"),
    *("hotjar", "matomo", "posthog", "youtube", "vimeo", "google-maps", "recaptcha", "hcaptcha", "stripe", "jivo"),
    *("tawk", "intercom", "hubspot", "klaviyo", "mailchimp", "criteo", "vk-pixel", "mail-ru-top", "sentry"),
    *("plausible", "umami"),
]
"""Those that the documentation promises by name."""

COUNTRIES = {*("CZ", "DE", "DK", "EE", "FR", "IE", "IL", "IN", "LU", "MT", "NZ", "PL", "RU", "SE", "SG", "TR", "US")}
"""ISO 3166-1, as far as the catalogue goes: a slip of the pen such as UK or EN is none of them."""

YES = {"mtm_consent", "mtm_cookie_consent"}
"""Where a vendor notes a yes; the no has a name of its own."""

SHARED: set[str] = set()
"""Names of the shop's own storage that services may claim for several purposes in one category: none so far."""


def entries() -> Iterator[tuple[str, Service, Entry]]:
    for name, each in services().items():
        yield from ((name, each, entry) for entry in each.entries)


def covers(wide: str, narrow: str) -> bool:
    """Return whether every host that ``narrow`` means is one that ``wide`` means; ``*.a.b`` means ``a.b`` too."""
    host = narrow.removeprefix("*.")
    if wide.startswith("*."):
        return host == wide[2:] or host.endswith(wide[1:])
    return narrow == wide


def regular_expression(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*", ".*"))


def meet(one: str, other: str) -> bool:
    """Return whether two names, of which each may have one ``*``, can mean the same."""
    return any(
        regular_expression(pattern).fullmatch(name.replace("*", "x")) for pattern, name in ((one, other), (other, one))
    )


def test_there_are_fifty_and_those_promised_among_them() -> None:
    assert len(services()) >= 50
    assert set(NAMED) <= set(services())


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "docs/catalogue.md"])
def test_the_documentation_counts_them_right(page: str) -> None:
    counted = re.findall(r"(\d+) services", (ROOT / page).read_text("utf-8"))
    assert {*counted} == {str(len(services()))}


def test_an_id_is_the_name_of_its_file_and_fit_for_a_setting() -> None:
    folder = files(catalogue.__name__).joinpath("services")
    assert [f"{name}.toml" for name in services()] == sorted(file.name for file in folder.iterdir())
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in services())


@pytest.mark.parametrize("name", services())
def test_a_service_says_whose_it_is_and_how_that_is_known(name: str) -> None:
    each = service(name)
    assert each.name.strip()
    assert each.provider.strip()
    assert each.country in COUNTRIES
    assert each.sources
    assert all(address(source).startswith("https://") for source in each.sources)
    assert (each.read is None) == each.unverified, "say the day when a source was read, or that none was"


@pytest.mark.parametrize("name", services())
def test_what_waits_is_written_as_the_product_reads_it(name: str) -> None:
    each = service(name)
    read = {row.name: row.read for row in TRACKER}
    assert each.patterns
    assert len(set(each.patterns)) == len(each.patterns)
    for pattern in each.hosts:
        assert read["match"](pattern) == pattern
    for host in each.besides:
        assert not any(addresses.covers(pattern, host) for pattern in each.patterns), "is said already"


@pytest.mark.parametrize("name", services())
def test_an_entry_is_whole(name: str) -> None:
    each = service(name)
    read = {row.name: row.read for row in COOKIE}
    for entry in each.entries:
        assert read["name"](entry.name) == entry.name
        assert entry.purpose in catalogue.purposes()
        assert entry.life in catalogue.lives()
        assert (entry.life == "persistent") <= (entry.kind != "cookie"), f"a cookie has a time: {entry.name}"
        assert (entry.kind == "session-storage") <= (entry.life == "session"), entry.name
        assert entry.category != each.category, "is said already"
        assert not (each.unverified and entry.unverified), "is said already"
        if entry.host:
            known = [address.partition("/")[0] for address in each.hosts]
            assert any(covers(host, entry.host) or covers(f"*.{entry.host}", host) for host in known)
        else:
            rest = entry.name.replace("*", "")
            own = len(rest) > 2 and ("*" not in entry.name or re.search("[^a-zA-Z0-9]", rest) or len(rest) > 4)
            assert own, f"{entry.name} may be the shop's own, and would be removed with the vendor's"


@pytest.mark.parametrize("name", services())
def test_a_service_is_told_by_the_vendors_that_a_site_has(name: str) -> None:
    for vendor, options in service(name).vendors.items():
        rows = {row.name: row for row in VENDORS[vendor]}
        for key, value in options.items():
            assert rows[key].read(value) == value


@pytest.mark.parametrize("words", [catalogue.purposes, catalogue.lives])
def test_what_shoppers_read_is_there_in_four_languages_and_used(words) -> None:
    for key, texts in words().items():
        assert set(LANGUAGES) <= set(texts), key
        assert all(text == text.strip() and text for text in texts.values()), key
    used = {getattr(entry, "purpose" if words is catalogue.purposes else "life") for _, _, entry in entries()}
    assert used == set(words())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_purposes_are_sentences_and_each_says_something_else(lang: str) -> None:
    texts = [texts[lang] for texts in catalogue.purposes().values()]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert re.fullmatch(r"[A-ZƏÖÜÇŞĞİА-ЯЁ][^.]{20,130}\.", text), text
    words = " ".join(texts).lower()
    assert not re.search({"az": "kuki|çərəz", "tr": "cookie|kuki", "ru": "куки|cookies", "en": "$^"}[lang], words)


@pytest.mark.parametrize("life", sorted(catalogue.lives().keys() - {"session", "persistent"}))
def test_a_life_is_a_time_that_the_product_reads_and_names_in_each_language(life: str) -> None:
    assert duration(life) > 0
    number = life.split()[0]
    assert catalogue.lives()[life]["en"] == life
    assert all(text.startswith(f"{number} ") for text in catalogue.lives()[life].values())


def test_a_name_in_the_shops_own_storage_belongs_to_one_category() -> None:
    """When a category is refused its names are removed: what another category needs must not be among them."""
    own = [(name, each.category_of(entry), entry.name) for name, each, entry in entries() if not entry.host]
    for (one, category, name), (other, another, sibling) in combinations(own, 2):
        assert category == another or not meet(name, sibling), f"{name} of {one} and {sibling} of {other}"


def test_a_name_has_one_purpose_in_a_category() -> None:
    said: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for _, each, entry in entries():
        said[entry.name, entry.kind, entry.host or "", each.category_of(entry)].add(entry.purpose)
    assert {key[0] for key, purposes in said.items() if len(purposes) > 1} == SHARED


def test_a_vendors_note_of_a_refusal_stays_whatever_is_refused() -> None:
    """Else each page would remove it, tell the shopper so, and have the vendor write it again."""
    removed = {
        entry.name
        for _, each, entry in entries()
        if entry.purpose == "choice" and not entry.host and each.category_of(entry) != "necessary"
    }
    assert removed == YES


def test_the_documentation_names_the_vendors_that_a_service_does_not_tell() -> None:
    page = (ROOT / "docs/catalogue.md").read_text("utf-8")
    untold = {each.name for name, each in services().items() if name in VENDORS and not each.vendors}
    assert untold == {"HubSpot", "Pinterest Tag", "PostHog", "TikTok Pixel"}
    assert all(name.split()[0] in page.partition("but for")[2].partition(":")[0] for name in untold)


def test_no_address_waits_for_two_categories() -> None:
    """The gate lets through what is allowed by every pattern that matches: two would wait for both.

    One that two services have letter by letter waits for either; but what is necessary to one waits for nothing.
    """
    patterns = [
        (name, each.category, *pattern.partition("/")[::2])
        for name, each in services().items()
        for pattern in each.patterns
    ]
    for (one, category, host, path), (other, another, host2, path2) in combinations(patterns, 2):
        if (host, path) == (host2, path2):
            assert "necessary" not in {category, another} or category == another
        elif category != another and (covers(host, host2) or covers(host2, host)):
            assert path and path2 and not meet(path, path2), f"{host} of {one} and {other}"  # noqa: PT018


@pytest.mark.parametrize(
    ("written", "meant"), [("ga-4", "ga4"), ("metapixel", "meta-pixel"), ("yandex-metrika", "yandex-metrica")]
)
def test_an_unknown_service_is_refused_with_what_was_probably_meant(written: str, meant: str) -> None:
    with pytest.raises(UnknownService, match=f"'{written}'.*did you mean '{meant}'"):
        for_site([written], ["en"])


def test_a_service_unlike_any_is_refused_with_where_they_are_listed() -> None:
    with pytest.raises(UnknownService, match="consent-server services"):
        service("qqqqqq")


def test_a_language_without_words_is_refused_by_both_names() -> None:
    with pytest.raises(MissingWords, match=r"'ga4'.*'de'"):
        for_site(["ga4"], ["en", "de"])


def test_the_language_that_is_missing_is_named() -> None:
    assert [missing_language("ga4", languages) for languages in (["en"], ["en", "de"], [])] == [None, "de", None]


def test_a_service_that_stores_nothing_needs_no_words() -> None:
    assert for_site(["plausible"], ["de"]).trackers == (("plausible.io", "analytics"),)


def test_a_site_gets_its_list_in_its_languages() -> None:
    needed = for_site(["ga4"], ["ru", "az"])
    assert needed.cookies["analytics"][0] == Cookie(
        "_ga",
        "Google LLC",
        {
            "ru": "Отличает посещения с этого браузера от других, чтобы измерять, как пользуются сайтом.",
            "az": "Saytdan necə istifadə olunduğunu ölçmək üçün bu brauzerin ziyarətlərini başqalarının "
            "ziyarətlərindən ayırır.",
        },
        {"ru": "2 года", "az": "2 il"},
        "US",
        None,
        "cookie",
    )
    assert needed.vendors == {"google": {}}
    assert ("*.google-analytics.com", "analytics") in needed.trackers


def test_an_entry_of_another_category_stands_in_its_own() -> None:
    needed = for_site(["clarity"], ["en"])
    assert [(row.name, row.host) for row in needed.cookies["marketing"]] == [
        ("SM", "clarity.ms"),
        ("MUID", "clarity.ms"),
        ("ANONCHK", "clarity.ms"),
    ]


def test_services_of_one_vendor_are_told_together_and_listed_once() -> None:
    needed = for_site(["microsoft-uet", "clarity", "youtube", "google-ads"], ["en"])
    assert needed.vendors == {"microsoft": {"uet": True, "clarity": True}, "google": {}}
    assert [row.name for row in needed.cookies["marketing"]].count("IDE") == 1


def test_every_service_makes_a_site_together_with_every_other() -> None:
    needed = for_site(services(), LANGUAGES)
    assert set(needed.cookies) == set(CATEGORIES)
    assert len(needed.trackers) == len(set(needed.trackers))
    for row in (row for rows in needed.cookies.values() for row in rows):
        assert list(row.purpose) == list(row.life) == list(LANGUAGES)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ('category = "statistics"', "category"),
        ("entries = [{kind = 'cookie', name = 'a'}]", "life"),
        ("unknown = 1", "unknown"),
        ("read = 'yesterday'", "read"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused(wrong: str, why: str) -> None:
    whole = {"name": "A", "provider": "B", "country": "US", "category": "analytics"}
    lists = {"patterns": [], "sources": []}
    msgspec.convert(whole | lists, Service)
    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.convert(whole | lists | msgspec.toml.decode(wrong), Service)
