"""A shopper's number that a script has drawn is known again at the shop's own address, however it is written."""

from __future__ import annotations

import random
import string
from datetime import date

import pytest

from consent_server.audit.findings import Judge
from consent_server.audit.observed import Observed, Sighting
from consent_server.settings.shops import make_site

SHOP = "https://shop.example"
SITE = make_site("shop", "Shop", (SHOP,), f"{SHOP}/privacy", date(2025, 12, 20))
UUID = "550e8400-e29b-41d4-a716-446655440000"


def state(name: str, value: str, sent: str, where: str = "cookies") -> Observed:
    """Return a state in which a script has kept this under a name of no list, and has sent that to the shop itself."""
    hit = Sighting("request", f"{SHOP}/px", "shop.example", f"{SHOP}/", "", 1.0, url=f"{SHOP}/px?u={sent}")
    return Observed(name, [hit], scripted={"_uid"}, **{where: {"_uid": value}})  # type: ignore[arg-type]


def suspected(*states: Observed) -> list[str]:
    return [each.state for each in Judge("shop.example", SITE, states).findings() if each.kind == "request"]


@pytest.mark.parametrize("where", ["cookies", "stored", "in_session"])
@pytest.mark.parametrize(
    ("value", "sent", "is_number"),
    [
        (f"{UUID}.3", UUID, True),
        (f"v1.{UUID}", UUID, True),
        (f"{UUID}|1700000000000", UUID, True),
        (f'{{"id":"{UUID}","n":1}}', UUID, True),
        ("1.1700000000000.4815162342", "4815162342", True),
        ("abc123xyz", "abc123xyz", True),
        ('{"id":"abc123xyz"}', "abc123xyz", True),
        ("abcdefg-123", "abcdefg-123", False),
        ("2-for-1-offer", "2-for-1-offer", False),
        ('{"seen":[10002345]}', "10002345", False),
        ("v2.layout|1700000000000", "1700000000000", False),
        ("b2b-customer", "b2b-customer", False),
        ("b2c_store", "b2c_store", False),
        ("i18n-de-AT", "i18n-de-AT", False),
        ("utf8mb4_general_ci", "utf8mb4_general_ci", False),
        ("de-AT|EUR|b2c", "de-AT|EUR|b2c", False),
        ("cart-abc123xyz", "cart-abc123xyz", True),
        ("aB3x-xY7zQ", "aB3x-xY7zQ", True),
        ("GA1.1.1567890123.1764306241", "1764306241", False),
        ("GA1.1.1567890123.1764306241", "1567890123.1764306241", True),
    ],
)
def test_a_number_under_a_name_of_no_list_is_known_by_its_parts(
    where: str, value: str, sent: str, is_number: bool
) -> None:
    assert suspected(state("before", value, sent, where)) == (["before"] if is_number else [])


@pytest.mark.parametrize("shape", ["%s", '{"id":"%s"}', "v1.%s.7"])
def test_what_each_fresh_profile_has_another_of_is_a_number_whatever_was_drawn(shape: str) -> None:
    draws = random.Random(7)
    for _ in range(200):
        ids = ["".join(draws.choices(string.ascii_lowercase + string.digits, k=11)) for _ in range(3)]
        ids[0] = ids[0].translate(str.maketrans(string.digits, "qwrtzpsdfg"))  # by chance without a digit
        states = [state(name, shape % id_, id_) for name, id_ in zip(("before", "refused", "gpc"), ids, strict=True)]
        assert suspected(*states) == ["before", "refused", "gpc"]


def test_a_setting_is_the_same_in_each_profile_and_a_moment_is_none() -> None:
    assert suspected(*(state(name, "gridlayout", "gridlayout") for name in ("before", "refused"))) == []
    times = {"before": "v.1700000000000.a", "refused": "v.1700000009000.a"}
    assert suspected(*(state(name, value, value.split(".")[1]) for name, value in times.items())) == []


@pytest.mark.parametrize("words", [("undecided", "rejected"), ("notDecided", "rejectedAll"), ("UNDECIDED", "REJECTED")])
def test_what_a_shopper_has_chosen_is_said_in_words_that_differ_by_profile(words: tuple[str, str]) -> None:
    assert suspected(*(state(name, word, word) for name, word in zip(("before", "refused"), words, strict=True))) == []
