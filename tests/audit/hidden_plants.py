"""Leaks that hide: in what a script makes, in frames, windows and workers, or from whoever looks."""

from __future__ import annotations

from .plant import HIT, Plant, request, script

HIDDEN = {
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
