"""The plug-in for WordPress holds what other plug-ins delay, load late or rewrite, and keeps the rest as it is."""

from __future__ import annotations

import json

from .held_page import OPTIONS, WAITS, T, held
from .plug_in import GATE, needs_php, php

pytestmark = needs_php

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
