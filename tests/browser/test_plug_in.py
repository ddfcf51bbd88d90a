"""The plug-in for WordPress, without WordPress: what it holds in a page, which tokens it believes, its words and files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from typing import Any

import generated
import pytest
from conftest import ROOT
from examples import example

from consent_server import __version__
from consent_server.catalogue import services
from consent_server.decision import consent_of
from consent_server.site import Notice
from consent_server.tokens import Keys, token

PLUG_IN = ROOT / "snippet" / "wordpress"
FILES = sorted(PLUG_IN.rglob("*.php"))
VECTORS = json.loads((ROOT / "tests" / "vectors.json").read_text("utf-8"))

pytestmark = pytest.mark.skipif(not shutil.which("php"), reason="php is not installed here; `make test` installs it")

WORDPRESS = """<?php
namespace ConsentServer;
error_reporting(E_ALL);
define('ABSPATH', '/');
define('MINUTE_IN_SECONDS', 60);
define('HOUR_IN_SECONDS', 3600);
$kept = [];
$asked = [];
$answers = [];
function get_option($name) { return $name === OPTION ? json_decode(getenv('OPTIONS'), true) : $GLOBALS['kept'][$name] ?? false; }
function update_option($name, $value) { $GLOBALS['kept'][$name] = $value; }
function get_transient($name) { return $GLOBALS['kept'][$name][0] ?? false; }
function set_transient($name, $value, $seconds) { $GLOBALS['kept'][$name] = [$value, $seconds]; }
function wp_unslash($text) { return $text; }
function time() { return 1000000; }
function wp_remote_get($address) { $GLOBALS['asked'][] = basename($address); return $GLOBALS['answers'][basename($address)] ?? [0, '']; }
function wp_remote_retrieve_body($answer) { return $answer[1]; }
function wp_remote_retrieve_response_code($answer) { return $answer[0]; }
function wp_scripts() { return (object) ['registered' => (array) json_decode(getenv('SCRIPTS'))]; }
"""
"""What the files below ask of WordPress."""


SET_UP = {"server": "https://consent.shop.example", "site": "shop"}
ALL = ("options", "server", "token", "functions")


def php(code: str, given: object, files: tuple[str, ...], **environment: str) -> Any:
    """Run code after some of the plug-in's files; ``$given`` is what it is given; return what it echoes as JSON."""
    required = "".join(f"require '{PLUG_IN / name}.php';\n" for name in files)
    done = subprocess.run(
        ["php", "-d", "display_errors=stderr", "-d", "error_reporting=-1"],
        input=f"{WORDPRESS}{required}$given = json_decode(getenv('GIVEN'), true);\n{code}",
        env={"OPTIONS": json.dumps(SET_UP), "SCRIPTS": "{}", "GIVEN": json.dumps(given), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return json.loads(done.stdout)


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
        ["site", 1, both, 60],
        ["site", 0, both, 60],
    ]
    assert odds == [["away", 1, ["keys.json"], 60]] * len(ODD)


OPTIONS = {
    "addresses": "*.tracker.example analytics\nshop.example:8080/ads/* marketing\nfonts.googleapis.com = necessary",
    "handles": "counter analytics marketing\nplayer necessary\nmap = functional\nwrong",
}
SCRIPTS = {
    "counter": {"src": "/counter.js", "deps": ["jquery"]},
    "jquery": {"src": "/jquery.js", "deps": []},
    "after-counter": {"src": False, "deps": ["counter", "jquery"]},
    "gtag": {"src": "https://www.googletagmanager.com/gtag/js?id=G-1", "deps": ["after-gtag"]},
    "after-gtag": {"src": "/after.js", "deps": ["gtag"]},
    "player": {"src": "https://www.youtube.com/iframe_api", "deps": ["counter"]},
}


def test_a_handle_waits_by_its_row_by_its_address_and_with_what_it_depends_on() -> None:
    code = """foreach ($given as $handle) { $all[$handle] = implode(' ', waits_of_handle($handle)); }
              echo json_encode($all);"""
    waits = {
        "counter": "analytics marketing",
        "jquery": "",
        "after-counter": "analytics marketing",
        "gtag": "analytics",
        "after-gtag": "analytics",
        "player": "",
        "map": "functional",
        "wrong": "",
        "unknown": "",
    }
    files = ("options", "addresses", "gate")
    assert php(code, [*waits], files, OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps(SCRIPTS)) == waits


GA = "https://www.googletagmanager.com/gtag/js?id=G-1"
HELD = {
    f"<script async src='{GA}' id='gtag-js'></script>": f'<script type="text/plain" data-consent="analytics" async src="{GA}" id="gtag-js"></script>',
    '<SCRIPT TYPE=module SRC="//cdn.tracker.example/a.js" nonce=n></SCRIPT>': '<script type="text/plain" data-type="module" data-consent="analytics" src="//cdn.tracker.example/a.js" nonce="n"></SCRIPT>',
    '<script src="https://tracker.example/?a=1&#038;b=&quot;2&quot;"></script>': '<script type="text/plain" data-consent="analytics" src="https://tracker.example/?a=1&amp;b=&quot;2&quot;"></script>',
    '<script src="HTTPS:\\\\Tracker.Example\n/a"></script>': '<script type="text/plain" data-consent="analytics" src="HTTPS:\\\\Tracker.Example\n/a"></script>',
    '<script src="http://shop.example:8080/ads/a.js"></script>': '<script type="text/plain" data-consent="marketing" src="http://shop.example:8080/ads/a.js"></script>',
    "<script id='map-js-after'>draw()</script>": '<script type="text/plain" data-consent="functional" id="map-js-after">draw()</script>',
    "<script>const a = document.createElement('script'); a.src = 'https:\\/\\/connect.facebook.net\\/en_US\\/fbevents.js'</script>": "<script type=\"text/plain\" data-consent=\"marketing\">const a = document.createElement('script'); a.src = 'https:\\/\\/connect.facebook.net\\/en_US\\/fbevents.js'</script>",
    '<iframe title="A > B" src="https://www.youtube.com/embed/1?feature=oembed" allowfullscreen></iframe>': '<iframe data-consent="marketing" data-src="https://www.youtube.com/embed/1?feature=oembed" title="A &gt; B" allowfullscreen></iframe>',
    '<iframe class="lazyload big" data-src="https://www.youtube.com/embed/1"></iframe>': '<iframe data-consent="marketing" data-src="https://www.youtube.com/embed/1" class="big"></iframe>',
    '<iframe src="about:blank" data-src="https://www.youtube.com/embed/1"></iframe>': '<iframe data-consent="marketing" data-src="https://www.youtube.com/embed/1"></iframe>',
    '<img src="data:image/gif;base64,R0" data-lazy-src="https://tracker.example/a" alt="">': '<img data-consent="analytics" data-src="https://tracker.example/a" alt>',
    '<noscript><img height="1" src="https://www.facebook.com/tr?id=1" /></noscript>': '<noscript><img data-consent="marketing" data-src="https://www.facebook.com/tr?id=1" height="1"></noscript>',
    '<img src="https://tracker.example/a" srcset="https://tracker.example/b 2x">': '<img data-consent="analytics" data-src="https://tracker.example/a" data-srcset="https://tracker.example/b 2x">',
    '<img alt="" srcset="/small.png 300w, https://tracker.example/b 2x">': '<img data-consent="analytics" data-srcset="/small.png 300w, https://tracker.example/b 2x" alt>',
    '<img class="lazy" src="data:," data-lazy-srcset="https://tracker.example/b">': '<img data-consent="analytics" data-src="data:," data-srcset="https://tracker.example/b" class>',
    '<picture><source srcset="//tracker.example/b"><img src="/own.png"></picture>': '<picture><source data-consent="analytics" data-srcset="//tracker.example/b"><img src="/own.png"></picture>',
    "<link rel='stylesheet' href='https://maps.googleapis.com/a.css' media='all' />": '<link data-consent="functional" data-href="https://maps.googleapis.com/a.css" rel="stylesheet" media="all">',
    "<link rel='dns-prefetch' href='//www.googletagmanager.com' />": '<link data-consent="analytics marketing" data-href="//www.googletagmanager.com" rel="dns-prefetch">',
    '<p a="b"c=d"e><img src=https://tracker.example/a>': '<p a="b"c=d"e><img data-consent="analytics" data-src="https://tracker.example/a">',
    '<script src="https://tracker.example/a" data-src="/b.js" data-type="module"></script>': '<script type="text/plain" data-consent="analytics" src="https://tracker.example/a"></script>',
    "<svg><script id='map-js' /></svg>": '<svg><script type="text/plain" data-consent="functional" id="map-js"/></svg>',
    '<!--> <script src="https://tracker.example/a"></script>': '<!--> <script type="text/plain" data-consent="analytics" src="https://tracker.example/a"></script>',
}
RUN = [
    "application/x-ecmascript",
    "text/jscript",
    "TEXT/LiveScript",
    "text/x-javascript",
    *(f"text/javascript1.{n}" for n in range(6)),
]
HELD |= {
    f'<script type="{kind}" src="//tracker.example/a.js"></script>': '<script type="text/plain" data-consent="analytics" src="//tracker.example/a.js"></script>'
    for kind in RUN
}
LEFT = [
    '<script type="text/javascript1.6" src="//tracker.example/a.js"></script>',
    '<img src="/own.png" srcset="/own.png 1x, /own-2.png 2x" data-lazy-srcset="/own.png">',
    '<script src="https://shop.example/a.js"></script>',
    '<script src="https://nottracker.example/a.js"></script>',
    '<script src="https://www.googletagmanager.com/gtm.js?id=GTM-1"></script>',
    f'<script type="text/plain" data-consent="marketing" src="{GA}"></script>',
    '<script type="application/ld+json">{"url": "https://tracker.example/", "a": "createElement"}</script>',
    '<script>const film = "https://www.youtube.com/embed/1"</script>',
    "<script id='player-js' src='https://www.youtube.com/iframe_api'></script>",
    "<script id='consent-server-js' src='https://tracker.example/v1/shop/consent.js'></script>",
    '<!-- <script src="https://tracker.example/a.js"></script> -->',
    '<textarea><iframe src="https://www.youtube.com/embed/1"></iframe></textarea>',
    "<script>const text = '<iframe src=\"https://www.youtube.com/embed/1\">'</script>",
    "<script>const text = '</scripts><img src=https://tracker.example/a>'</script>",
    '<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Inter">',
    '<a href="https://www.youtube.com/watch?v=1">a film</a><p title="<img src=https://tracker.example/ alt=x>">',
    "<p title='>' data-a = \"<script src='https://tracker.example/a.js'></script>\">",
    "<script",
    "<!-- <",
    "<img src=",
    "",
]


def test_a_page_is_held_as_the_documentation_of_the_markup_says() -> None:
    code = "foreach ($given as $html) { $all[] = held($html); } echo json_encode($all);"
    pages = [*HELD, *LEFT, "".join([*HELD, *LEFT[:-4]])]
    held = php(code, pages, ("options", "addresses", "gate"), OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps(SCRIPTS))
    assert held[: len(HELD)] == [*HELD.values()]
    assert held[len(HELD) : -1] == LEFT
    assert held[-1] == "".join([*HELD.values(), *LEFT[:-4]])


IMAGE = '<img src="https://tracker.example/a">'
DRAWN = [
    *(f"<svg viewBox='0 0 9 9'><{name}/><path/></svg>" for name in ("title", "style", "script", "textarea", "iframe")),
    "<math><style /><mi>x</mi></math>",
    "<SVG><TITLE a='b' /></SVG >",
    "<svg><g><svg/><svg></svg><script href='/a.js' /></g></svg>",
    "<svg><title>Cart",
    "<svg><p>no end of it</p>",
    "<svg><foreignObject><p>HTML</p><textarea>'<svg>'</textarea></foreignObject><style/>",
    "<svg><desc><div></div></desc><title/><title><p></p></title><textarea/>",
    "<math><mtext><br><span>x</span></mtext><title/>",
    "<svg><font/><style/>",
    "<math><svg><title><textarea/>",
    "<svg/><title>A</title>",
    *(f"<{name}/><!-- </{name}>" for name in ("textarea", "title", "style", "xmp", "noembed", "noframes", "iframe")),
    "<svg></svg></svg><script>'<svg>'</script><style>a</style>",
]
WRITTEN = [
    f"<svg/><title>A</title><title/>{IMAGE}",
    *(f"<svg><path><{name}><title/>{IMAGE}</title>" for name in ("p", "DIV", "h1", "span", "/p", "font size=1")),
    f"<math><mi>x</mi><br><svg><g><table><textarea/>{IMAGE}</textarea>",
    f"<svg><foreignObject><p><style/>{IMAGE}</style></p></foreignObject></svg>",
    f"<svg/><script/>'{IMAGE}'</script>",
    f"<svg></svg></svg><title>{IMAGE}</title><svg class=a/></svg><textarea a=b/>{IMAGE}</textarea>",
    f"<svg><script>'{IMAGE}'</script><script a=b/>'{IMAGE}'</script></svg>",
]


def test_what_ends_in_its_own_tag_within_a_drawing_or_a_formula_opens_nothing_and_elsewhere_ends_nothing() -> None:
    code = "foreach ($given as $html) { $all[] = held($html); } echo json_encode($all);"
    given = [*(f"{before}{IMAGE}" for before in DRAWN), *WRITTEN]
    held = php(code, given, ("options", "addresses", "gate"), OPTIONS=json.dumps(OPTIONS))
    waits = '<img data-consent="analytics" data-src="https://tracker.example/a">'
    assert held == [*(f"{before}{waits}" for before in DRAWN), *WRITTEN]


def test_what_is_held_keeps_its_bytes_whatever_they_are_written_in() -> None:
    code = """echo json_encode(bin2hex(held(hex2bin($given))));"""
    page = b'<script src="https://tracker.example/\xff\xfe.js" title="\xe9 &amp; \xc9"></script>'
    held = php(code, page.hex(), ("options", "addresses", "gate"), OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps({}))
    marks = b'<script type="text/plain" data-consent="analytics" src='
    assert bytes.fromhex(held) == page.replace(b"<script src=", marks)


@pytest.mark.skipif(not (ROOT / ".venv" / "ready").exists(), reason="the checkout's environment is made by `make`")
def test_its_zip_has_one_folder_with_all_of_it() -> None:
    subprocess.run(example("make plug-in").split(), cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(ROOT / "dist" / "consent-server.zip") as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    files = {f"consent-server/{path.relative_to(PLUG_IN)}" for path in PLUG_IN.rglob("*") if path.is_file()}
    assert names == {*files, "consent-server/LICENSE"}
