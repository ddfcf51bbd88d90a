"""Each kind of refusal has a type of its own, in one shape (RFC 9457)."""

import importlib
import pkgutil
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from conftest import Clock, Shopper, closing
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import consent_server
from consent_server import create_app
from consent_server.settings.rows import SettingsError
from consent_server.site import ConsentError
from consent_server.store.connection import clock as store_clock
from consent_server.web.problems import RETRY_SECONDS, STATUS

AT = "/v1/smartmarket"


@dataclass
class Asking:
    """Somebody who does everything wrong, on a server that things go wrong with."""

    app: Flask
    client: FlaskClient
    shopper: Shopper
    other_shopper: Shopper
    marketer: FlaskClient
    other_marketer: FlaskClient
    clock: Clock

    def get(self, path: str, token: str = "") -> TestResponse:
        return self.client.get(path, headers={"Authorization": f"Bearer {token}"})

    def token(self, shopper: Shopper, *allow: str) -> str:
        return str(shopper.decide(*allow).get_json()["token"])

    def expired(self) -> TestResponse:
        token = self.token(self.shopper, "analytics")
        self.clock.pass_by(400 * 86400)
        return self.get(f"{AT}/me", token)

    def used_twice(self) -> TestResponse:
        name = secrets.token_urlsafe(16)
        self.shopper.decide("analytics", id=name)
        self.shopper.token = None
        return self.shopper.decide("marketing", id=name)

    def replaced(self) -> TestResponse:
        token = self.token(self.shopper, "analytics")
        self.shopper.decide("marketing")
        return self.shopper.decide(previous=token)

    def too_often(self) -> TestResponse:
        services = self.app.extensions["consent"]
        self.app.extensions["consent"] = replace(services, settings=replace(services.settings, client_limit=1))
        self.shopper.decide()
        return self.shopper.decide()

    def ready(self, layout: bytes) -> TestResponse:
        redis = self.app.extensions["consent"].store.connection.client
        redis.set("consent:layout", layout)
        return self.get("/readyz")

    def written(self, key: str, field: str, content: str, path: str, **decided: str) -> TestResponse:
        redis = self.app.extensions["consent"].store.connection.client
        redis.hset(f"consent:{{{self.shopper.site.id}}}:{key}", field, content)
        return self.shopper.decide(**decided) if decided else self.get(path)

    def away(self) -> TestResponse:
        services = self.app.extensions["consent"]
        app = create_app(replace(services.settings, redis_url="redis://127.0.0.1:1"), services.sites)
        with closing(app.extensions["consent"].store):
            return Shopper(app.test_client(), self.shopper.site).decide()

    def apart(self) -> TestResponse:
        services = self.app.extensions["consent"]  # its clock stands still, Redis' does not
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store_clock, "LEEWAY", 60_000)
            app = create_app(services.settings, services.sites)
        with closing(app.extensions["consent"].store):
            return Shopper(app.test_client(), self.shopper.site).decide()

    def bot(self) -> TestResponse:
        self.shopper.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (compatible; Googlebot/2.1)"
        return self.shopper.decide()

    def from_a_page(self) -> TestResponse:
        services = self.app.extensions["consent"]
        site = replace(self.shopper.site, accounts=True)
        self.app.extensions["consent"] = replace(services, sites={**services.sites, site.id: site})
        return self.client.post(f"{AT}/account", headers={"Origin": site.origins[0]})

    def broken(self) -> TestResponse:
        self.app.extensions["consent"] = replace(self.app.extensions["consent"], limits=None)
        return self.shopper.decide()


REFUSALS = {
    "malformed": lambda it: it.shopper.post("{}"),
    "bad-question": lambda it: it.marketer.get(f"{AT}/rates?by=mood"),
    "bad-token": lambda it: it.get(f"{AT}/me", "no.token"),
    "expired-token": Asking.expired,
    "foreign-token": lambda it: it.get(f"{AT}/me", it.token(it.other_shopper, "analytics")),
    "not-known": lambda it: it.get(f"{AT}/rates"),
    "foreign-origin": lambda it: it.shopper.post("{}", origin="https://evil.example"),
    "known-bot": lambda it: it.bot(),
    "not-allowed": lambda it: it.get(f"{AT}/allows/analytics"),
    "not-yours": lambda it: it.other_marketer.get(f"{AT}/rates"),
    "unknown-site": lambda it: it.get("/v1/nobody/notice"),
    "no-such-notice": lambda it: it.get(f"{AT}/notice?lang=fr"),
    "other-content": Asking.used_twice,
    "previous-replaced": Asking.replaced,
    "too-large": lambda it: it.shopper.post(" " * 5000),
    "previous-refused": lambda it: it.shopper.decide(previous="no.token"),
    "unknown-category": lambda it: it.shopper.decide("everything"),
    "unknown-notice": lambda it: it.shopper.decide(notice="of-somebody-else"),
    "too-many": Asking.too_often,
    "no-accounts": lambda it: it.client.post(f"{AT}/account"),
    "not-for-pages": Asking.from_a_page,
    "clocks-apart": Asking.apart,
    "store-away": Asking.away,
    "wrong-layout": lambda it: it.ready(b"of the future"),
    "no-seals": lambda it: it.get(f"{AT}/seals?format=checkpoint&old=5"),
    "unproven": lambda it: it.written("seals", "2026-11-20", "of nobody", f"{AT}/seals"),
    "forged-notice": lambda it: it.written("notices", "A" * 22, "{}", f"{AT}/me/receipt", notice="A" * 22),
}
"""The call that meets each kind of refusal."""

ON_A_PAGE = {"foreign-form"}
"""Kinds that only forms meet, which are answered with a page."""

OF_COMMANDS = {
    *("CannotWrite", "Damaged", "Exists", "InUse", "NoValkey", "NotEmpty", "NothingToExport", "SettingsError"),
    *("TooOld", "Archived", "ArchiveMissing", "NotShowable", "UnknownKey", "NotStamped", "NotCosigned"),
    *("NoBrowser", "NotReached", "NoReport", "NoCookieDatabase", "UnknownService", "MissingWords"),
    *("UnknownCursor", "NoWebhookSecret", "NotTaken", "NotSent", "TakesRestart"),
}
"""Errors that end a command or the server's start, or are of work that no request waits for."""

OF_HTTP = {
    "not-found": (404, lambda it: it.get("/nowhere")),
    "method-not-allowed": (405, lambda it: it.client.put(f"{AT}/decisions")),
    "internal-error": (500, Asking.broken),
}


def test_every_kind_of_refusal_is_met_below():
    assert REFUSALS.keys() | ON_A_PAGE == STATUS.keys()


def test_every_error_that_can_reach_http_has_a_status():
    for module in pkgutil.walk_packages(consent_server.__path__, "consent_server."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(error: type[ConsentError]) -> Iterator[type[ConsentError]]:
        for each in error.__subclasses__():
            yield from (each, *below(each))

    ours = {each for each in below(ConsentError) if each.__module__.startswith("consent_server.")}
    assert len(ours) > 20
    assert {each.__name__ for each in ours if each.problem not in STATUS} == OF_COMMANDS


def test_a_decision_is_said_to_be_refused_by_a_store_of_another_version(app, shopper):
    app.extensions["consent"].store.connection.client.set("consent:layout", "of the future")
    app.extensions["consent"].store.connection._first.is_over = False
    assert "/problems/wrong-layout" in described(app, shopper.decide())


@pytest.mark.parametrize("kind", [*REFUSALS, *OF_HTTP])
def test_a_refusal_says_its_kind_in_one_shape(kind, app, client, shopper, other_site, marketer, other_marketer, clock):
    other_shopper = Shopper(app.test_client(use_cookies=False), other_site)
    status, refused = OF_HTTP.get(kind) or (STATUS[kind], REFUSALS[kind])
    answer = refused(Asking(app, client, shopper, other_shopper, marketer, other_marketer, clock))
    content = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    assert content.keys() == {"type", "title", "status", "detail"}
    assert (content["type"], content["status"]) == (f"/problems/{kind}", status)
    assert content["detail"].endswith((".", "?"))
    assert answer.headers["X-Request-ID"]
    assert answer.headers.get("Retry-After") == RETRY_SECONDS.get(status)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert answer.headers["Cache-Control"] == "no-store"
    if kind in REFUSALS:
        assert f"/problems/{kind}" in described(app, answer)


def described(app: Flask, answer: TestResponse) -> list[str]:
    """Return the kinds of refusal that the description of a call names for a status."""
    said = app.test_client().get("/openapi.json").get_json()
    asked = answer.request
    (rule, _) = app.url_map.bind("").match(asked.path, asked.method, return_rule=True)
    call = said["paths"][re.sub("<(.*?)>", r"{\1}", rule.rule)][asked.method.lower()]
    name = call["responses"][str(answer.status_code)]["$ref"].rpartition("/")[2]
    schema = said["components"]["responses"][name]["content"]["application/problem+json"]["schema"]
    kind = schema["allOf"][1]["properties"]["type"]
    return [kind["const"]] if "const" in kind else list(kind["enum"])


@pytest.mark.parametrize("path", ["/assets/nope.1.js", "/assets/marketer.1.txt", "/v1/", "/%00", "/healthz/"])
def test_an_address_that_there_is_not_is_told_in_the_same_shape(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("path", ["/healthz", "/", "/consen/healthz"])
def test_an_address_beside_the_prefix_is_told_in_the_same_shape(app, path):
    services = app.extensions["consent"]
    below = create_app(replace(services.settings, prefix="/consent"), services.sites)
    with closing(below.extensions["consent"].store):
        assert below.test_client().get("/consent/healthz").status_code == 200
        answer = below.test_client().get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json()["type"] == "/problems/not-found"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_error_that_only_commands_should_meet_is_no_answer(app, client, monkeypatch):
    def at_fault():
        raise SettingsError("the file /etc/shop/consent.toml is wrong")

    monkeypatch.setitem(app.view_functions, "health.healthz", at_fault)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()["type"]) == (500, "/problems/internal-error")
    assert "/etc" not in answer.text
