"""What a browser shows as a page is one in its reader's language, whoever refused it; programs get problem details."""

import io
from dataclasses import replace

import pytest
from forms import form_word

from consent_server.web.marketer.words import LANGUAGES, Words

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def said(answer, lang, key):
    assert answer.mimetype == "text/html", answer.text
    assert f'<html lang="{lang}"' in answer.text
    assert f"<p>{Words.of(lang)(key)}</p>" in answer.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_refused_on_a_page_is_said_on_one_in_the_language_of_its_reader(marketer, site, lang):
    own = {"form": form_word(marketer.get("/").text), "site": site.id}
    asked = {"query_string": {"lang": lang}, "headers": PAGE}
    foreign = marketer.post("/notes", data={**own, "form": "0" * 64}, **asked)
    assert foreign.status_code == 403
    said(foreign, lang, "refused_form")
    elsewhere = {"query_string": {"lang": lang}, "headers": {**PAGE, "Origin": "https://evil.example"}}
    said(marketer.post("/logout", data=own, **elsewhere), lang, "refused_form")
    for path in ("/login", "/notes", "/links", "/keys", "/password"):
        large = marketer.post(path, data={"file": (io.BytesIO(b"x" * 20_000), "x")}, **asked)
        assert large.status_code == 413
        said(large, lang, "refused_413")
    typed = marketer.get("/logout", **asked)
    assert (typed.status_code, "POST" in typed.headers["Allow"]) == (405, True)
    said(typed, lang, "refused_other")


def test_what_breaks_on_a_page_is_said_on_one_and_logged(app, marketer, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(app.extensions["consent"].store.marketers, "links", broken)
    answer = marketer.get("/links?site=smartmarket&lang=az", headers=PAGE)
    assert answer.status_code == 500
    said(answer, "az", "refused_500")
    assert answer.headers["X-Request-ID"]
    assert "a fault of ours" in caplog.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", None])
def test_a_program_gets_problem_details(marketer, accept):
    headers = {"Accept": accept} if accept else {}
    large = marketer.post("/notes", data={"file": (io.BytesIO(b"x" * 20_000), "x")}, headers=headers)
    assert (large.status_code, large.mimetype) == (413, "application/problem+json")
    assert marketer.get("/logout", headers=headers).mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/v1/smartmarket/rates?by=x", "/v1/nowhere/rates.csv", "/nowhere", "/v1/smartmarket/me"]
)
def test_what_is_no_page_of_ours_is_answered_as_to_a_program(marketer, path):
    assert marketer.get(path, headers=PAGE).mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/metrics", "/openapi.json", "/shared//x", "/v1//smartmarket/rates", "/assets//marketer.1.css"],
)
def test_nor_is_what_is_for_operators_whatever_the_method(marketer, path):
    refused = marketer.post(path, headers=PAGE)
    assert (refused.status_code, refused.mimetype) == (405, "application/problem+json")


@pytest.mark.parametrize("where", ["rates.example", "none"])
def test_on_another_host_there_is_no_page_that_could_be_refused(app, marketer, where):
    services = app.extensions["consent"]
    app.extensions["consent"] = replace(services, settings=replace(services.settings, marketers=where))
    for path in ("/", "/logout", "/links"):
        assert marketer.get(path, headers=PAGE).mimetype == "application/problem+json"
