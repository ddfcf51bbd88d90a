"""The plug-in for WordPress, without WordPress: what it holds in a page, and what it leaves."""

from __future__ import annotations

import html
import json

import pytest
from playwright.sync_api import Page

from .plug_in import GATE, needs_php, php

pytestmark = needs_php

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
    assert php(code, [*waits], GATE, OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps(SCRIPTS)) == waits


def held(*pages: str) -> list[str]:
    """Return pages as they are sent; what is held once is as it would be held again."""
    code = """foreach ($given as $html) { $once = held($html); $all[] = [$once, held($once)]; }
              echo json_encode($all ?? []);"""
    both = php(code, pages, GATE, OPTIONS=json.dumps(OPTIONS))
    assert [twice for _, twice in both] == [once for once, _ in both]
    return [once for once, _ in both]


T = "https://tracker.example/a"
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
WAITS = '<img data-consent="analytics" data-src="https://tracker.example/a">'
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


TYPES = {
    f"<script type=rocketlazyloadscript data-rocket-src='{T}' defer></script>": f'<script type="text/plain" data-consent="analytics" data-rocket-src="{T}" defer src="{T}"></script>',
    f"<script type=rocketlazyloadscript data-rocket-type=module data-rocket-src='{T}'></script>": f'<script type="text/plain" data-type="module" data-consent="analytics" data-rocket-type="module" data-rocket-src="{T}" src="{T}"></script>',
    f"<script type='litespeed/javascript' data-src='{T}'></script>": f'<script type="text/plain" data-consent="analytics" src="{T}"></script>',
    f"<script data-type=lazy data-src='{T}'></script>": f'<script type="text/plain" data-consent="analytics" src="{T}"></script>',
    f"<script type='javascript/blocked' data-wpmeteor-type='text/javascript' src='{T}'></script>": f'<script type="text/plain" data-consent="analytics" data-wpmeteor-type="text/javascript" src="{T}"></script>',
    f"<script type=pmdelayedscript>new Image().src = '{T}'</script>": f'<script type="text/plain" data-consent="analytics">new Image().src = \'{T}\'</script>',
    f"<script type='text/javascript\f' src='{T}'></script>": f'<script type="text/plain" data-consent="analytics" src="{T}"></script>',
    f"<script src=/own.js data-player-src='{T}'></script>": f'<script type="text/plain" data-consent="analytics" src="/own.js" data-player-src="{T}"></script>',
    "<script type=module id=counter-js-module src=/own.js></script>": '<script type="text/plain" data-type="module" data-consent="analytics marketing" id="counter-js-module" src="/own.js"></script>',
    f"<svg><script href='{T}'/></svg>": f'<svg><script type="text/plain" data-consent="analytics" href="{T}"/></svg>',
    f"<svg><script xlink:href='{T}'></script></svg>": f'<svg><script type="text/plain" data-consent="analytics" xlink:href="{T}"></script></svg>',
    f"<svg><script>fetch('{T}')</script></svg>": f'<svg><script type="text/plain" data-consent="analytics">fetch(\'{T}\')</script></svg>',
}
TYPES[f"<script data-consent type=lazyscript data-lazy-src='{T}'></script>"] = TYPES[
    f"<script type=lazyscript data-lazy-src='{T}'></script>"
] = f'<script type="text/plain" data-consent="analytics" data-lazy-src="{T}" src="{T}"></script>'
FRAME = "https://www.youtube.com/embed/1"
LAZY = {
    f"<img class='big lazyload' data-original='{T}' src=/own.gif>": f'<img data-consent="analytics" data-src="{T}" class="big">',
    f"<img data-litespeed-src='{T}' data-src='{T}?2'>": f'<img data-consent="analytics" data-src="{T}?2">',
    f"<img data-bv-srcset='{T}'>": f'<img data-consent="analytics" data-srcset="{T}">',
    f"<img src='{T}' data-src=''>": f'<img data-consent="analytics" data-src="{T}">',
    f"<image src='{T}' alt=a>": f'<img data-consent="analytics" data-src="{T}" alt="a">',
    f"<link rel=stylesheet data-async-href='{T}'>": f'<link data-consent="analytics" data-href="{T}" rel="stylesheet">',
    f"<link rel=preload as=image imagesrcset='{T} 2x'>": f'<link data-consent="analytics" data-imagesrcset="{T} 2x" rel="preload" as="image">',
    f"<iframe src='{FRAME}' srcdoc='<a href=/>Play</a>'></iframe>": f'<iframe data-consent="marketing" data-src="{FRAME}" data-srcdoc="<a href=/>Play</a>"></iframe>',
    f"<iframe srcdoc='<img src=&quot;{T}&quot;>'></iframe>": f'<iframe data-consent="analytics" data-srcdoc="<img src=&quot;{T}&quot;>"></iframe>',
}
LIVE = {
    f"<script data-consent=marketing src='{T}'></script>": f'<script type="text/plain" data-consent="analytics marketing" src="{T}"></script>',
    f"<script data-consent type=text/javascript>fetch('{T}')</script>": f'<script type="text/plain" data-consent="analytics">fetch(\'{T}\')</script>',
    f"<iframe data-consent src='{FRAME}'></iframe>": f'<iframe data-consent="marketing" data-src="{FRAME}"></iframe>',
    f"<iframe data-consent='necessary functional' src='{FRAME}'></iframe>": f'<iframe data-consent="marketing functional" data-src="{FRAME}"></iframe>',
    f"<img data-consent=marketing data-src='{T}' src='{T}?2'>": f'<img data-consent="analytics marketing" data-src="{T}">',
}
NOTHING = [
    f"<img data-consent='marketing' data-src='{T}' src='/own.gif'>",
    f"<iframe data-consent='' data-src='{FRAME}' src='about:blank'></iframe>",
    f"<script type='text/plain' data-type='lazy' data-src='{T}'></script>",
    f'<script type=\'application/json\'>{{"src": "{T}"}}</script>',
    "<iframe srcdoc='<p>Of our own'></iframe>",
    *(f"<link rel='{rel}' href='{FRAME}'>" for rel in ("me", "canonical", "alternate", "shortlink", "image_src", "")),
    f"<link href='{FRAME}'>",
]
LINKS = (
    "stylesheet",
    "Alternate Stylesheet",
    "shortcut icon",
    "apple-touch-icon",
    "apple-touch-startup-image",
    "manifest",
)
HINTS = ("preload", "modulepreload", "prefetch", "prerender", "preconnect", "dns-prefetch")


def test_what_a_plug_in_delays_or_loads_late_and_what_is_marked_in_vain_waits_as_it_would_without() -> None:
    for each in (TYPES, LAZY, LIVE):
        assert dict(zip(each, held(*each), strict=True)) == each
    assert held(*NOTHING) == NOTHING
    links = [f'<link rel="{rel}" href="{FRAME}">' for rel in (*LINKS, *HINTS)]
    assert held(*links) == [
        f'<link data-consent="marketing" data-href="{FRAME}" rel="{rel}">' for rel in (*LINKS, *HINTS)
    ]


SPELLED = (
    "\f{T}",
    "\x01 {T}",
    "https://a@b@tracker.example/",
    "https://%74racker.example/",
    "//TRACKER%2eexample",
    "https://&#116racker.example/",
    "&#x68;ttps&colon;//&#x74racker.example/",
    "h&#10;ttps:&#13;//tracker.example/",
    "wss://tracker.example",
)


def test_it_reads_addresses_as_browsers_do() -> None:
    given = [f'<img src="{each.replace("{T}", T)}">' for each in SPELLED]
    assert held(*given) == [page.replace("<img src", '<img data-consent="analytics" data-src') for page in given]


LOADING = (
    "d.getElementById('licnt').src='{T}?'+Math.random()",
    "jQuery.getScript('{T}')",
    "$('body').append('<img src={T}>')",
    "box.innerHTML = '<img src={T}>'",
    "a.setAttribute('src', '{T}')",
    "$(a).attr('src', '{T}')",
    "$('<img src={T}>')",
    "new window.Image",
    "new  Image",
    "new EventSource('{T}')",
    "new WebSocket('wss://tracker.example/')",
    "frames[0].location = '{T}'",
    "axios('{T}')",
    "import '{T}'",
    "export * from '{T}'",
    "new Worker('{T}')",
    "document.writeln('<img src={T}>')",
    "a.insertAdjacentHTML('afterend', '<img src={T}>')",
    "$.get('{T}')",
)
ESCAPED = (
    "https:\\/\\/tracker.example",
    "https:\\x2F\\x2ftracker.example",
    "\\u002F\\u002ftracker.example",
    "\\u{2f}/\\x74racker.example",
)


def test_an_inline_script_waits_that_names_an_address_and_loads_something() -> None:
    texts = [f"{each.replace('{T}', T)}; a = '{T}'" for each in LOADING]
    texts += [f"fetch('{address}/a')" for address in ESCAPED]
    given = [f"<script>{text}</script>" for text in texts]
    assert held(*given) == [
        page.replace("<script", '<script type="text/plain" data-consent="analytics"', 1) for page in given
    ]


def test_what_is_held_keeps_its_bytes_whatever_they_are_written_in() -> None:
    code = """echo json_encode(bin2hex(held(hex2bin($given))));"""
    page = b'<script src="https://tracker.example/\xff\xfe.js" title="\xe9 &amp; \xc9 &eacute; &copy"></script>'
    held = php(code, page.hex(), GATE, OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps({}))
    marks = b'<script type="text/plain" data-consent="analytics" src='
    assert bytes.fromhex(held) == page.replace(b"<script src=", marks)


STUBS = """foreach (['is_feed', 'is_embed', 'is_robots', 'is_trackback'] as $name) { eval("namespace ConsentServer; function $name() {}"); }
function add_action($name, $call, $priority) { $GLOBALS['actions'][$name][$priority] = $call; }
function add_filter() {}
function esc_url_raw($address) { return $address; }
function wp_print_script_tag($attributes) { $GLOBALS['tag'] = $attributes; }
"""


def test_what_another_plug_in_rewrites_as_the_page_is_printed_is_held_before() -> None:
    code = f"""{STUBS}
      ob_start(function ($page) use (&$sent) {{ $sent = $page; return ''; }});
      open_gate();
      ob_start(function ($page) {{ return str_replace('<script src', "<script type='delayed' data-a", $page) . $GLOBALS['given']; }});
      $actions['template_redirect'][PHP_INT_MAX]();
      echo $given;
      while (ob_get_level()) {{ ob_end_flush(); }}
      echo json_encode($sent);"""
    script = '<script src="https://tracker.example/a.js"></script>'
    waits = '<script type="text/plain" data-consent="analytics" src="https://tracker.example/a.js"></script>'
    assert php(code, script, GATE, OPTIONS=json.dumps(OPTIONS)) == waits * 2


def test_the_tag_has_the_marks_by_which_plug_ins_that_delay_scripts_leave_it_alone() -> None:
    tag = php(f"{STUBS} print_tag(); echo json_encode([$tag, array_keys($tag)]);", None, GATE)
    marks = {
        "data-cfasync": "false",
        "nowprocket": True,
        "data-noptimize": "1",
        "data-no-optimize": "1",
        "data-no-defer": "1",
    }
    assert {name: tag[0][name] for name in marks} == marks
    assert tag[1].index("data-cfasync") < tag[1].index("src")  # as Cloudflare wants it


def test_an_answer_in_json_is_left_though_it_says_that_it_is_a_page() -> None:
    pages = [json.dumps({"html": f"<img src='{T}'>"}), f" [\"<img src='{T}'>\"]", f"{{<img src='{T}'>"]
    code = "echo json_encode(array_map('ConsentServer\\held_page', $given));"
    assert php(code, pages, GATE, OPTIONS=json.dumps(OPTIONS)) == [*pages[:2], f"{{{WAITS}"]


def test_more_attributes_than_php_may_look_at_leave_nothing_after_them_unread() -> None:
    code = "echo json_encode(held('<div ' . str_repeat('a=b ', 200000) . '><p>Shop</p></div>' . $given[0]));"
    page = php(code, [f"<script src='{T}'></script>"], GATE, OPTIONS=json.dumps(OPTIONS))
    assert page.endswith(f'<script type="text/plain" data-consent="analytics" src="{T}"></script>')
