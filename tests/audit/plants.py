"""Leaks, each on a page of its own: what is planted, and what an audit has to say of it."""

from __future__ import annotations

from .hidden_plants import HIDDEN
from .plant import HIT, Plant, request, script

PLANTS = {
    "parser-script": request('<script src="{t}/parser.js"></script>', "parser.js"),
    "inline-fetch": request(f"<script>{HIT % 'fetch'}</script>", "fetch"),
    "script-fetch": request('<script src="/own.js"></script>', "own", by="own.js", scripts={"own.js": HIT % "own"}),
    "image": request('<img alt="" src="{t}/pixel?id=1">', "pixel"),
    "frame": request('<iframe title="F" src="{t}/frame"></iframe>', "frame"),
    "in-a-frame": Plant(
        '<iframe title="F" src="{frame}"></iframe>',
        "request",
        "{t}/inside",
        by="inner.html",
        by_host="f",
        scripts={"inner.html": '<img alt="" src="{t}/inside">'},
    ),
    "css-background": request('<style>h1 { background: url("{t}/background") }</style>', "background"),
    "font": request(
        "<style>@font-face { font-family: x; src: url('{t}/font.woff2') } h1 { font-family: x }</style>", "font.woff2"
    ),
    "worker": request(
        "<script>new Worker('/work.js')</script>", "worker", by="work.js", scripts={"work.js": HIT % "worker"}
    ),
    "blob-worker": request(f"<script>new Worker(URL.createObjectURL(new Blob([`{HIT % 'blob'}`])))</script>", "blob"),
    "shared-worker": request(
        "<script>new SharedWorker('/share.js')</script>", "shared", by="share.js", scripts={"share.js": HIT % "shared"}
    ),
    "service-worker-request": request(
        "<script>navigator.serviceWorker.register('/serve.js')</script>",
        "service",
        by="serve.js",
        scripts={"serve.js": HIT % "service"},
        states=("before", "refused", "gpc"),  # it ran before the withdrawal, and is not fetched again
        also=("accepted", "withdrawn"),
    ),
    "service-worker-websocket": Plant(
        "<script>navigator.serviceWorker.register('/connect.js')</script>",
        "request",
        "{ws}/served",
        by="connect.js",
        scripts={"connect.js": "new WebSocket('{ws}/served')"},
        states=("before", "refused", "gpc"),  # it ran before the withdrawal, and is not fetched again
        also=("accepted", "withdrawn"),
    ),
    "service-worker": Plant(
        "<script>navigator.serviceWorker.register('/idle.js')</script>",
        "service-worker",
        "{shop}/service-worker/idle.js",
        "shop",
        scripts={"idle.js": ""},
    ),
    "beacon-at-unload": request(
        '<script src="/own.js"></script>',
        "unload",
        by="own.js",
        scripts={"own.js": "addEventListener('pagehide', () => navigator.sendBeacon('{t}/unload', 'x'))"},
    ),
    "fetch-at-unload": request(
        '<script src="/own.js"></script>',
        "keepalive",
        by="own.js",
        scripts={
            "own.js": "addEventListener('pagehide', () => fetch('{t}/keepalive', { keepalive: true, mode: 'no-cors' }))"
        },
    ),
    "websocket": Plant(
        "<script src='/own.js'></script>",
        "request",
        "{ws}/socket",
        by="own.js",
        scripts={"own.js": "new WebSocket('{ws}/socket')"},
    ),
    "event-source": request("<script>new EventSource('{t}/events')</script>", "events"),
    "redirect": Plant('<img alt="" src="/hop">', "request", "{t}/middle", by="hop"),
    "preconnect": request('<link rel="preconnect" href="{t}">', ""),
    "xhr": request(
        "<script src='/own.js'></script>",
        "xhr",
        by="own.js",
        scripts={"own.js": "const x = new XMLHttpRequest(); x.open('POST', '{t}/xhr'); x.send()"},
    ),
    "preflighted-fetch": request(
        '<script src="/own.js"></script>',
        "preflighted",
        by="own.js",
        scripts={"own.js": "fetch('{t}/preflighted', { method: 'PUT', headers: { 'X-A': '1' } })"},
    ),
    "preflighted-fetch-of-a-worker": request(
        "<script>new Worker('/work.js')</script>",
        "worker-preflighted",
        by="work.js",
        scripts={"work.js": "fetch('{t}/worker-preflighted', { method: 'PUT' })"},
    ),
    "import": request(
        '<script src="/own.js"></script>',
        "from-module",
        by="module.js",
        by_host="t",
        scripts={"own.js": "import('{t}/module.js')", "module.js": HIT % "from-module"},
    ),
    "script-cookie": script("document.cookie = 'by_script=1'", "cookie", "by_script", "shop:"),
    "short-lived-cookie": script(
        "document.cookie = 'brief=1'; document.cookie = 'brief=; Max-Age=0'", "cookie", "brief", "shop:"
    ),
    "listed-cookie": script("document.cookie = '_t1=1'", "cookie", "_t1", "shop:", also=()),
    "http-only-cookie": Plant('<img alt="" src="/sets">', "cookie", "hidden", "shop:", by="sets"),
    "third-party-cookie": Plant('<img alt="" src="{t}/sets">', "cookie", "hidden", "t:", by="sets", by_host="t"),
    "local-storage": script("localStorage.setItem('kept', 1)", "local-storage", "kept"),
    "short-lived-storage": script(
        "localStorage.setItem('briefly', 1); localStorage.removeItem('briefly')", "local-storage", "briefly"
    ),
    "session-storage": script("sessionStorage.setItem('for_now', 1)", "session-storage", "for_now"),
    "indexed-db": script("indexedDB.open('base')", "indexed-db", "base"),
    "cache-storage": script("caches.open('things')", "cache-storage", "things"),
    "after-scroll": request(
        "<div style='height:4000px'></div><script>addEventListener('scroll', () => {" + HIT % "scroll" + "})</script>",
        "scroll",
    ),
    "in-view": request(
        "<div style='height:3000px'></div><img alt='' loading='lazy' width='9' height='9' src='{t}/lazy'>"
        "<div style='height:9000px'></div>",
        "lazy",
    ),
    "after-pointer-move": request(
        "<script>addEventListener('pointermove', () => {" + HIT % "pointer" + "})</script>", "pointer"
    ),
    "under-gpc": request(
        "<script>if (navigator.globalPrivacyControl) {" + HIT % "gpc" + "}</script>", "gpc", states=("gpc",), also=()
    ),
    "after-refusal": request(
        "<script>consent.choice && !consent.choice.marketing && " + HIT % "no" + "</script>",
        "no",
        states=("refused", "withdrawn"),
        also=(),
    ),
    "listed-tracker": Plant(
        '<link rel="preload" as="image" href="{good}/hit.png">', "request", "{good}/hit.png", "good", also=()
    ),
    **HIDDEN,
}
