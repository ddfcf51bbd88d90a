"""The shop of the demo: every page in every language, nothing from elsewhere, and stand-ins that are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import closing
from demo_shop import in_language, shop
from flask.testing import FlaskClient

from consent_server import create_app
from consent_server.catalogue import lives
from consent_server.demo import storefront
from consent_server.demo.storefront import LANGUAGES, PRODUCTS, WORDS
from consent_server.settings.environment import Settings
from consent_server.settings.shops import snippet_words
from consent_server.site import OPTIONAL, Site

__all__ = ["shop"]

PATHS = ["/", "/basket", "/privacy", "/video", *(f"/products/{slug}" for slug in PRODUCTS)]


class Page(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def addresses(self) -> Iterator[str]:
        for _, attributes in self.elements:
            for name in ("src", "href", "data-src", "action", "data-hits"):
                if value := attributes.get(name):
                    yield value


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_whole_in_every_language(shop: FlaskClient, lang: str, path: str) -> None:
    response = shop.get(in_language(lang, path))
    assert response.status_code == 200
    page = Page(response.text)
    assert ("html", {"lang": lang}) in page.elements
    for address in page.addresses():
        if address.startswith("#"):
            continue
        assert re.match(r"/(demo|v1)/", address), f"{address} leads out of the shop"
        if address.startswith("/demo/") and not address.endswith("/hits"):
            found = shop.get(address)
            assert found.status_code == 200, address
            found.close()


@pytest.mark.parametrize("path", PATHS)
def test_only_scripts_and_styles_with_the_nonce_of_the_page_run(shop: FlaskClient, path: str) -> None:
    responses = [shop.get(in_language("en", path)) for _ in range(2)]
    policies = [response.headers["Content-Security-Policy"] for response in responses]
    assert policies[0] != policies[1]
    assert "unsafe" not in policies[0]
    assert "require-trusted-types-for 'script'" in policies[0]
    for tag, attributes in Page(responses[0].text).elements:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag in ("script", "style") or (tag == "link" and attributes["rel"] == "stylesheet"):
            assert f"'nonce-{attributes['nonce']}'" in policies[0]


@pytest.mark.parametrize("path", PATHS)
def test_no_page_sets_a_cookie(shop: FlaskClient, path: str) -> None:
    assert "Set-Cookie" not in shop.get("/demo" + path).headers


def test_one_tag_of_each_kind_waits(shop: FlaskClient) -> None:
    held = [
        (tag, attributes["data-consent"], attributes.get("type"))
        for tag, attributes in Page(shop.get("/demo/").text).elements
        if "data-consent" in attributes
    ]
    assert sorted(held, key=str) == [
        ("iframe", "marketing", None),
        ("script", "analytics", "text/plain"),
        ("script", "functional", "text/plain"),
        ("script", "marketing", "text/plain"),
    ]


def test_the_languages_say_the_same_things() -> None:
    def shape(words: Any) -> Any:
        if isinstance(words, dict):
            return {name: shape(value) for name, value in words.items()}
        return [shape(value) for value in words] if isinstance(words, list) else bool(words)

    assert set(WORDS["az"]["products"]) == set(PRODUCTS)
    for lang in LANGUAGES[1:]:
        assert shape(WORDS[lang]) == shape(WORDS["az"])


def test_what_the_stand_ins_leave_is_in_the_cookie_list(site: Site) -> None:
    folder = Path(storefront.__file__).parent
    sources = [*folder.glob("static/**/*.js"), folder / "templates" / "demo" / "layout.html"]
    text = "".join(source.read_text("utf-8") for source in sources)
    left = set(re.findall(r"\b_sm_\w+|smartmarket_basket", text))
    assert left == {cookie.name for cookies in site.cookies.values() for cookie in cookies} - {"consent", "ask-*"}


def test_the_strip_names_the_kinds_as_the_banner_does(shop: FlaskClient) -> None:
    for lang in LANGUAGES:
        words = snippet_words()[lang]
        assert WORDS[lang]["panel"]["kinds"] == {kind: words[kind] for kind in OPTIONAL}
        panel = next(
            named for tag, named in Page(shop.get(in_language(lang, "/")).text).elements if "data-panel" in named
        )
        assert [panel[f"data-{kind}"] for kind in OPTIONAL] == [words[kind] for kind in OPTIONAL]


@pytest.mark.parametrize(
    ("cookie", "browser", "leads_to"),
    [("ru", "en", "/demo/ru/"), ("", "en", "/demo/en/"), ("az", "en", None), ("xx", "tr", "/demo/tr/")],
)
def test_the_shop_opens_in_the_language_that_it_was_allowed_to_remember(
    shop: FlaskClient, cookie: str, browser: str, leads_to: str | None
) -> None:
    headers = {"Accept-Language": browser, "Cookie": f"_sm_settings={cookie}.nar-x2:20000"}
    said = shop.application.test_client(use_cookies=False).get("/demo/", headers=headers)
    assert said.headers.get("Location") == leads_to


def test_what_nothing_ends_is_said_to_stay_until_it_is_removed(site: Site) -> None:
    """A browser keeps an entry of its storage for ever; only a cookie has an end by itself."""
    tags = Path(storefront.__file__).parent / "static" / "tags"
    kept = re.findall(r'localStorage\.setItem\("(\w+)"', "".join(tag.read_text("utf-8") for tag in tags.glob("*.js")))
    assert kept
    for cookie in (each for cookies in site.cookies.values() for each in cookies if each.name in kept):
        assert cookie.life == lives()["persistent"]


def test_hits_are_counted_and_nothing_else_is_taken(shop: FlaskClient) -> None:
    before = len(shop.get("/demo/hits").get_json())
    assert shop.post("/demo/hits", data="analytics").status_code == 204
    assert shop.post("/demo/hits", data="anything").status_code == 400
    assert shop.post("/demo/hits", data="analytics" * 100_000).status_code == 400
    assert [hit["from"] for hit in shop.get("/demo/hits").get_json()][before:] == ["analytics"]


@pytest.mark.parametrize("path", ["/demo/products/unknown", "/demo/de/", "/demo/static/none.css"])
def test_what_is_not_there_is_not_found(shop: FlaskClient, path: str) -> None:
    assert shop.get(path).status_code == 404


def test_the_first_language_has_one_address(shop: FlaskClient) -> None:
    assert shop.get("/demo/az/").status_code == 404
    assert shop.get("/demo").headers["Location"].endswith("/demo/")


def test_the_shop_is_open_in_the_demo_only(settings: Settings, site: Site) -> None:
    for demo, status in ((True, 200), (False, 404)):
        app = create_app(replace(settings, demo=demo), {site.id: site})
        with closing(app.extensions["consent"].store):
            assert app.test_client().get("/demo/").status_code == status


def test_under_a_prefix_every_address_fits(settings: Settings, site: Site) -> None:
    app = create_app(replace(settings, demo=True, prefix="/shop"), {site.id: site})
    with closing(app.extensions["consent"].store):
        window = app.test_client()
        page = Page(window.get("/shop/demo/").text)
        for address in page.addresses():
            assert address.startswith(("/shop/", "#")), address
        for tag, attributes in page.elements:
            if tag in ("script", "link", "img") and "data-consent" not in attributes:
                found = window.get(str(attributes.get("src") or attributes.get("href")))
                assert found.status_code == 200, attributes
                found.close()


# ---- The language ----


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [("ru-RU,ru;q=0.9,en;q=0.8", "/demo/ru/"), ("tr", "/demo/tr/"), ("de,en;q=0.5", "/demo/en/")],
)
def test_who_comes_in_is_led_to_the_language_of_their_browser(shop: FlaskClient, wanted: str, led_to: str) -> None:
    response = shop.get("/demo/", headers={"Accept-Language": wanted, "Sec-Fetch-Site": "none"})
    assert (response.status_code, response.headers["Location"]) == (302, led_to)
    assert "Accept-Language" in response.headers["Vary"]


@pytest.mark.parametrize("came_from", ["none", "cross-site"])
@pytest.mark.parametrize("path", ["/privacy", "/basket", "/products/tar-pro"])
def test_so_is_who_opens_another_page_from_outside(shop: FlaskClient, path: str, came_from: str) -> None:
    response = shop.get(f"/demo{path}", headers={"Accept-Language": "tr,en;q=0.5", "Sec-Fetch-Site": came_from})
    assert (response.status_code, response.headers["Location"]) == (302, f"/demo/tr{path}")
    assert {"Accept-Language", "Sec-Fetch-Site"} <= {*response.vary}


@pytest.mark.parametrize("query", ["?consent=AbC-9", "?a=1&a=%C6%8F&lang=ru&_scheme=x&slug=y"])
def test_the_query_goes_with_them(shop: FlaskClient, query: str) -> None:
    for path in ("/", "/products/tar-pro"):
        response = shop.get(f"/demo{path}{query}", headers={"Accept-Language": "tr", "Sec-Fetch-Site": "none"})
        assert response.headers["Location"] == f"/demo/tr{path}{query}"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/demo/privacy", {"Accept-Language": "ru", "Sec-Fetch-Site": "same-origin"}),
        ("/demo/en/privacy", {"Accept-Language": "ru", "Sec-Fetch-Site": "none"}),
        ("/demo/products/tar-pro", {"Accept-Language": "az", "Sec-Fetch-Site": "none"}),
        ("/demo/hits", {"Accept-Language": "ru", "Sec-Fetch-Site": "none"}),
        ("/demo/", {"Accept-Language": "az,en;q=0.5"}),
        ("/demo/", {"Accept-Language": "de"}),
        ("/demo/", {}),
        ("/demo/", {"Accept-Language": "ru", "Sec-Fetch-Site": "same-origin"}),
        ("/demo/ru/", {"Accept-Language": "en"}),
        ("/demo/privacy", {"Accept-Language": "ru"}),
    ],
)
def test_who_is_inside_or_speaks_the_shop_s_own_language_stays(
    shop: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    assert shop.get(path, headers=headers).status_code == 200
