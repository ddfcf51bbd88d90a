"""What is asked and what is answered."""

import json
from dataclasses import replace
from datetime import date

import pytest

from consent_server.decision import COLUMNS, Consent, Decision, Entry, Malformed, UnknownNotice, columns, consent_of
from consent_server.settings.shops import make_site
from consent_server.site import Notice, UnknownCategory, Variant
from consent_server.tokens import ForgedToken
from consent_server.web.showing import shown_in

SITE = make_site("shop", "Shop", ("https://shop.example",), "/privacy", date(2025, 12, 20), languages=("az", "en"))
NOTICE = Notice.of({"site": "shop", "revision": 2, "keep": 1000, "lang": "az", "variant": "b"})
ID = "abcdefghijklmnopqrstuv"
GOOD = {"id": ID, "allow": ["analytics"], "notice": NOTICE.hash, "lang": "az", "variant": "b", "how": "save"}


def known(name):
    return NOTICE if name == NOTICE.hash else None


def read(text):
    if text != "genuine":
        raise ForgedToken("No.")
    return Consent("shop", ["marketing"], 2, NOTICE.hash, 100, 1100, "subject", "earlier")


def parse(**changes):
    body = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return Decision.parse(json.dumps(body).encode(), known, read)


def test_it_reads_an_answer():
    decision = parse()
    assert (decision.id, decision.allow, decision.notice, decision.how) == (ID, 2, NOTICE, "save")
    assert decision.subject == ID
    assert decision.kind(50) == "first"


def test_any_other_way_of_answering_is_that_of_the_shops_own_front_end():
    assert parse(how="native app").how == "script"
    assert parse(how="signal").how == "script", "which is no answer"


def test_its_variant_is_that_of_the_notice_whatever_is_sent():
    assert parse(variant="another").notice.variant == NOTICE.variant


@pytest.mark.parametrize("allow", [[], ["necessary"]])
def test_necessary_alone_is_a_refusal(allow):
    assert parse(allow=allow).allow == 0


@pytest.mark.parametrize("left_out", ["lang", "variant", "how", "previous"])
def test_it_does_without(left_out):
    assert parse(**{left_out: ...}).id == ID


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id": ...}, Malformed),
        ({"id": "short"}, Malformed),
        ({"id": "x" * 65}, Malformed),
        ({"id": "with spaces in the id"}, Malformed),
        ({"id": 1234567890123456}, Malformed),
        ({"allow": "analytics"}, Malformed),
        ({"allow": [1]}, Malformed),
        ({"allow": ["statistics"]}, UnknownCategory),
        ({"notice": "never-shown"}, UnknownNotice),
        ({"notice": None}, Malformed),
        ({"lang": "en"}, UnknownNotice),
        ({"how": "x" * 33}, Malformed),
        ({"how": 1}, Malformed),
        ({"at": 1795374323}, Malformed),
        ({"date": "2026-11-22"}, Malformed),
        ({"previous": "forged"}, ForgedToken),
        ({"previous": {}}, Malformed),
    ],
)
def test_it_refuses_in_one_sentence(changes, error):
    with pytest.raises(error) as refusal:
        parse(**changes)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"id":"\xff"}', b"[" * 4000])
def test_it_refuses_what_is_no_json_object(body):
    with pytest.raises(Malformed):
        Decision.parse(body, known, read)


def test_a_change_belongs_to_the_subject_of_the_token_that_it_follows():
    decision = parse(previous="genuine", allow=[])
    assert decision.subject == "subject"
    assert decision.before == 4


@pytest.mark.parametrize(("now", "kind"), [(1099, "change"), (1100, "renewal")])
def test_after_expiry_it_is_a_renewal(now, kind):
    assert parse(previous="genuine").kind(now) == kind


def test_after_a_new_revision_it_is_a_renewal():
    older = Notice.of({**NOTICE.content, "revision": 3})
    decision = Decision(ID, 1, older, "save", read("genuine"))
    assert decision.kind(200) == "renewal"


def test_a_refusal_names_nobody_and_only_the_hour():
    consent = consent_of(NOTICE, 0, 7205, "subject", ID)
    assert (consent.sub, consent.jti, consent.at, consent.exp) == (None, None, 7200, 8200)


def test_a_consent_names_subject_and_decision():
    consent = consent_of(NOTICE, 6, 7205, "subject", ID)
    assert (consent.sub, consent.jti, consent.at, consent.allow) == ("subject", ID, 7205, ["analytics", "marketing"])


def test_necessary_is_always_allowed_and_other_names_are_an_error():
    consent = consent_of(NOTICE, 2, 0, "s", ID)
    assert [consent.allows(c) for c in ("necessary", "functional", "analytics", "marketing")] == [1, 0, 1, 0]
    with pytest.raises(UnknownCategory):
        consent.allows("statistics")


@pytest.mark.parametrize(
    ("kind", "allow", "before", "names"),
    [
        ("first", 0, 0, {"first0"}),
        ("renewal", 7, 2, {"renewal7"}),
        ("change", 7, 0, {"changes"}),
        ("change", 1, 7, {"changes", "withdrawals", "withdrawn_analytics", "withdrawn_marketing"}),
    ],
)
def test_it_counts_in(kind, allow, before, names):
    counted = columns(kind, allow, before)
    assert set(counted) == names
    assert len(counted) == len(names)
    assert names <= set(COLUMNS)


def test_the_identity_of_an_entry_outlives_its_erasure():
    entry = Entry(0, 1, 0, "first", 2, 0, "save", "phone", "AZ", NOTICE.hash, ID, ID, b"signature")
    erased = Entry(0, 1, 0, "first", 2, 0, "save", "phone", "AZ", NOTICE.hash, erased=entry.identity())
    assert erased.identity() == entry.identity()
    assert (
        entry.identity() != Entry(0, 1, 0, "first", 2, 0, "save", "phone", "AZ", NOTICE.hash, ID, ID, b"x").identity()
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", ("az", "", False)),
        (b'{"lang":"en"}', ("en", "", False)),
        (b'{"lang":"en","variant":"","signal":"gpc"}', ("en", "", True)),
        (b'{"lang":"en","signal":null}', ("en", "", False)),
        (b'{"notice":"%s"}' % NOTICE.hash.encode(), ("az", "b", False)),
    ],
)
def test_a_banner_shown_tells_language_variant_and_whether_there_was_a_signal(body, found):
    assert shown_in(body, SITE, known) == (*found, None)


def test_a_signal_is_not_counted_where_the_shop_does_not_heed_it():
    assert shown_in(b'{"signal":"gpc"}', replace(SITE, gpc=False), known) == ("az", "", False, None)


@pytest.mark.parametrize(
    "body", [b"x", b'{"lang":"xx"}', b'{"notice":"none"}', b'{"who":"me"}', b'{"signal":"dnt"}', b'{"signal":true}']
)
def test_a_banner_shown_is_refused(body):
    with pytest.raises((Malformed, UnknownNotice)):
        shown_in(body, SITE, known)


def test_a_banner_shown_tells_which_of_the_variants():
    tried = replace(SITE, variants=(Variant("a", 1, None, {}), Variant("b", 1, None, {})))
    assert shown_in(b'{"lang":"az","variant":"b"}', tried, known) == ("az", "b", False, None)
    assert shown_in(b"", tried, known) == ("az", "a", False, None)
    with pytest.raises(Malformed):
        shown_in(b'{"variant":"c"}', tried, known)
