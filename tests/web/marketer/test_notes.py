"""The marketer's own notes: on the charts and in the list, for who reads the shop, until they are removed."""

import html
import re
from datetime import timedelta

import pytest
from forms import form_word, post
from three_answers import TODAY, three_answers

from consent_server.web.marketer import notes
from consent_server.web.marketer.words import LANGUAGES, Words

EN = Words.of("en")


def add(marketer, site, text="The autumn sale began", day=TODAY, **fields):
    page = marketer.get(f"/?site={site.id}").text
    return post(marketer, "/notes", page, **{"site": site.id, "day": EN.day(day, year=True), "text": text, **fields})


def test_a_note_is_a_mark_on_the_charts_until_it_is_removed(marketer, shopper, site):
    three_answers(shopper)
    added = add(marketer, site, "<b>Sale</b>  began", asked="goal=answer&lang=en")
    assert (added.status_code, added.headers["Location"]) == (303, f"/?goal=answer&lang=en&site={site.id}#happened")
    page = marketer.get("/").text
    assert f"<b>{EN.day(TODAY)}</b> &lt;b&gt;Sale&lt;/b&gt; began" in page
    assert page.count('<g class="flag"') == 1  # on the visits: lines take three days
    week = marketer.get(f"/?to={TODAY - timedelta(days=1)}").text
    assert "Sale" not in week
    name = re.search(r'name="note" value="([0-9a-f]+)"', page)[1]
    assert post(marketer, "/notes/remove", page, site=site.id, note=name).status_code == 303
    assert "Sale" not in marketer.get("/").text


def test_notes_are_of_one_shop_and_for_its_marketers_alone(marketer, other_marketer, stranger, site, shopper):
    three_answers(shopper)
    add(marketer, site)
    page = other_marketer.get("/").text
    assert "autumn sale" not in page
    for path in ("/notes", "/notes/remove"):
        assert post(other_marketer, path, page, site=site.id, text="x", day="2026-03-01").status_code == 403
        assert marketer.post(path, data={"site": site.id, "form": "0" * 64}).status_code == 403
        assert stranger.post(path, data={"site": site.id}).headers["Location"] == "/"
    assert "autumn sale" in marketer.get("/").text


def test_a_note_with_a_day_that_is_none_is_there_to_be_mended(marketer, site):
    page = marketer.get("/").text
    fields = {"site": site.id, "day": "31.2.2026", "text": 'The "autumn" <sale>', "asked": "goal=answer"}
    refused = post(marketer, "/notes", page, **fields).text
    form = re.search(r'<form class="row".*?</form>', refused, re.S)[0]
    written = {name: html.unescape(value) for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}
    assert {name: written[name] for name in fields} == fields
    again = marketer.post("/notes", data={**written, "day": f"{TODAY:%d.%m.%Y}"})
    assert (again.status_code, again.headers["Location"]) == (303, f"/?goal=answer&site={site.id}#happened")
    [note] = marketer.application.extensions["consent"].store.notes.all(site)
    assert (note.day, note.text) == (TODAY, fields["text"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_no_note_is_refused_in_one_sentence(monkeypatch, marketer, site, lang):
    words, page = Words.of(lang), marketer.get(f"/?lang={lang}").text
    said = {
        ("spring", "x"): words("bad_day", example=words.day(TODAY, year=True)),
        (words.day(TODAY, year=True), " \n"): words("bad_note"),
        ((TODAY + timedelta(days=1)).isoformat(), "x"): words("bad_note_day"),
    }
    for (day, text), sentence in said.items():
        refused = post(marketer, "/notes", page, site=site.id, day=day, text=text)
        assert refused.status_code == 400
        assert str(sentence) in refused.text
    monkeypatch.setattr(notes, "MOST", 0)
    full = post(marketer, "/notes", page, site=site.id, day=TODAY.isoformat(), text="x")
    assert str(words("notes_full", most=words.number(0))) in full.text


def test_a_long_note_is_cut_and_a_quiet_period_has_notes_too(marketer, site):
    assert form_word(marketer.get("/").text)
    add(marketer, site, "x" * 500)
    assert re.search(r"\bx{200}\b", marketer.get("/").text) is None  # nothing was asked yet: the tag is shown instead
    [note] = marketer.application.extensions["consent"].store.notes.all(site)
    assert (note.day, note.text) == (TODAY, "x" * 200)
