"""A shop that cannot work, or not in every browser, is found, and its tag waits for what it must."""

from __future__ import annotations

from dataclasses import replace

import pytest
from checked import SHOP, cookie, only

from consent_server.catalogue import for_site, services
from consent_server.check import faults
from consent_server.settings.theme import read_theme

# ---- consent.toml ----


def test_nothing_is_found_in_a_sound_shop() -> None:
    assert [*faults.site(SHOP)] == []


@pytest.mark.parametrize(
    ("change", "fault", "cure", "grave"),
    [
        ({"origins": ("http://shop.example",)}, "not under https", '"https://shop.example" in origins', True),
        ({"cookie_domain": "other.example", "origins": SHOP.origins[:1]}, "refuse the cookie", "a parent domain", True),
        ({"cookie_domain": "op.example", "origins": SHOP.origins[:1]}, "refuse the cookie", "a parent domain", True),
        (
            {"cookies": {"analytics": (cookie("_ga"),)}, "languages": ("xx",)},
            "leaves out `consent` and `ask-*`, which the banner keeps; what for is not written in 'xx' here",
            "[[sites.shop.cookies.necessary]] for each",
            False,
        ),
        (
            {"keep": 396 * 86400},
            "says that `consent` is kept for 1 year; it lives three months longer than an answer holds, 16 months.",
            "leave that table out",
            False,
        ),
        (
            {
                "keep": 396 * 86400,
                "languages": ("xx",),
                "cookies": {
                    "necessary": tuple(replace(each, life={"xx": "1 year"}) for each in SHOP.cookies["necessary"])
                },
            },
            "says that `consent` is kept for 1 year",
            'write life = "16 months" in that table',
            False,
        ),
        (
            {"services": ("hubspot",)},
            "nothing holds *.hsforms.com and *.hsforms.net and forms.hubspot.com: HubSpot's forms",
            'add "hubspot-forms" to services',
            False,
        ),
        (
            {"services": ("hubspot",), "trackers": (("*.hsforms.com", "marketing"), ("*.hubspot.com", "marketing"))},
            "nothing holds *.hsforms.net: HubSpot's forms",
            "[[sites.shop.trackers]]",
            False,
        ),
        (
            {
                "host_cookie": True,
                "cookie_domain": None,
                "origins": ("http://localhost:3000",),
                "cookies": SHOP.cookies | {"necessary": (cookie("__Host-consent"), cookie("ask-*"))},
            },
            "browsers take the cookie __Host-consent under https alone, so http://localhost:3000 keeps no answer.",
            "or leave host_cookie out",
            False,
        ),
        (
            {"cookies": {"necessary": SHOP.cookies["necessary"]}, "trackers": (("t.example", "analytics"),)},
            "no optional cookie",
            "[[sites.shop.cookies.analytics]]",
            False,
        ),
        (
            {"theme": read_theme({"dark": {"accept": {"background": "#1b1f24"}, "background": "#111111"}})},
            "theme.dark.accept.background has a contrast of 1.1:1 with the background",
            "give both buttons of [sites.shop.theme.dark] another background; at least 3:1",
            False,
        ),
    ],
)
def test_a_shop_that_cannot_work_is_found(change: dict[str, object], fault: str, cure: str, grave: bool) -> None:
    finding = only(faults.site(replace(SHOP, **change)))  # type: ignore[arg-type]
    assert fault in finding.fault
    assert cure in finding.cure
    assert finding.grave == grave


@pytest.mark.parametrize(
    ("cookies", "fault"),
    [
        ({"necessary": ["cart_id"], "functional": ["cart_*"]}, "cart_* (functional) overlaps cart_id (necessary)"),
        ({"necessary": ["cart_*"], "analytics": ["cart_id"]}, "cart_id (analytics) overlaps cart_* (necessary)"),
        ({"necessary": ["*_id"], "analytics": ["cart_*"]}, "cart_* (analytics) overlaps *_id (necessary)"),
        ({"functional": ["a_*"], "marketing": ["a_b_*"]}, "a_* (functional) overlaps a_b_* (marketing)"),
        ({"functional": ["*_a"], "marketing": ["*_b_a"]}, "*_a (functional) overlaps *_b_a (marketing)"),
        ({"functional": ["a"], "marketing": ["a"]}, "a (functional) overlaps a (marketing)"),
        ({"analytics": ["c*"]}, "c* (analytics) overlaps consent (necessary)"),
        ({"analytics": ["ask-a"]}, "ask-a (analytics) overlaps ask-* (necessary)"),
        ({"functional": ["a_*", "a_b"], "marketing": ["b_*", "A_*", "a"]}, None),
        ({"necessary": ["a_*_b"], "marketing": ["a_b"]}, None),
    ],
)
def test_names_of_two_categories_that_mean_the_same_are_told(cookies: dict[str, list[str]], fault: str | None) -> None:
    lines = {
        category: tuple(map(cookie, [*names, *(["consent", "ask-*"] if category == "necessary" else [])]))
        for category, names in ({"necessary": []} | cookies).items()
    }
    found = list(faults.site(replace(SHOP, cookies=lines)))
    if not fault:
        assert found == []
        return
    assert only(found).fault.startswith(f"shop: {fault}; what both mean stays ")
    assert not only(found).grave


def test_no_two_services_of_the_catalogue_are_told_to_overlap() -> None:
    found = faults.site(replace(SHOP, cookies=for_site(services(), ["en"]).cookies))
    assert [each.fault for each in found if "overlaps" in each.fault] == []


def test_safaris_seven_days_are_told_for_each_other_host() -> None:
    assert [
        *faults.kept_by_safari(replace(SHOP, origins=("https://shop.example",)), "https://shop.example/consent")
    ] == []
    finding = only(faults.kept_by_safari(SHOP, "https://shop.example"))
    assert "https://www.shop.example" in finding.fault
    assert "CONSENT_PREFIX" in finding.cure
    assert not finding.grave


@pytest.mark.parametrize(
    ("change", "tag", "place"),
    [
        ({}, '<script async src="https://c.example/v1/shop/consent.js"></script>', "anywhere"),
        (
            {"vendors": {"google": {}}},
            '<script src="https://c.example/v1/shop/consent.js"></script>',
            "before the tags",
        ),
        (
            {"trackers": (("t.example", "analytics"),)},
            '<script src="https://c.example/v1/shop/consent.js">',
            "the first",
        ),
    ],
)
def test_the_tag_waits_for_nothing_unless_something_must_wait_for_it(
    change: dict[str, object], tag: str, place: str
) -> None:
    site = replace(SHOP, **change)  # type: ignore[arg-type]
    assert faults.tag(site, "https://c.example").startswith(tag)
    assert place in faults.where(site)
