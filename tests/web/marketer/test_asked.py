"""How a question is asked: of another shop, days, part or target; and what the page and a file say of it."""

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_marketer import put
from three_answers import TODAY, log_in, three_answers

from consent_server.decision import COLUMNS
from consent_server.rates.compare import Change
from consent_server.rates.filters import FILTERS
from consent_server.rates.report import Report
from consent_server.store.keys import buckets
from consent_server.store.readers.notes import Note
from consent_server.web.marketer.question import ASKED, Question, corrected
from consent_server.web.marketer.session import hash_password
from consent_server.web.marketer.words import LANGUAGES, Words

EN = Words.of("en")


@pytest.fixture
def both(app, site, other_site):
    """The browser of somebody who reads two shops."""
    app.extensions["consent"].store.marketers.add("both", hash_password("both"), [site.id, other_site.id])
    window = app.test_client()
    log_in(window, "both", "both")
    return window


def sent(page, **chosen):
    """Return what a browser without the script sends of the page's form, after these were chosen or typed."""
    form = re.search(r'<form class="asked".*?</form>', page, re.S)[0]
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    for name, options in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', form, re.S):
        fields[name] = re.search(r'value="([^"]*)" selected', options)[1] if " selected" in options else ""
    return {name: html.unescape(value) for name, value in fields.items()} | chosen


def follow(window, **query):
    answer = window.get("/", query_string=query)
    if answer.status_code == 303:
        answer = window.get(answer.headers["Location"])
    return answer


def test_another_shop_is_asked_without_the_part_of_this_one(both, shopper, site):
    three_answers(shopper)
    day = TODAY - timedelta(days=3)
    page = both.get(f"/?site={site.id}&device=desktop&from={day}&to={TODAY}&goal=answer&target=40&lang=en").text
    assert "Show more than Desktop" in page
    answer = both.get("/", query_string=sent(page, site="kitab"))
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (answer.status_code, query["site"], query["goal"], query["target"]) == (303, ["kitab"], ["answer"], ["40%"])
    assert not {*query} & {*FILTERS, "was_site"}
    again = both.get("/", query_string=sent(page))  # the same shop keeps it
    assert again.status_code == 200
    assert "Show more than Desktop" in again.text


def test_today_of_a_shop_further_east_is_today_of_another(site):
    words, today = EN, TODAY
    ahead = today + timedelta(days=1)
    asked = {"site": "west", "was_site": "east", "from": words.day(ahead - timedelta(days=6), year=True)}
    found = corrected({**asked, "to": words.day(ahead, year=True)}, words, "west", today)
    assert (found["from"], found["to"]) == (f"{today - timedelta(days=6)}", f"{today}")
    assert Question.parse(found, words, today).period.days == 7
    for to in (today, ahead + timedelta(days=30), "spring"):  # nothing to mend, and nothing that was meant otherwise
        kept = {**asked, "to": str(to), "from": f"{today - timedelta(days=9)}"}
        assert corrected(kept, words, "west", today) is None
    assert corrected({**asked, "to": f"{ahead}", "was_site": "west"}, words, "west", today) is None


def test_without_the_script_the_comparison_that_was_chosen_last_holds(marketer, shopper):
    three_answers(shopper)
    page = marketer.get("/?lang=en").text
    own = follow(marketer, **sent(page, against_from="1 Jan 2026", against_to="9 Jan 2026"))
    assert "1 Jan – 9 Jan 2026" in own.text
    assert '<option value="" selected>other days</option>' in own.text
    kept = follow(marketer, **sent(own.text, goal="answer"))
    assert "1 Jan – 9 Jan 2026" in kept.text
    for kind, says in (("before", "the 30 days before"), ("year", f"{TODAY.year - 1}")):
        chosen = follow(marketer, **sent(kept.text, against=kind))
        assert "1 Jan – 9 Jan 2026" not in chosen.text
        assert f'<option value="{kind}" selected>' in chosen.text
        assert says in chosen.text
        retyped = follow(marketer, **sent(chosen.text, against_from="2 Jan 2026", against_to="8 Jan 2026"))
        assert "2 Jan – 8 Jan 2026" in retyped.text


@given(st.dictionaries(st.sampled_from(["site", "was_site", "was_against", *ASKED]), st.sampled_from(
    ["a", "b", "before", "year", "", "2026-01-31", "phone", "x"]
)))  # fmt: skip
def test_what_is_settled_is_settled_once(asked):
    site = asked.get("site") or "a"
    found = corrected(asked, EN, site, TODAY)
    if found is not None:
        assert corrected(found, EN, site, TODAY) is None


@pytest.mark.parametrize("wrong", ["target=abc", "device=foo", "country=AZ&device=phone", "from=spring", "against=x"])
def test_what_was_wrong_is_in_no_link_of_the_page(marketer, shopper, site, wrong):
    three_answers(shopper)
    page = marketer.get(f"/?{wrong}&goal=answer&lang=en&site={site.id}")
    assert page.status_code == 400
    links = [html.unescape(link) for link in re.findall(r'href="(/[^"]*)"', page.text)]
    assert f"/links?site={site.id}" in links
    for link in links:
        assert marketer.get(link).status_code < 400, link


@pytest.mark.parametrize("lang", LANGUAGES)
def test_of_a_part_without_anything_it_is_said_that_the_part_has_none(marketer, shopper, lang):
    three_answers(shopper)
    page = marketer.get(f"/?device=tablet&lang={lang}").text
    assert str(Words.of(lang)("quiet_part")) in page
    assert str(Words.of(lang)("quiet")) not in page


def test_a_year_is_compared_with_the_days_before_unless_a_year_earlier_was_asked_for(marketer, app, site):
    put(app, site, TODAY, 1000, 400)
    end = TODAY - timedelta(days=1)
    start = end.replace(year=end.year - 1) + timedelta(days=1) if (end.month, end.day) != (2, 29) else end
    whole = f"from={start}&to={end}"
    for query, kind in ((whole, "before"), (f"{whole}&against=year", "year"), (f"{whole}&against=before", "before")):
        page = marketer.get(f"/?{query}").text
        assert f'<option value="{kind}" selected>' in page
        assert f'name="was_against" value="{kind}"' in page


@pytest.mark.parametrize("target", ["47.5", "48", "0.25"])
def test_a_target_stays_what_was_given(marketer, app, site, target):
    for n in range(3):
        put(app, site, TODAY - timedelta(days=n), 10_000, 4997)
    page = marketer.get(f"/?goal=answer&target={target}&lang=en").text
    assert f'name="target" value="{target}%"' in page
    assert f"Target {target}%</text>" in page
    assert f" {target}%.</p>" in page
    assert follow(marketer, **sent(page)).text.count(f"Target {target}%</text>") == 1


def test_a_target_is_reached_or_missed_only_where_chance_does_not_say_so_too(marketer, app, site):
    put(app, site, TODAY, 10_000, 4997)
    for target, said in (
        ("50", "About at the target, not clearly above or below: the answer rate is 49.97%, the target 50%."),
        ("49", "About at the target, not clearly above or below: the answer rate is 49.97%, the target 49%."),
        ("51", "Target missed: the answer rate is 1.0 points below 51%."),
        ("48.9", "Target reached: the answer rate is 1.1 points above 48.9%."),
    ):
        assert said in marketer.get(f"/?goal=answer&target={target}&lang=en").text


def test_the_file_of_a_part_is_called_after_it(marketer, shopper, site):
    three_answers(shopper)
    for query, name in (
        ("device=desktop&by=language", "smartmarket-desktop-by-language-"),
        ('variant=a"%0d%0a/../%C9%99', "smartmarket-a________-by-day-"),
        ("by=language", "smartmarket-by-language-"),
    ):
        answer = marketer.get(f"/v1/{site.id}/rates.csv?{query}")
        assert re.fullmatch(rf'attachment; filename="{name}[\d-]+\.csv"', answer.headers["Content-Disposition"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_long_period_says_the_year_of_each_day(app, marketer, site, lang):
    for ago in (360, 250, 100, 3):
        put(app, site, TODAY - timedelta(days=ago), 400, 300)
    app.extensions["consent"].store.notes.add(site, Note("sale", TODAY - timedelta(days=3), "Sale"))
    words, first = Words.of(lang), TODAY - timedelta(days=364)
    short = marketer.get(f"/?lang={lang}&from={TODAY - timedelta(days=299)}").text
    assert words.day(TODAY - timedelta(days=5), year=True) + "</text>" not in short
    page = marketer.get(f"/?lang={lang}&from={first}").text
    axis = re.findall(r'<text x="[\d.]+" y="136"[^>]*>([^<]*)</text>', page)
    assert len(axis) == 6
    assert all(re.search(r"\b20\d\d$", day) for day in axis), axis
    rows = re.findall(r"<tr><th>([^<]*)<td>", page)
    assert len(rows) > 52  # a row a week, in each chart
    assert all(re.search(r"\b20\d\d$", day) for day in rows), rows
    assert re.findall(r'<ol class="marks"><li><b>([^<]*)</b>', page) == [
        words.day(TODAY - timedelta(days=3), year=True)
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_rate_of_the_page_says_how_sure_it_is(app, marketer, shopper, site, other_site, lang):
    three_answers(shopper)
    words, page = Words.of(lang), marketer.get(f"/?lang={lang}").text
    funnel = re.search(r'<table class="funnel">.*?</table>', page, re.S)[0]
    assert funnel.count('class="interval"') == funnel.count('class="few"') == 5  # all but the visits themselves
    categories = re.search(r"<section aria-labelledby=.categories.*?</table>", page, re.S)[0]
    assert categories.count(str(words("too_few"))) >= 7  # a category that nobody gave has none to take back
    assert str(words("withdrawal_over")) not in page
    column = re.search(r"<table class=.figures ways.*?</thead>", page, re.S)[0]
    assert f'<th scope="col">{words("share")}</th>' in column
    assert lang == "en" or str(words("share")) != str(words("share_report"))
    # More than was given: of days before.
    at = (TODAY.day - 1) * len(COLUMNS) + COLUMNS.index("withdrawn_analytics")
    bits = app.extensions["consent"].store.connection.client.bitfield(buckets(site)[0].count(f"{TODAY:%Y-%m}"))
    bits.incrby("u32", f"#{at}", 8).execute()
    assert str(words("withdrawal_over")) in marketer.get(f"/?lang={lang}").text


def test_the_headline_of_each_shop_says_how_sure_it_is(both, shopper):
    three_answers(shopper)
    page = both.get("/sites?lang=en").text
    assert re.search(r'20\.0%</p>\s*<p class="meaning">[^<]*<span class="interval">3\.6–62\.4%</span>', page)


def test_the_headlines_of_several_shops_share_one_chance_of_error(both, shopper, monkeypatch):
    three_answers(shopper)
    among = []
    monkeypatch.setattr(Report, "moves", property(lambda report: among.append(report.shops) or {}))
    both.get("/sites")
    assert {*among} == {2}


def test_a_shop_where_nothing_fell_is_not_called_partly_worse(both, shopper, monkeypatch):
    three_answers(shopper)
    moved = {"reach_marketing": Change(0.0, -0.1, 0.1), "answer": Change(0.2, 0.1, 0.3)}
    monkeypatch.setattr(Report, "moves", moved)
    assert "Partly better than in the 30 days before." in both.get("/sites?lang=en").text
    monkeypatch.setattr(Report, "moves", moved | {"grant_analytics": Change(-0.2, -0.3, -0.1)})
    assert "Partly better, partly worse than in the 30 days before." in both.get("/sites?lang=en").text
