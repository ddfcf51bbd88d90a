"""The plug-in for WordPress, without WordPress: which tokens it believes, what it asks the server, its words and files."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile

import generated
import pytest
from conftest import ROOT
from examples import example

from consent_server import __version__
from consent_server.catalogue import services
from consent_server.decision import consent_of
from consent_server.site import Notice
from consent_server.tokens import Keys, token

from .plug_in import ALL, PLUG_IN, SET_UP, needs_php, php

FILES = sorted(PLUG_IN.rglob("*.php"))
VECTORS = json.loads((ROOT / "tests" / "vectors.json").read_text("utf-8"))

pytestmark = needs_php


def test_every_file_is_php_and_runs_only_within_wordpress() -> None:
    assert len(FILES) > 10
    for path in FILES:
        said = subprocess.run(["php", "-n", "-l", path], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout
        assert re.search(r"defined\( '(ABSPATH|WP_UNINSTALL_PLUGIN)' \) \|\| exit;", path.read_text("utf-8")), path


def test_what_it_knows_of_the_catalogue_is_fresh() -> None:
    assert (PLUG_IN / "catalogue.php").read_text("utf-8") == generated.addresses(), "run `make build`"
    waits: dict[str, set[str]] = {}
    for each in services().values():
        for pattern in each.patterns:
            waits.setdefault(pattern, set()).add(each.category)
    shared = {pattern: categories for pattern, categories in waits.items() if len(categories) > 1}
    assert shared == {"www.googletagmanager.com/gtag/*": {"analytics", "marketing"}}, "say in docs/wordpress.md which"
    assert "'www.googletagmanager.com/gtag/*' => 'analytics'" in generated.addresses()


def test_it_is_of_the_version_of_the_server() -> None:
    for path in (PLUG_IN / "consent-server.php", PLUG_IN / "list.php"):
        assert re.findall(r"\d+\.\d+\.\d+", path.read_text("utf-8"))[0] == __version__


@pytest.mark.parametrize("lang", ["az", "ru", "tr"])
def test_it_says_everything_in_each_language(lang: str) -> None:
    code = "".join(path.read_text("utf-8") for path in FILES if path.parent == PLUG_IN)
    said = {*re.findall(r"__\( '([^']+)', 'consent-server' \)", code)}
    words = php(f"echo json_encode(require '{PLUG_IN}/words/{lang}.php');", None, ())
    assert {*words} == said
    for text, translation in words.items():
        assert re.findall(r"%(?:\d\$)?s", translation) == re.findall(r"%(?:\d\$)?s", text), translation


def test_it_believes_the_tokens_that_every_verifier_believes() -> None:
    said = php(
        """foreach ($given['cases'] as $case) {
             if ($case['token'] === null) { continue; }
             $said = signed($case['token'], array_column($given['keys']['keys'], 'x'));
             $holds = $said && holds($said, $given['site'], $case['revision'] ?? 1, $given['now']);
             $all[$case['name']] = $holds ? $said['allow'] : null;
           }
           echo json_encode($all);""",
        VECTORS,
        ALL,
    )
    assert said == {case["name"]: case.get("allow") for case in VECTORS["cases"] if case["token"] is not None}


def test_it_believes_no_answer_to_what_was_asked_before() -> None:
    said = {"typ": "consent", "site": "shop", "exp": 2000, "rev": 2}
    code = "echo json_encode(array_map(function ($rev) use ($given) { return holds($given, 'shop', $rev, 1000); }, [1, 2, 3]));"
    assert php(code, said, ALL) == [True, True, False]


KEYS = Keys(["the secret of the plug-in's tests " * 2])
NOTICE = Notice.of({"site": "shop", "revision": 2, "keep": 100000, "lang": "en", "variant": ""})


def signed(allow: int, at: int, notice: Notice = NOTICE) -> str:
    """Return the token of an answer."""
    consent = consent_of(notice, allow, at, "s" * 22, "d" * 22)
    return token(consent, KEYS.sign(consent))


OLD = Notice.of({**NOTICE.content, "revision": 1})
OTHER = Notice.of({**NOTICE.content, "site": "other"})
YES, LATER, PARTLY, EXPIRED = signed(7, 990_000), signed(1, 990_001), signed(2, 990_000), signed(7, 900_000)
NO, IN_ITS_HOUR, AFTER_IT = signed(0, 990_900), signed(7, 990_800), signed(7, 993_600)

COOKIES = {
    f"a=b; consent={YES}": "functional analytics marketing",
    f'consent="{YES}"': "functional analytics marketing",
    f"consent={YES}; consent={LATER}": "functional",
    f"consent={LATER}; consent={YES}": "functional",
    f"consent={YES}; consent={PARTLY}": "analytics",
    f"consent={NO}; consent={IN_ITS_HOUR}": "",
    f"consent={IN_ITS_HOUR}; consent={NO}": "",
    f"consent={NO}; consent={AFTER_IT}": "functional analytics marketing",
    f"consent=~W10; consent={YES}": "functional analytics marketing",
    f"consent={YES}; consent=~%5B%7B%22allow%22%3A%5B%5D%2C%22site%22%3A%22shop%22%7D%5D": "",
    f"consent=~%5B%7B%22allow%22%3A%5B%5D%2C%22site%22%3A%22other%22%7D%5D; consent={LATER}": "functional",
    f"consent=x; consent={'A' * 40}.{'A' * 86}; consent={LATER}": "functional",
    f"consent={EXPIRED}": "",
    f"consent={signed(7, 990_000, OLD)}": "",
    f"consent={signed(7, 990_000, OTHER)}": "",
    f"myconsent={YES}; consent2={YES}; __Host-consent={YES}": "",
    "consent=": "",
    "": "",
}


def test_of_several_answers_the_newest_counts_and_of_two_at_once_the_stricter() -> None:
    published = {"keys.json": [200, json.dumps(KEYS.jwks())], "notice": [200, json.dumps({"revision": 2})]}
    code = """$answers = $given['answers'];
              foreach ($given['cookies'] as $cookie) {
                $_SERVER['HTTP_COOKIE'] = $cookie;
                $said[$cookie] = implode(' ', array_filter(OPTIONAL, 'consent_allows'));
              }
              echo json_encode([$said, \\consent_allows('necessary'), \\consent_allows('')]);"""
    given = {"answers": published, "cookies": [*COOKIES]}
    assert php(code, given, ALL) == [COOKIES, True, False]
    assert {*php(code, given, ALL, OPTIONS="{}")[0].values()} == {""}
    host = php(code, given, ALL, OPTIONS=json.dumps({**SET_UP, "cookie": "__Host-consent"}))[0]
    assert [cookie for cookie, allowed in host.items() if allowed] == [
        next(each for each in COOKIES if "__Host-" in each)
    ]


def test_a_page_that_asks_what_a_visitor_allows_is_kept_by_no_cache_for_others() -> None:
    code = "$before = defined('DONOTCACHEPAGE'); \\consent_allows('analytics'); echo json_encode([$before, DONOTCACHEPAGE]);"
    assert php(code, None, ALL) == [False, True]


def test_a_service_of_the_wp_consent_api_is_allowed_only_where_its_category_is() -> None:
    published = {"keys.json": [200, json.dumps(KEYS.jwks())], "notice": [200, json.dumps({"revision": 2})]}
    code = """eval('class WP_Consent_API { public static $cookie_info; }');
              \\WP_Consent_API::$cookie_info = new class { function get_service_category(string $service) { return $service; } };
              function add_filter($name, $call) { $GLOBALS['filters'][$name] = $call; }
              function plugin_basename($file) { return $file; }
              const FILE = 'file';
              register_consent_manager();
              $answers = $given['answers'];
              foreach ($given['cookies'] as $cookie) {
                $_SERVER['HTTP_COOKIE'] = $cookie;
                foreach (['statistics', 'marketing', 'functional', 'other'] as $service) {
                  $said[$cookie][] = [$filters['wp_has_service_consent'](true, $service), $filters['wp_has_service_consent'](false, $service)];
                }
              }
              echo json_encode($said);"""
    given = {"answers": published, "cookies": [f"consent={YES}", "consent=", f"consent={PARTLY}"]}
    yes, no = [True, False], [False, False]
    assert php(code, given, (*ALL, "consent-api")) == {
        f"consent={YES}": [yes, yes, yes, no],
        "consent=": [no, no, yes, no],
        f"consent={PARTLY}": [yes, no, yes, no],
    }


ODD = [
    [0, ""],
    [500, "{}"],
    [200, "<html>"],
    [200, "[]"],
    [200, '{"keys": 5}'],
    [200, '{"keys": [{"x": "short"}, {"x": 5}, 5]}'],
]


def test_the_server_is_asked_once_an_hour_and_its_last_good_answer_is_kept() -> None:
    published = {"keys.json": [200, json.dumps(KEYS.jwks())], "notice": [200, json.dumps({"revision": 2})]}
    code = """$answers = $given['answers'];
              $look = function ($again = false) {
                $GLOBALS['asked'] = [];
                $known = known($again);
                return [$known['fault'], count($known['keys']), $GLOBALS['asked'], $GLOBALS['kept'][FRESH][1]];
              };
              $said = [$look(), $look(), $look(true)];
              unset($kept[ASKED_AGAIN]);
              $said[] = $look(true);
              foreach ($given['odd'] as $odd) {
                unset($kept[FRESH]);
                $answers['keys.json'] = $odd;
                $odds[] = $look();
              }
              unset($kept[FRESH]);
              $answers = $given['answers'];
              $answers['notice'] = [404, '{"revision": "x"}'];
              $said[] = $look();
              $said[] = $look();
              $kept = [];
              $said[] = $look();
              echo json_encode([$said, $odds]);"""
    said, odds = php(code, {"answers": published, "odd": ODD}, ALL)
    both = ["keys.json", "notice"]
    assert said == [
        ["", 1, both, 3600],
        ["", 1, [], 3600],
        ["", 1, [], 3600],
        ["", 1, both, 3600],
        ["site", 0, both, 60],
        ["site", 0, [], 60],
        ["site", 0, both, 60],
    ]
    assert odds == [["away", 1, ["keys.json"], 60]] * len(ODD)


def test_an_address_that_the_server_does_not_list_is_known_to_who_looks_at_the_settings() -> None:
    code = """function home_url() { return $GLOBALS['home']; }
              function wp_parse_url($address) { return parse_url($address); }
              function look($home, $status) {
                $GLOBALS['home'] = $home;
                $GLOBALS['answers']['place'] = [$status, ''];
                $GLOBALS['asked'] = [];
                return [own_origin(), is_foreign(), $GLOBALS['asked'], $GLOBALS['kept'][LISTED][1]];
              }
              $said = [look('https://Shop.example/blog', 403), look('https://shop.example', 200)];
              $said[] = look('http://shop.example:8080', 200);
              $said[] = look('http://shop.example:8080', 403);
              unset($kept[LISTED]);
              $said[] = look('http://shop.example:8080', 0);
              $said[] = look('https://shop.example:443/', 200);
              $said[] = look('https://mağaza.example', 403);
              echo json_encode($said);"""
    assert php(code, None, ALL) == [
        ["https://shop.example", True, ["place"], 60],
        ["https://shop.example", True, [], 60],
        ["http://shop.example:8080", False, ["place"], 3600],
        ["http://shop.example:8080", False, [], 3600],
        ["http://shop.example:8080", False, ["place"], 60],
        ["https://shop.example", False, ["place"], 3600],
        ["https://mağaza.example", False, [], 3600],
    ]


@pytest.mark.skipif(not (ROOT / ".venv" / "ready").exists(), reason="the checkout's environment is made by `make`")
def test_its_zip_has_one_folder_with_all_of_it() -> None:
    subprocess.run(example("make plug-in").split(), cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(ROOT / "dist" / "consent-server.zip") as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    files = {f"consent-server/{path.relative_to(PLUG_IN)}" for path in PLUG_IN.rglob("*") if path.is_file()}
    assert names == {*files, "consent-server/LICENSE"}
