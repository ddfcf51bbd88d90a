"""From what happened to a number: through the real script, and by every way that shows one."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from busy_shop import SIGN
from conftest import ROOT, RedisServer
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import structs

from consent_server.banner.scripts import build_scripts
from consent_server.decision import DEVICES, DIMENSIONS, HOW, Consent, Decision
from consent_server.rates import read
from consent_server.rates.counts import Counts, Rate
from consent_server.rates.filters import Filters
from consent_server.rates.period import Period
from consent_server.settings.shops import read_sites
from consent_server.site import OPTIONAL, Site, Variant
from consent_server.site.rules import Rule
from consent_server.store import PLACED, OtherContent, Store

# Through the real script
WHO = st.integers(0, 5)
RULE = st.sampled_from(["", "uk"])
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("shown"), st.sampled_from(["az", "ru"]), st.sampled_from("ab"), st.sampled_from(DEVICES), RULE
        ),
        st.tuples(st.just("answer"), WHO, st.integers(0, 7), st.sampled_from(HOW)),
        st.tuples(st.just("retry"), WHO),
        st.tuples(st.just("duplicate"), WHO, st.integers(0, 7)),
        st.tuples(st.just("days pass"), st.sampled_from([0, 1, 40, 200])),
    ),
    max_size=40,
)


@pytest.fixture(scope="module")
def real(valkey: RedisServer) -> Iterator[tuple[Store, Site]]:
    """The store of a shop that asks in two ways, on a real Valkey."""
    shop = replace(
        read_sites(ROOT / "consent.toml")["smartmarket"],
        variants=(Variant("a", 1, None, {}), Variant("b", 1, None, {})),
        rules=(Rule("uk", ("GB",), {"analytics": "objection"}),),
        buckets=3,
    )
    opened = Store(valkey.url, 5)
    yield opened, shop
    opened.close()


@hypothesis_settings(max_examples=12, deadline=None)
@given(EVENTS)
def test_rates_equal_a_naive_count_of_whatever_happened_and_so_does_the_log(real, valkey, events):
    store, site = real
    with valkey.client() as client:
        client.flushall()
    store.notices.serve(site, [notice for notices in build_scripts(site).notices.values() for notice in notices])
    notices = [notice for notices in build_scripts(site).notices.values() for notice in notices]
    start = datetime(2025, 1, 30, 23, 59, tzinfo=UTC)
    now = start
    last: dict[int, tuple[Decision, Consent, str]] = {}
    naive = {by: defaultdict(list) for by in DIMENSIONS}
    cells = defaultdict(list)

    def note(event, language, variant, device, country, how, rule) -> None:
        for by, value in zip(
            DIMENSIONS, (now.date().isoformat(), language, variant, device, country, how, rule), strict=True
        ):
            naive[by][value].append(event)
        if how is None or what == "answer":
            cells[language, variant, device, rule].append((now.date(), event))

    for n, (what, *how_so) in enumerate(events):
        ms = int(now.timestamp() * 1000)
        if what == "days pass":
            now += timedelta(days=how_so[0], minutes=1)
        elif what == "shown":
            language, variant, device, rule = how_so
            where = {"language": language, "variant": variant, "device": device, "country": "AZ", "rule": rule}
            store.counters.shown(site, now=ms, **where)
            note("shown", language, variant, device, "AZ", None, rule)
        elif what == "answer":
            who, allow, how = how_so
            before = last[who][1] if who in last else None
            device, notice = DEVICES[who % 3], notices[(who + allow) % len(notices)]
            decision = Decision(f"decision-number-{n:05}", allow, notice, how, before)
            kept = store.decisions.record(site, decision, now=ms, sign=SIGN, device=device, country="TR")
            last[who] = decision, kept.consent, device
            kind = "first" if before is None else "renewal" if before.exp <= ms // 1000 else "change"
            was = sum(1 << OPTIONAL.index(category) for category in before.allow) if before else 0
            note((kind, allow, was), notice.lang, notice.variant, device, "TR", how, notice.rule)
        elif how_so[0] in last:
            decision, consent, device = last[how_so[0]]
            if what == "retry":
                again = store.decisions.record(site, decision, now=ms, sign=SIGN, device=device, country="TR")
                assert again.repeat
                assert again.consent == consent
            elif how_so[1] != decision.allow:
                with pytest.raises(OtherContent):
                    store.decisions.record(site, structs.replace(decision, allow=how_so[1]), now=ms, sign=SIGN)

    for by in DIMENSIONS:
        counted = {
            value: Counts(row)
            for value, row in store.counters.counts(site, start.date(), now.date(), by).items()
            if any(row)
        }
        happened = {value: list_of for value, list_of in naive[by].items() if value is not None}
        assert counted.keys() == happened.keys()
        for value, list_of in happened.items():
            answers = [event[1] for event in list_of if event[0] == "first"]
            lost = [was & ~allow for kind, allow, was in (e for e in list_of if e != "shown") if kind == "change"]
            shown = list_of.count("shown")
            given = [allow for kind, allow, _ in (e for e in list_of if e != "shown") if kind != "change"]
            rates = counted[value].rates()
            assert rates["answer"] == Rate(len(answers), shown)
            assert rates["all"] == Rate(answers.count(7), len(answers))
            assert rates["none"] == Rate(answers.count(0), len(answers))
            assert rates["withdrawal"] == Rate(sum(map(bool, lost)), sum(map(bool, given)))
            for bit, category in enumerate(OPTIONAL):
                assert rates[f"grant_{category}"] == Rate(sum(a >> bit & 1 for a in answers), len(answers))
                assert rates[f"reach_{category}"] == Rate(sum(a >> bit & 1 for a in answers), shown)
                gave = sum(a >> bit & 1 for a in given)
                assert rates[f"withdrawal_{category}"] == Rate(sum(mask >> bit & 1 for mask in lost), gave)
    period = Period(start.date(), now.date())
    assert read.recount(store, site, period).differences == []
    for cell in [*cells][:2]:
        for names in ((1,), (0, 2), *([(3,), (2, 3)] if cell[3] else [])):
            only = Filters({PLACED[i]: cell[i] for i in names})
            inside = [it for other in cells for it in cells[other] if all(other[i] == cell[i] for i in names)]
            by_day = read.report(store, site, period, "day", only)
            assert by_day.total.shown == sum(event == "shown" for _, event in inside)
            for day, counts in by_day.rows.items():
                on_it = [event for when, event in inside if when.isoformat() == day and event != "shown"]
                assert counts.answered == sum(kind == "first" for kind, _, _ in on_it)
                assert counts.all == sum((kind, allow) == ("first", 7) for kind, allow, _ in on_it)
            for by in {*only.crossed, "rule"} - {*only}:
                rows = read.report(store, site, period, by, only).rows
                assert {value: counts.shown + counts.answered for value, counts in rows.items()} == {
                    value: sum(
                        event == "shown" or event[0] == "first"
                        for other in cells
                        if all(other[i] == cell[i] for i in names) and other[PLACED.index(by)] == value
                        for _, event in cells[other]
                    )
                    for value in rows
                }


def test_whoever_shows_rates_reads_no_counters_by_itself():
    package = ROOT / "consent_server"
    texts = {str(path.relative_to(package)): path.read_text("utf-8") for path in package.rglob("*.py")}
    shows_rates = {
        name for name, text in texts.items() if re.search(r"^from \.+(rates|read|counts)\b", text, re.MULTILINE)
    }
    assert {"web/health.py", "cli/rates.py", "check/store.py", "chores/housekeeping.py"} <= shows_rates
    by_themselves = {name for name in shows_rates if re.search(r"\bcounters\.(counts|daily)\(", texts[name])}
    assert by_themselves == {"rates/counted.py"}
