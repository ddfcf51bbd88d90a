"""The plug-in for WordPress, without WordPress: what it holds in a page, and what it leaves."""

from __future__ import annotations

import html
import json

import pytest
from playwright.sync_api import Page

from .held_page import OPTIONS, WAITS, T, held
from .plug_in import GATE, needs_php, php

pytestmark = needs_php
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
    assert php(code, [*waits], GATE, OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps(SCRIPTS)) == waits


GA = "https://www.googletagmanager.com/gtag/js?id=G-1"
HELD = {
    f"<script async src='{GA}' id='gtag-js'></script>": f'<script type="text/plain" data-consent="analytics" async src="{GA}" id="gtag-js"></script>',
    '<SCRIPT TYPE=module SRC="//cdn.tracker.example/a.js" nonce=n></SCRIPT>': '<script type="text/plain" data-type="module" data-consent="analytics" src="//cdn.tracker.example/a.js" nonce="n"></SCRIPT>',
    '<script src="https://tracker.example/?a=1&#038;b=&quot;2&quot;"></script>': '<script type="text/plain" data-consent="analytics" src="https://tracker.example/?a=1&#038;b=&quot;2&quot;"></script>',
    '<script src="HTTPS:\\\\Tracker.Example\n/a"></script>': '<script type="text/plain" data-consent="analytics" src="HTTPS:\\\\Tracker.Example\n/a"></script>',
    '<script src="http://shop.example:8080/ads/a.js"></script>': '<script type="text/plain" data-consent="marketing" src="http://shop.example:8080/ads/a.js"></script>',
    "<script id='map-js-after'>draw()</script>": '<script type="text/plain" data-consent="functional" id="map-js-after">draw()</script>',
    "<script>const a = document.createElement('script'); a.src = 'https:\\/\\/connect.facebook.net\\/en_US\\/fbevents.js'</script>": "<script type=\"text/plain\" data-consent=\"marketing\">const a = document.createElement('script'); a.src = 'https:\\/\\/connect.facebook.net\\/en_US\\/fbevents.js'</script>",
    '<iframe title="A > B" src="https://www.youtube.com/embed/1?feature=oembed" allowfullscreen></iframe>': '<iframe data-consent="marketing" data-src="https://www.youtube.com/embed/1?feature=oembed" title="A > B" allowfullscreen></iframe>',
    '<iframe class="lazyload big" data-src="https://www.youtube.com/embed/1"></iframe>': '<iframe data-consent="marketing" data-src="https://www.youtube.com/embed/1" class="big"></iframe>',
    '<iframe src="about:blank" data-src="https://www.youtube.com/embed/1"></iframe>': '<iframe data-consent="marketing" data-src="https://www.youtube.com/embed/1"></iframe>',
    '<img src="data:image/gif;base64,R0" data-lazy-src="https://tracker.example/a" alt="">': '<img data-consent="analytics" data-src="https://tracker.example/a" alt>',
    '<noscript><img height="1" src="https://www.facebook.com/tr?id=1" /></noscript>': '<noscript><img data-consent="marketing" data-src="https://www.facebook.com/tr?id=1" height="1"></noscript>',
    '<img src="https://tracker.example/a" srcset="https://tracker.example/b 2x">': '<img data-consent="analytics" data-src="https://tracker.example/a" data-srcset="https://tracker.example/b 2x">',
    '<img alt="" srcset="/small.png 300w, https://tracker.example/b 2x">': '<img data-consent="analytics" data-srcset="/small.png 300w, https://tracker.example/b 2x" alt>',
    '<img class="lazy" src="data:," data-lazy-srcset="https://tracker.example/b">': '<img data-consent="analytics" data-src="data:," data-srcset="https://tracker.example/b" class>',
    '<picture><source srcset="//tracker.example/b"><img src="/own.png"></picture>': '<picture><source data-consent="analytics" data-srcset="//tracker.example/b"><img src="/own.png"></picture>',
    '<video controls src="https://tracker.example/a" poster="/own.png"></video>': '<video data-consent="analytics" data-src="https://tracker.example/a" data-poster="/own.png" controls></video>',
    '<video poster="https://tracker.example/a"><source src="/own.mp4"></video>': '<video data-consent="analytics" data-poster="https://tracker.example/a"><source src="/own.mp4"></video>',
    '<audio class="lazy" data-lazy-src="https://tracker.example/a" src=""></audio>': '<audio data-consent="analytics" data-src="https://tracker.example/a" class></audio>',
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
    '<script type="text/x-template" src="//tracker.example/a.js"></script>',
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
    "<img src=https://tracker.example/a title=\"A > B'",
    "",
]


def test_a_page_is_held_as_the_documentation_of_the_markup_says() -> None:
    pages = held(*HELD, *LEFT, "".join([*HELD, *LEFT[:-5]]))
    assert pages[: len(HELD)] == [*HELD.values()]
    assert pages[len(HELD) : -1] == LEFT
    assert pages[-1] == "".join([*HELD.values(), *LEFT[:-5]])


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
    *(f"<svg><script{more}>'<!--'-->" for more in ("", " a=b")),
    "<svg><script><!-- --></script><title/>",
    "<svg><style><![CDATA[<p>]]></style><title/>",
    "<svg><title><![CDATA[ > <style> ]]></title><style/>",
    "<svg><desc><p><![CDATA[ > ]]></p></desc><style/>",
    *(
        f"<math><annotation-xml encoding={kind}><textarea><!--</textarea>"
        for kind in ("text/html", "'Application/XHTML+xml'")
    ),
    "<math><annotation-xml><svg><title><p></p></title><style/>",
    "<math><annotation-xml><textarea/><mi><style><!--</style></mi><style/>",
    "<math><mi><mglyph><style/>",
    "<div><svg><path></div><textarea><!--</textarea>",
    "<div><svg><foreignObject></div><title><!--</title></foreignObject><style/>",
    "<svg><foreignObject><div></svg></div></foreignObject><style/>",
]
WRITTEN = [
    f"<svg/><title>A</title><title/>{IMAGE}",
    *(f"<svg><path><{name}><title/>{IMAGE}</title>" for name in ("p", "DIV", "h1", "span", "/p", "font size=1")),
    f"<math><mi>x</mi><br><svg><g><table><textarea/>{IMAGE}</textarea>",
    f"<svg><foreignObject><p><style/>{IMAGE}</style></p></foreignObject></svg>",
    f"<svg/><script/>'{IMAGE}'</script>",
    f"<svg></svg></svg><title>{IMAGE}</title><svg class=a/></svg><textarea a=b/>{IMAGE}</textarea>",
    f"<div><svg><path></div><style/>{IMAGE}</style>",
    f"<math><annotation-xml encoding='text/html'><style/>{IMAGE}</style>",
]


def test_what_ends_in_its_own_tag_within_a_drawing_or_a_formula_opens_nothing_and_elsewhere_ends_nothing() -> None:
    assert held(*(f"{before}{IMAGE}" for before in DRAWN), *WRITTEN) == [
        *(f"{before}{WAITS}" for before in DRAWN),
        *WRITTEN,
    ]


TEXT = ("style", "textarea", "title", "iframe", "xmp", "noembed", "noframes")
PASSED = [
    '<noscript><iframe src="https://www.googletagmanager.com/ns.html?id=GTM-1" /></noscript>',
    *(
        f"<noscript><{name}></noscript>"
        for name in ("iframe", "style", "textarea", "title", "script", "!--", "p title='")
    ),
    *(f"<{begin} <style> >" for begin in ("?php", "!x", "!", "/ ", "/1")),
    "<!DOCTYPE html><?xml?></>",
    "<!><!--><!---><!----><!--a--!><!-- <!-->",
    "<!--!> <script> -->",
    *(f"<select><option>a<{name}><!--</{name}></select>" for name in ("iframe", "style", "title", "xmp")),
    "<select></select><textarea><!--</textarea>",
    "<style\x0b>",
    "<script><!--<script></script><style>--></script>",
    "<script><!--<script>--></script>",
    "<script><!--><script></script>",
    "<script>'<scripts>'</script>",
]
TEXT = ("style", "textarea", "title", "iframe", "xmp", "noembed", "noframes")
SOME = [
    *(f"<noscript><{name}><!--</{name}>" for name in TEXT),
    "<noscript>" * 3,
    *(f"<select><{name}></select>" for name in ("iframe", "style", "title", "noscript", "xmp")),
    "<select><math><![CDATA[ > ",
]
"""What is passed by browsers without scripts, and by those that know nothing but options in a ``<select>``."""
UNSEEN = [
    f"<select><textarea>{IMAGE}</textarea></select>",
    f"<script><!--<script></script>{IMAGE}</script>",
    f"<!--!>{IMAGE}-->",
    f"<style>{IMAGE}</style\x0b>",
]


def test_it_reads_on_where_a_browser_does() -> None:
    assert held(*(f"{before}{IMAGE}" for before in (*PASSED, *SOME))) == [
        f"{before}{WAITS}" for before in (*PASSED, *SOME)
    ]
    kept = [f"<noscript><textarea>{IMAGE}</textarea></noscript>", *UNSEEN]
    assert held(*kept) == kept
    either = [
        f"<noscript>{IMAGE}</noscript>",
        f"<select><style>{IMAGE}</style></select>",
        f"<noscript><noscript>{IMAGE}",
    ]
    assert held(*either) == [page.replace(IMAGE, WAITS) for page in either]


@pytest.mark.troubles("")  # what the scripts in there say is no matter
def test_a_browser_reads_so(page: Page) -> None:
    rows = [*(f"{before}{IMAGE}" for before in (*DRAWN, *PASSED)), *WRITTEN, *UNSEEN]
    asked: list[str] = []
    page.route("https://tracker.example/*", lambda route: asked.append(route.request.url) or route.abort())
    page.route("https://www.googletagmanager.com/*", lambda route: route.abort())
    pages = [html.escape(row.replace(f'{T}"', f'{T}?{n}"')) for n, row in enumerate(rows)]
    page.set_content("".join(f'<iframe srcdoc="{each}"></iframe>' for each in pages))
    assert [row for n, row in enumerate(rows) if f"{T}?{n}" in asked] == rows[: len(DRAWN) + len(PASSED)]


NESTED = [
    "<svg>|</svg>",
    "<svg>|</title>",
    "<div><svg><desc>|</div>",
    "<svg><script>|",
    "<svg><link>|",
    "<noscript>|",
    "<select><style>|",
]


def test_twenty_thousand_elements_in_each_other_take_about_as_long_as_in_a_row() -> None:
    code = """$took = function ($page) { $start = hrtime(true); held($page); return hrtime(true) - $start; };
              $row = $took(str_repeat('<b></b>', 20000));
              foreach ($given as $tags) {
                [$begin, $end] = explode('|', $tags);
                $all[$tags] = $took(str_repeat($begin, 20000) . str_repeat($end, 20000)) / $row;
              }
              echo json_encode($all);"""
    assert {tags: times for tags, times in php(code, NESTED, GATE).items() if times > 10} == {}
