"""The plug-in for WordPress, without WordPress: what it holds in a page, and what it leaves."""

from __future__ import annotations

import json

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
    files = GATE
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
    held = php(code, pages, GATE, OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps(SCRIPTS))
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
    held = php(code, given, GATE, OPTIONS=json.dumps(OPTIONS))
    waits = '<img data-consent="analytics" data-src="https://tracker.example/a">'
    assert held == [*(f"{before}{waits}" for before in DRAWN), *WRITTEN]


def test_what_is_held_keeps_its_bytes_whatever_they_are_written_in() -> None:
    code = """echo json_encode(bin2hex(held(hex2bin($given))));"""
    page = b'<script src="https://tracker.example/\xff\xfe.js" title="\xe9 &amp; \xc9"></script>'
    held = php(code, page.hex(), GATE, OPTIONS=json.dumps(OPTIONS), SCRIPTS=json.dumps({}))
    marks = b'<script type="text/plain" data-consent="analytics" src='
    assert bytes.fromhex(held) == page.replace(b"<script src=", marks)
