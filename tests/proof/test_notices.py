"""Words that hold: a notice is held against its hash wherever it is read, and nothing in it runs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner
from conftest import ROOT, SECRET, closing
from filled_log import KEYS, NOW, fill, shop
from playwright.sync_api import expect

from consent_server.banner.scripts import build_scripts
from consent_server.cli.log import log as log_command
from consent_server.cli.serving.chores import Chores
from consent_server.cli.shopper import export_shopper
from consent_server.decision import Decision
from consent_server.proof import log as proof
from consent_server.proof.entries import Unproven
from consent_server.settings.environment import Settings
from consent_server.settings.sound import Configuration
from consent_server.site import Notice
from consent_server.store import ForgedNotice, Store
from consent_server.verify import Failed, verify

assert shop


@pytest.fixture
def store(on_valkey):
    return on_valkey


@pytest.fixture
def environment(valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    monkeypatch.setenv("CONSENT_SECRET", SECRET)


def forge(store, site, notice, text=None):
    """Write other words under the hash of a notice."""
    key = f"consent:{{{site.id}}}:notices"
    content = json.loads(store.connection.client.hget(key, notice))
    content["words"] = {**content["words"], "text": "We sell what you look at to everybody."}
    store.connection.client.hset(key, notice, json.dumps(content) if text is None else text)


@pytest.mark.parametrize("text", [None, "no json", "[]", "\xff", "[" * 50_000, '{"site": "another"}'])
def test_other_words_under_its_hash_are_neither_sealed_nor_exported(store, shop, text):
    (notice,) = {consent.notice for consent in fill(store, shop, 10)}
    forge(store, shop, notice, text)
    fresh = Store(store.url, 5)  # which has not served it
    for read in (
        lambda: fresh.notices.find(shop, notice),
        lambda: fresh.notices.all(shop),
        lambda: fresh.notices.starting_with(shop, notice[:8]),
        lambda: proof.seal(fresh, shop, KEYS, NOW),
        lambda: list(proof.export(fresh, shop, KEYS, None, NOW.date(), NOW)),
    ):
        with pytest.raises(ForgedNotice, match=f"The notice {notice} of shop was changed in the store"):
            read()
    assert fresh.log.seals(shop) == {}
    fresh.close()


@pytest.mark.parametrize("content", [[], 5, {"site": "shop"}, {"site": "shop", "lang": 1, "variant": 2, "revision": 3}])
def test_what_is_no_notice_is_none_whatever_it_hashes_to(store, shop, content):
    notice = Notice.of(content)
    store.connection.client.hset("consent:{shop}:notices", notice.hash, json.dumps(content))
    with pytest.raises(ForgedNotice):
        store.notices.find(shop, notice.hash)


LIKE_ONE = {"site": "shop", "lang": "az", "variant": "", "revision": 1, "keep": 100}


@pytest.mark.parametrize(
    "more", [{"words": {"text": "a" * 4_000_000}}, {"x": 1e16}, {"x": 1e-7}], ids=["too long", "large", "small"]
)
def test_words_of_which_whoever_verifies_finds_another_hash_or_that_are_too_long_are_not_exported(store, shop, more):
    """The attack: an export that is made and does not verify looks like one that the operator has changed."""
    fill(store, shop, 3)
    notice = Notice.of({**LIKE_ONE, **more})
    store.connection.client.hset("consent:{shop}:notices", notice.hash, msgspec.json.encode(notice.content))
    assert store.notices.find(shop, notice.hash)
    with pytest.raises((ForgedNotice, proof.CannotWrite), match=r"others find another hash|of which 4000000 are read"):
        list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))


def test_who_serves_a_notice_puts_its_words_right(store, shop):
    (hashed,) = {consent.notice for consent in fill(store, shop, 10)}
    served = store.notices.find(shop, hashed)
    forge(store, shop, hashed)
    fresh = Store(store.url, 5)
    fresh.notices.serve(shop, [served])
    assert Store(store.url, 5).notices.find(shop, hashed).content == served.content
    assert len(proof.seal(fresh, shop, KEYS, NOW)) == 2
    fresh.close()


def test_words_that_a_failover_lost_are_put_back_before_their_days_are_sealed(store, shop):
    (notice,) = {consent.notice for consent in fill(store, shop, 10)}
    store.connection.client.delete(f"consent:{{{shop.id}}}:notices")
    assert len(proof.seal(store, shop, KEYS, NOW)) == 2
    assert store.notices.all(shop)[notice].hash == notice


def test_words_that_the_store_has_lost_are_put_back_by_the_server_and_an_erasure_meanwhile_is_stated(
    shopper, app, redis_url, site
):
    """As `serve` runs: shoppers are answered by one process, and days are sealed by another."""
    shopper.decide("analytics")
    store, keys = app.extensions["consent"].store, app.extensions["consent"].keys
    (hashed,) = {entry.notice for entry in store.history.of(site, keys.read(shopper.token, site.id).sub)}
    store.connection.client.delete(f"consent:{{{site.id}}}:notices")
    headers = {"Authorization": f"Bearer {shopper.token}"}
    assert shopper.client.delete(f"/v1/{site.id}/me", headers=headers).get_json()["erased"] == 1
    (left,) = store.erasures.between(site, date(2020, 1, 1), date(2099, 1, 1))
    assert left.statement
    settings = Settings(secret=(SECRET,), redis_url=redis_url, config=ROOT / "consent.toml")
    chores = Chores(Configuration.of(settings))
    with closing(chores._store):
        assert proof.seal(chores._store, site, keys, datetime.now(UTC) + timedelta(2))
    assert store.notices.all(site)[hashed].hash == hashed


@pytest.mark.parametrize("where", ["before the days", "within the day"])
def test_words_that_are_first_asked_while_an_export_is_made_are_left_to_the_next_one(store, shop, where):
    fill(store, shop, 40)
    proof.seal(store, shop, KEYS, NOW)
    asked = {"site": "shop", "revision": 2, "keep": 10_000, "lang": "az", "variant": "", "words": {"title": "Yeni"}}
    newer, lines, days = Notice.of(asked), [], []
    for line in proof.export(store, shop, KEYS, None, NOW.date(), NOW):
        lines.append(line)
        last = json.loads(line)
        is_now = last["type"] == "day" if where == "before the days" else days and last["type"] == "entry"
        days += [last] * (last.get("day") == str(NOW.date()))
        if is_now and newer.hash not in store.notices.all(shop):
            store.notices.serve(shop, [newer])
            for n in range(12):
                decision = Decision(f"decision-of-new-words-{n}", 2, newer, "save", None)
                store.decisions.record(shop, decision, now=int(NOW.timestamp()) * 1000, sign=KEYS.sign)
    older = verify(lines, KEYS.jwks())
    assert older.entries == 40
    later = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
    assert verify(later, KEYS.jwks(), lines).entries == 52


def test_a_sealed_day_whose_words_are_gone_is_not_exported(store, shop):
    fill(store, shop, 10)
    proof.seal(store, shop, KEYS, NOW)
    store.connection.client.delete(f"consent:{{{shop.id}}}:notices")
    with pytest.raises(Unproven, match=r"answers the notice .*, which is missing"):
        list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))


def test_an_export_with_other_words_fails(store, shop):
    fill(store, shop, 10)
    lines = list(proof.export(store, shop, KEYS, None, NOW.date(), NOW))
    (number,) = [n for n, line in enumerate(lines) if json.loads(line)["type"] == "notice"]
    line = json.loads(lines[number])
    line["content"]["words"]["title"] = "We sell what you look at to everybody."
    lines[number] = json.dumps(line).encode()
    with pytest.raises(Failed, match=f"Line {number + 1}: the notice '{line['hash']}' was edited"):
        verify(lines, KEYS.jwks())


def test_no_receipt_and_no_history_repeats_words_that_were_never_asked(shopper, app, redis_url, site, monkeypatch):
    """After an update the old notice is not served any more, and comes out of the store."""
    shopper.decide("analytics")
    store, keys = app.extensions["consent"].store, app.extensions["consent"].keys
    subject = keys.read(shopper.token, site.id).sub
    notice = store.history.of(site, subject)[0].notice
    forge(store, site, notice)
    store.notices._served.clear()  # as after a start with other words
    for path in ("me", "me/receipt"):
        refused = shopper.get(path)
        assert refused.status_code == 503
        assert refused.get_json()["type"] == "/problems/forged-notice"
        assert "We sell" not in refused.text
    with monkeypatch.context() as patch:  # as where the index of the shopper's answers was changed too
        patch.setattr(store.history, "newest", lambda *_: store.notices.find(site, notice))
        assert shopper.get("allows/analytics").status_code == 403, "of another status nginx makes a 500"
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("CONSENT_CONFIG", str(ROOT / "consent.toml"))
    held = CliRunner().invoke(export_shopper, [site.id, subject])
    assert held.exit_code == 2
    assert "was changed in the store" in held.stderr
    printed = CliRunner().invoke(log_command, ["notice", notice])
    assert printed.exit_code == 2
    assert "was changed in the store" in printed.stderr


RUNS = "document.documentElement.dataset.ran = 1"
BREAKS_OUT = f'"><img src=x onerror="{RUNS}"></title></pre></script><script>{RUNS}</script>'


def with_payload(content, where):
    """Return what a shop asks with something that runs in one of its fields."""
    if where == "words":
        return {**content, "words": {name: words + BREAKS_OUT for name, words in content["words"].items()}}
    if where == "cookies":
        cookie = dict.fromkeys(("name", "provider", "purpose", "life"), BREAKS_OUT)
        return {**content, "cookies": {category: [cookie] for category in content["categories"]}}
    if where == "theme":
        return {**content, "theme": {**content["theme"], "accent": f"red}}</style><script>{RUNS}</script>"}}
    return {**content, where: f"javascript:{RUNS}" if where == "policy_url" else content[where] + BREAKS_OUT}


def shown(store, site, content, tmp_path):
    """Write a notice into the store, under its hash, and have it shown as it was."""
    notice = Notice.of(content)
    store.connection.client.hset(f"consent:{{{site.id}}}:notices", notice.hash, json.dumps(content))
    file = tmp_path / "banner.html"
    return CliRunner().invoke(log_command, ["notice", notice.hash, "--html", str(file)]), file


@pytest.fixture
def asked(site):
    """What the demo's shop asks."""
    return dict(build_scripts(site).notices["az"][0].content)


@pytest.mark.troubles("Content Security Policy")  # it wants to count that it was shown
def test_a_notice_is_shown_as_the_banner_that_it_was(store, site, asked, environment, tmp_path, page):
    result, file = shown(store, site, asked, tmp_path)
    assert "by the very scripts" in result.stdout
    page.goto(file.as_uri())
    expect(page.get_by_role("button", name=asked["words"]["accept"])).to_be_visible()
    expect(page.get_by_text(asked["words"]["title"]).last).to_be_visible()


@pytest.mark.troubles("Content Security Policy")
@pytest.mark.parametrize("where", ["lang", "name", "layout", "policy_url", "words", "cookies", "theme", "variant"])
def test_nothing_in_a_notice_runs(store, site, asked, environment, tmp_path, page, where):
    result, file = shown(store, site, with_payload(asked, where), tmp_path)
    if result.exit_code == 2 and where in ("lang", "layout", "theme"):
        assert "can be printed only" in result.stderr
        assert not file.exists()
        return
    assert result.exit_code == 0, result.output
    page.goto(file.as_uri())
    expect(page.locator("pre")).to_contain_text('"site": "smartmarket"')
    if where in ("words", "cookies", "policy_url"):
        expect(page.locator("[data-ask] button").first).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    if where == "policy_url":
        page.locator("[data-ask] a").first.click()
    assert page.evaluate("document.documentElement.dataset.ran ?? null") is None


class TakenMeanwhile(list):
    """A list that another thread empties as soon as somebody has looked whether there is anything in it."""

    def __len__(self):
        many = super().__len__()
        self.clear()
        return many


def test_words_that_another_thread_wrote_meanwhile_are_nothing_to_fail_for(store, shop):
    store.notices._unwritten = TakenMeanwhile([(shop, [], None)])
    store.notices.write(shop)
