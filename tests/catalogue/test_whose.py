"""Whose an address is: what a service waits with is listed where a shop names that service, and by no other's host."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from minimal import MINIMAL

from consent_server.banner.lists import categories_at, gate, known_addresses
from consent_server.catalogue import service, services
from consent_server.catalogue.addresses import covers
from consent_server.settings.shops import make_site, read_sites
from consent_server.site import Site


def shop(*names: str) -> Site:
    made = make_site("shop", "Shop", ("https://shop.example",), "https://shop.example/p", date(2025, 12, 20))
    trackers = tuple((pattern, service(name).category) for name in names for pattern in service(name).patterns)
    return replace(made, services=names, trackers=trackers)


def there(pattern: str) -> str:
    """Return an address that a pattern means."""
    host, _, path = pattern.replace("*.", "a.").partition("/")
    return f"{host}/{path.replace('*', 'x')}"


@pytest.mark.parametrize("name", services())
def test_what_another_service_waits_with_is_not_listed_by_a_host_that_both_ask(name: str) -> None:
    mine, known = service(name), known_addresses(shop(name))
    for each in services().values():
        for pattern in each.patterns:
            named = any(covers(pattern, own) or pattern == own for own in mine.hosts)
            if each is not mine and not named:
                assert categories_at(there(pattern), known) == [], f"{pattern} of {each.name}"


@pytest.mark.parametrize("name", services())
def test_all_that_a_service_asks_is_listed_in_its_category(name: str) -> None:
    known = known_addresses(shop(name))
    hosts = service(name).hosts
    assert hosts
    assert all(categories_at(there(pattern), known) == [service(name).category] for pattern in hosts)


@pytest.mark.parametrize(
    ("names", "address"),
    [
        (["gtm"], "www.googletagmanager.com/gtag/js"),
        (["recaptcha"], "www.google.com/pagead/1p-user-list/1/"),
        (["recaptcha", "google-maps"], "accounts.google.com/gsi/client"),
        (["yandex-maps"], "mc.yandex.ru/metrika/tag.js"),
        (["yandex-metrica", "yandex-maps"], "an.yandex.ru/page/1"),
        (["clarity"], "bat.bing.com/bat.js"),
        (["clarity", "microsoft-uet"], "www.bing.com/api/maps/mapcontrol"),
        (["paypal"], "t.paypal.com/ts"),
        (["meta-pixel"], "www.facebook.com/plugins/like.php"),
        (["x-ads"], "platform.twitter.com/widgets.js"),
        (["tiktok"], "www.tiktok.com/embed/v2/1"),
        (["mail-ru-top"], "autocomplete.mail.ru/x"),
    ],
)
def test_a_tracker_that_nobody_declared_is_not_listed(names: list[str], address: str) -> None:
    assert categories_at(address, known_addresses(shop(*names))) == []


@pytest.mark.parametrize(
    ("names", "address", "categories"),
    [
        (["gtm", "ga4"], "www.googletagmanager.com/gtag/js", ["analytics"]),
        (["ga4"], "www.googletagmanager.com/a", ["analytics"]),
        (["gtm"], "www.googletagmanager.com/", ["necessary"]),
        (["youtube"], "googleads.g.doubleclick.net/pagead/id", ["marketing"]),
        (["google-ads"], "www.google.az/pagead/1p-user-list/1/", ["marketing"]),
        (["google-ads"], "google.com/ccm/form-data/1", ["marketing"]),
        (["hubspot"], "forms.hubspot.com/x", []),
        (["hubspot", "hubspot-forms"], "forms.hubspot.com/x", ["functional"]),
        (["recaptcha"], "www.google.com/js/bg/x.js", ["functional"]),
        (["paypal"], "c.paypal.com/da/r/fb.js", ["necessary"]),
        (["mailchimp"], "shop.us1.list-manage.com/subscribe/post-json", ["marketing"]),
    ],
)
def test_what_services_ask_for_is_known(names: list[str], address: str, categories: list[str]) -> None:
    assert categories_at(address, known_addresses(shop(*names))) == categories


@pytest.mark.parametrize(
    ("services", "own", "waits"),
    [
        (["ga4", "google-ads"], [], {"analytics|marketing"}),
        (["ga4"], [], {"analytics"}),
        (["ga4"], ["analytics", "marketing"], {"analytics", "marketing"}),
        (["ga4", "google-ads"], ["analytics", "marketing"], {"analytics", "marketing"}),
        (["ga4", "google-ads"], ["functional"], {"functional"}),
    ],
)
def test_what_a_shop_lists_itself_waits_for_all_that_it_says(
    tmp_path: Path, services: list[str], own: list[str], waits: set[str]
) -> None:
    pattern = "www.googletagmanager.com/gtag/*"
    rows = "".join(f'[[sites.shop.trackers]]\nmatch = "{pattern}"\ncategory = "{each}"\n' for each in own)
    (tmp_path / "consent.toml").write_text(f"{MINIMAL}services = {services}\n{rows}")
    site = read_sites(tmp_path / "consent.toml")["shop"]
    held = cast(list[dict[str, str]], gate(site, "v", {}, [])["trackers"])
    assert {each["category"] for each in held if re.match(each["match"], there(pattern))} == waits


@pytest.mark.parametrize(
    "address",
    [
        "shop.us1.list-manage.com/subscribe/post-json",
        "js.hsforms.net/forms/embed/v2.js",
        "forms.hubspot.com/x",
        "vk.com/js/api/openapi.js",
    ],
)
def test_what_a_shopper_asked_for_waits_for_no_marketing(address: str) -> None:
    held = known_addresses(shop(*(name for name, each in services().items() if each.category == "marketing")))[0]
    assert categories_at(address, [held]) == []
