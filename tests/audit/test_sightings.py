"""What was seen several times, by several witnesses, is one sighting that has what each of them knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from consent_server.audit.findings import Finding, Judge
from consent_server.audit.observed import Observed, Sighting, unique
from consent_server.settings.shops import make_site
from consent_server.site import Cookie, Site

SHOP = "https://shop.example"
PAGE = f"{SHOP}/"
UUID = "550e8400-e29b-41d4-a716-446655440000"


def site(**lists: str) -> Site:
    made = make_site("shop", "Shop", (SHOP,), f"{SHOP}/privacy", date(2025, 12, 20))
    cookies = {category: (Cookie(name, "Shop", {}, {"en": "1 year"}),) for category, name in lists.items()}
    return replace(made, cookies=cookies)


def posted(body: str, address: str = f"{SHOP}/log") -> Sighting:
    return Sighting("request", address, address.split("/")[2], PAGE, PAGE, 1.0, url=address, body=body)


def judged(of: Site, state: str, *sightings: Sighting, since: float = 0, **kept: dict[str, str]) -> list[Finding]:
    seen = Observed(state, [*unique(sightings, since)], since=since, **kept)  # type: ignore[arg-type]
    return Judge("shop.example", of, [seen]).findings()


def test_of_several_posts_to_one_address_of_the_shops_own_each_is_read() -> None:
    first, unknown = posted('{"a":1}'), replace(posted(""), initiator="")
    for body, kept in ((f'{{"uid":"{UUID}"}}', {"stored": {"_uid": UUID}}), ('{"type":"event","payload":{}}', {})):
        path = f"{SHOP}/api/send"
        all_ = [replace(each, name=path, url=path) for each in (first, posted(body), unknown)]
        assert [each.name for each in judged(site(), "before", *all_, **kept)] == [path]
    others = [posted(body, "https://t.example/log") for body in ("1", "2")]
    assert len([*unique(others)]) == 1


def test_what_an_answer_set_before_the_withdrawal_is_held_back_by_the_back_end() -> None:
    answer = f"{SHOP}/sets"
    at_answer = Sighting("cookie", "_t", "shop.example", PAGE, answer, 1.0, by_response=True)
    left = Sighting("cookie", "_t", "shop.example", f"{PAGE}2", "", 9.0)
    held = f"Let consent_server.enforce hold the cookie back where the shop's own {answer} is answered."
    for state in ("withdrawn", "refused"):
        assert [each.fix for each in judged(site(analytics="_t"), state, at_answer, left, since=5.0)] == [held]
    by_script = replace(at_answer, initiator=f"{SHOP}/own.js", by_response=False)
    (found,) = judged(site(analytics="_t"), "withdrawn", by_script, left, since=5.0)
    assert "mark the tag of" in found.fix
