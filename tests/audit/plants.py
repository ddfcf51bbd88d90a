"""Leaks, each on a page of its own: what is planted, and what an audit has to say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

STILL = ("before", "refused", "withdrawn", "gpc")
"""States in which nothing is allowed."""

HIT = "fetch('{t}/%s', { mode: 'no-cors' });"


@dataclass(frozen=True)
class Plant:
    """A page, the scripts beside it, and the finding: ``by`` is the initiator's path, the page where it is empty."""

    body: str
    kind: str
    name: str
    host: str = "t"
    by: str = ""
    by_host: str = "shop"
    scripts: dict[str, str] = field(default_factory=dict)
    states: tuple[str, ...] = STILL
    also: tuple[str, ...] = ("accepted",)
    """States in which it may be there too."""


def request(body: str, path: str, **rest: object) -> Plant:
    return Plant(body, "request", "{t}/" + path, **rest)  # type: ignore[arg-type]


def script(text: str, kind: str, name: str, host: str = "shop", **rest: object) -> Plant:
    """Plant a script of the shop's own that does something on the device."""
    return Plant('<script src="/own.js"></script>', kind, name, host, "own.js", scripts={"own.js": text}, **rest)  # type: ignore[arg-type]


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
    "first-party-proxy": Plant(
        "<script>fetch('/g/collect?v=2')</script>", "request", "{shop}/g/collect", "shop", also=()
    ),
    "image-of-a-script": request(
        '<script src="/own.js"></script>',
        "new-image",
        by="own.js",
        scripts={"own.js": "new Image().src = '{t}/new-image'"},
    ),
    "image-of-a-script-in-html": request(
        '<script src="/own.js"></script>',
        "html-image",
        by="own.js",
        scripts={"own.js": "document.body.insertAdjacentHTML('beforeend', '<img alt=\"\" src={t}/html-image>')"},
    ),
    "object-of-a-script": request(
        '<script src="/own.js"></script>',
        "made-object",
        by="own.js",
        scripts={
            "own.js": "const made = document.createElement('object');"
            "made.data = '{t}/made-object'; document.body.append(made)"
        },
    ),
    "svg-of-a-script": request(
        '<script src="/own.js"></script>',
        "drawn",
        by="own.js",
        scripts={"own.js": 'document.body.innerHTML += \'<svg><image href="{t}/drawn" width="9" height="9" /></svg>\''},
    ),
    "image-at-unload": request(
        '<script src="/own.js"></script>',
        "last-image",
        by="own.js",
        scripts={"own.js": "addEventListener('beforeunload', () => { new Image().src = '{t}/last-image' })"},
    ),
    "frame-without-an-address": request(
        """<iframe title="F" srcdoc="<img alt='' src='{t}/in-srcdoc'>"></iframe>""", "in-srcdoc"
    ),
    "frame-of-a-blob": request(
        "<iframe title='F'></iframe><script>document.querySelector('iframe').src ="
        "URL.createObjectURL(new Blob([`<img alt='' src='{t}/in-blob'>`], { type: 'text/html' }))</script>",
        "in-blob",
    ),
    "window": request(
        '<script src="/own.js"></script>', "window", by="own.js", scripts={"own.js": "open('{t}/window')"}
    ),
    "form-into-a-window": request(
        '<form target="_blank" action="{t}/sent"><input name="a" value="1"></form><script src="/own.js"></script>',
        "sent",
        by="own.js",
        scripts={"own.js": "document.forms[0].submit()"},
    ),
    "link-that-a-script-presses": request(
        '<a target="_blank" href="{t}/pressed">T</a><script src="/own.js"></script>',
        "pressed",
        by="own.js",
        scripts={"own.js": "document.querySelector('[target]').click()"},
    ),
    "form-into-a-frame": request(
        '<iframe title="F" name="sink"></iframe><form target="sink" method="post" action="{t}/form"></form>'
        "<script>document.forms[0].submit()</script>",
        "form",
    ),
    "object": request('<object data="{t}/object"></object>', "object"),
    "storage-in-a-frame": Plant(
        '<iframe title="F" src="{frame}"></iframe>',
        "local-storage",
        "in_a_frame",
        "f",
        by="inner.html",
        by_host="f",
        scripts={"inner.html": "<script>localStorage.setItem('in_a_frame', 1)</script>"},
    ),
    "storage-by-property-in-a-frame": Plant(
        '<iframe title="F" src="{frame}"></iframe>',
        "session-storage",
        "by_property",
        "of-its-own",
        by="inner.html",
        by_host="of-its-own",
        scripts={"inner.html": "<script>sessionStorage.by_property = 1</script>"},
    ),
    "worker-without-an-address": request(
        f"<script>new Worker('data:text/javascript,' + encodeURIComponent(`{HIT % 'data-worker'}`))</script>",
        "data-worker",
    ),
    "imported-by-a-worker": request(
        "<script>new Worker('/work.js')</script>",
        "imported.js",
        by="work.js",
        scripts={"work.js": "importScripts('{t}/imported.js')"},
    ),
    "imported-by-a-module-worker": request(
        "<script>new Worker('/work.js', { type: 'module' })</script>",
        "imported-module.js",
        by="work.js",
        scripts={"work.js": "import '{t}/imported-module.js'"},
    ),
    "who-signs-in": request(
        '<script src="/own.js"></script>',
        "fedcm.json",
        by="own.js",
        scripts={
            "own.js": "const identity = { providers: [{ configURL: '{t}/fedcm.json', clientId: '1' }] };"
            "navigator.credentials.get({ identity }).catch(() => {})"
        },
    ),
    "worklet": request(
        '<script src="/own.js"></script>',
        "worklet.js",
        by="own.js",
        scripts={"own.js": "new OfflineAudioContext(1, 1, 44100).audioWorklet.addModule('{t}/worklet.js')"},
    ),
    "fetch-later": request(
        '<script src="/own.js"></script>', "later", by="own.js", scripts={"own.js": "fetchLater('{t}/later')"}
    ),
    "dns-prefetch": Plant('<link rel="dns-prefetch" href="{dns}">', "request", "{dns}", "dns"),
    "speculation-rules": request(
        '<script type="speculationrules">{"prefetch": [{ "urls": ["{t}/speculated"], "eagerness": "immediate" }]}'
        "</script>",
        "speculated",
    ),
    "style-of-a-style": request('<style>@import url("{t}/imported.css");</style>', "imported.css"),
    "web-rtc": Plant(
        '<script src="/own.js"></script>',
        "request",
        "{stun}",
        "stun",
        by="own.js",
        scripts={"own.js": "new RTCPeerConnection({ iceServers: [{ urls: '{stun}'.replace('//', '') }] })"},
    ),
    "web-rtc-set-later": Plant(
        '<script src="/own.js"></script>',
        "request",
        "{stun-later}",
        "stun-later",
        by="own.js",
        scripts={
            "own.js": "const iceServers = [{ urls: '{stun-later}'.replace('//', '') }];"
            "new RTCPeerConnection().setConfiguration({ iceServers })"
        },
    ),
    "web-rtc-by-its-old-name": Plant(
        '<script src="/own.js"></script>',
        "request",
        "{stun-old}",
        "stun-old",
        by="own.js",
        scripts={"own.js": "new webkitRTCPeerConnection({ iceServers: [{ urls: '{stun-old}'.replace('//', '') }] })"},
    ),
    "web-transport": Plant(
        "<script src='/own.js'></script>",
        "request",
        "{https}/transport",
        by="own.js",
        scripts={"own.js": "new WebTransport('{https}/transport')"},
    ),
    "unless-somebody-drives-the-browser": request(
        "<script>if (!navigator.webdriver && !/headless/i.test(navigator.userAgent)) {" + HIT % "driven" + "}</script>",
        "driven",
    ),
    "unless-somebody-drives-the-browser-of-a-worker": request(
        "<script>new SharedWorker('/share.js')</script>",
        "driven-worker",
        by="share.js",
        scripts={"share.js": "if (!/headless/i.test(navigator.userAgent)) " + HIT % "driven-worker"},
    ),
    "after-a-key": request("<script>addEventListener('keydown', () => {" + HIT % "key" + "})</script>", "key"),
    "cookie-that-outlives-its-list": script(
        "consent.when('analytics').then(() => { document.cookie = '_t_long=1; Max-Age=315360000' })",
        "cookie",
        "_t_long",
        "shop:",
        states=("accepted",),
        also=(),
    ),
    "http-only-cookie-that-outlives-its-list": Plant(
        "<script>consent.when('analytics').then(() => fetch('/sets-long'))</script>",
        "cookie",
        "_t_longer",
        "shop:",
        by="sets-long",
        states=("accepted",),
        also=("withdrawn",),  # no script can take it away
    ),
    "after-coming-back": request(
        "<script>if (consent.allows('analytics')) localStorage.setItem('basket', 1); else if (localStorage.basket) "
        + HIT % "came-back"
        + "</script>",
        "came-back",
        states=("withdrawn",),
        also=(),
    ),
}
