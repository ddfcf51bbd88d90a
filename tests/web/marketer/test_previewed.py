"""The preview for marketers: their shops alone, behind their login, for as long as they are logged in."""

import re
from dataclasses import replace

import pytest
from conftest import ROOT, closing

from consent_server import create_app
from consent_server.tokens import token
from consent_server.web.marketer.session import hash_password
from consent_server.web.preview import create_preview

FRAME = "frames/smartmarket/light/first/az/?variant="
PASSWORD = "a long enough password"


@pytest.fixture
def file(tmp_path):
    """What the file says now, of two shops."""
    path = tmp_path / "consent.toml"
    own = (ROOT / "consent.toml").read_text("utf-8")
    path.write_text(own + own[own.index("[sites.") :].replace("sites.smartmarket", "sites.kitab"), "utf-8")
    return path


@pytest.fixture(params=["", "/consent"], ids=["on a host of its own", "under a prefix"])
def enter(request, settings, site, other_site, file):
    """Logs somebody in who may read the rates of a shop; gives their window, and the address that they are handed."""
    prefix = request.param
    app = create_app(replace(settings, config=file, prefix=prefix), {it.id: it for it in (site, other_site)})

    def go(shop):
        app.extensions["consent"].store.marketers.add(shop.id, hash_password(PASSWORD), [shop.id])
        window = app.test_client()
        assert window.post(f"{prefix}/login", data={"name": shop.id, "password": PASSWORD}).status_code == 303
        handed = window.get(f"{prefix}/preview?site={shop.id}")
        assert handed.status_code == 303
        return window, handed.headers["Location"].partition("?")[0]

    with closing(app.extensions["consent"].store):
        yield go


def test_a_marketer_sees_what_the_file_says_of_their_shop_and_of_no_other(enter, site):
    window, address = enter(site)
    page = window.get(address).text
    assert "SmartMarket" in page
    assert set(re.findall(r'src="frames/(\w+)/', page)) == {"smartmarket"}
    assert window.get(address + FRAME).status_code == 200
    unknown = window.get(address + FRAME.replace("smartmarket", "kitab"))
    assert (unknown.status_code, unknown.mimetype) == (404, "application/problem+json")
    assert window.get(address + "version").json["version"]


def test_the_frames_which_send_no_cookie_get_their_scripts(enter, site):
    window, address = enter(site)
    frame = window.get(address + FRAME)
    assert "sandbox allow-scripts" in frame.headers["Content-Security-Policy"]
    base = re.search(r'data-base="([^"]+)"', frame.text)[1]
    assert base.startswith(address)
    stranger = window.application.test_client()
    script = stranger.get(base + "details.az.0.js")
    assert (script.status_code, script.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert stranger.post(base + "decisions").status_code == 204


def test_what_is_not_there_is_refused_as_everywhere_with_problem_details(enter, site, file):
    window, address = enter(site)
    alone = create_preview(file).test_client()
    refused = [
        *(
            window.get(address + path)
            for path in ("nope", FRAME.replace("smartmarket", "kitab"), "files/x/light/0/x.az.0.js")
        ),
        *(window.post(address + "version"), alone.get("/nope"), alone.get("/", base_url="http://rebound.example")),
    ]
    said = [(each.status_code, each.mimetype, each.json["status"]) for each in refused]
    problem = "application/problem+json"
    assert said == [(status, problem, status) for status in (404, 404, 404, 405, 404, 403)]
    assert "GET" in refused[3].allow
    assert refused[-1].json["detail"].startswith("The preview is for this machine alone")


def test_nobody_enters_without_a_login_and_the_address_ends_with_the_session(enter, site):
    window, address = enter(site)
    prefix = address.partition("/preview/")[0]
    stranger = window.application.test_client()
    assert stranger.get(f"{prefix}/preview").headers["Location"] == f"{prefix}/"
    other = window.application.extensions["consent"].keys
    consent = token(said := {"site": site.id, "session": "x"}, other.sign(said))
    for made_up in (f"{prefix}/preview/x/", f"{address[:-3]}xx/", f"{prefix}/preview/{consent}/"):
        assert stranger.get(made_up).headers["Location"] == f"{prefix}/preview"
        assert stranger.get(made_up + FRAME).status_code == 404
    form = re.search(r'name="form" value="([^"]+)"', window.get(f"{prefix}/").text)[1]
    assert window.post(f"{prefix}/logout", data={"form": form}).status_code == 303
    assert window.get(address).headers["Location"] == f"{prefix}/preview"
    assert window.get(address + FRAME).status_code == 404


def test_what_is_wrong_with_the_file_is_told_to_the_operator_alone(enter, site, file):
    """It may name what stands in another shop's part, also in that of one that is new."""
    window, address = enter(site)
    assert 'role="alert"' not in window.get(address).text
    file.write_text(file.read_text("utf-8").replace("[sites.kitab]", "[sites.kitab]\nsecret_plan = 1", 1), "utf-8")
    page = window.get(address).text
    assert 'role="alert"' in page
    assert "secret_plan" not in page
    assert str(file.parent) not in page


def test_it_is_where_the_marketers_pages_are(settings, site, file):
    app = create_app(replace(settings, config=file, marketers="rates.example"), {site.id: site})
    with closing(app.extensions["consent"].store):
        asked = app.test_client().get
        assert asked("/preview").status_code == 404
        assert asked("/preview/x/", base_url="http://rates.example").status_code == 303


def test_it_speaks_the_marketers_language(enter, site):
    window, address = enter(site)
    for lang, word in (("az", "Birinci qat"), ("ru", "Первый слой"), ("tr", "İlk katman"), ("en", "First layer")):
        page = window.get(address, headers={"Accept-Language": lang}).text
        assert f'<html lang="{lang}">' in page
        assert word in page


def test_the_rates_page_leads_there(marketer, shopper):
    assert 'href="/preview?site=smartmarket"' in marketer.get("/").text  # and before anybody was asked
    shopper.decide("analytics")
    assert 'href="/preview?site=smartmarket"' in marketer.get("/").text
