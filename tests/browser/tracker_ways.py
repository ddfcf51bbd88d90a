"""The ways in which a page asks for an address: each is a row of the tables in docs/tag.md, and each row a test."""

from __future__ import annotations

import re
from typing import Literal

from conftest import ROOT

Outcome = Literal["waits", "fails", "ahead", "goes"]
"""``waits``: leaves once, after a yes. ``fails``: like a network that is away, until a yes. ``ahead``: the browser may fetch it
before any script can say no, but it neither runs nor is shown before a yes. ``goes``: nothing stops it."""

MAKE = "const make = (name, set = {}) => document.body.appendChild(Object.assign(document.createElement(name), set));"
FRAME = "const frame = make('iframe', { title: 'F' });"
SVG = (
    "const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');"
    "const image = document.createElementNS('http://www.w3.org/2000/svg', 'image');"
    "svg.append(image); document.body.append(svg);"
)

BY_SCRIPT: dict[str, tuple[Outcome, str]] = {
    "`script.src`": ("waits", "make('script').src = '{url}.js'"),
    "`setAttribute`, in any spelling": ("waits", "make('script').setAttribute('SrC', '{url}.js')"),
    "`setAttributeNS`": ("waits", "make('script').setAttributeNS(null, 'src', '{url}.js')"),
    "a script of `createContextualFragment`": (
        "waits",
        "const range = document.createRange(); range.selectNode(document.body);"
        "document.body.append(range.createContextualFragment('<script src=\"{url}.js\"></scr' + 'ipt>'))",
    ),
    "a script of a copy: `importNode`, `cloneNode`": (
        "waits",
        "document.body.append(document.importNode(document.querySelector('template').content, true))",
    ),
    "a script in a shadow root": (
        "waits",
        "const part = document.createElement('script'); part.src = '{url}.js';"
        "make('div').attachShadow({ mode: 'open' }).append(part)",
    ),
    "a picture of a shadow root's `innerHTML`": (
        "waits",
        "make('div').attachShadow({ mode: 'open' }).innerHTML = \"<img src='{url}' alt=''>\"",
    ),
    "a script of SVG, `href`": (
        "waits",
        "const part = (name) => document.createElementNS('http://www.w3.org/2000/svg', name);"
        "const [svg, script] = ['svg', 'script'].map(part); script.setAttribute('href', '{url}.js');"
        "svg.append(script); document.body.append(svg)",
    ),
    "a script of a template's content, by `cloneContents` or `extractContents` of a range": (
        "waits",
        "const range = document.createRange(); range.selectNodeContents(document.querySelector('template').content);"
        "document.body.append(range.cloneContents())",
    ),
    "a picture, in the page or not": ("waits", "new Image().src = '{url}'"),
    "a second address of the same picture": (
        "waits",
        "const picture = new Image(); picture.src = '{url}/first';"
        "setTimeout(() => { picture.src = '{url}'; window.done = 1 })",
    ),
    "`srcset`": ("waits", "make('img', { srcset: '/own.png 2x, {url} 1x' })"),
    "a picture of `innerHTML`": ("waits", "make('div').innerHTML = \"<img src='{url}' alt=''>\""),
    "a picture of `insertAdjacentHTML`, inside": (
        "waits",
        "document.body.insertAdjacentHTML('beforeend', \"<img src='{url}' alt=''>\")",
    ),
    "a picture of SVG, `href` or `xlink:href`": (
        "waits",
        f"{SVG} image.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', '{{url}}')",
    ),
    "a picture of SVG by markup, `href` or `xlink:href`": (
        "waits",
        "make('div').innerHTML = \"<svg><image xlink:href='{url}' width='9' height='9' /></svg>\"",
    ),
    "a filter's picture of SVG, `feImage`": (
        "waits",
        "const svg = document.body.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));"
        "const part = (name) => document.createElementNS('http://www.w3.org/2000/svg', name);"
        "const [filter, picture, box] = ['filter', 'feImage', 'rect'].map(part);"
        "filter.id = 'f'; filter.append(picture); box.setAttribute('filter', 'url(#f)');"
        "box.setAttribute('width', 9); box.setAttribute('height', 9); svg.append(filter, box);"
        "picture.setAttributeNS('http://www.w3.org/1999/xlink', 'any:href', '{url}')",
    ),
    "`input` of type image": ("waits", "make('input', { type: 'image', alt: '', src: '{url}' })"),
    "a frame": ("waits", "make('iframe', { src: '{url}', title: 'F' })"),
    "a frame of `innerHTML`": ("ahead", "make('div').innerHTML = \"<iframe src='{url}' title='F'></iframe>\""),
    "a `link` of `innerHTML`": ("ahead", "make('div').innerHTML = \"<link rel='stylesheet' href='{url}'>\""),
    "`object` or `embed` of `innerHTML`": (
        "ahead",
        "make('div').innerHTML = \"<object type='text/html' data='{url}'></object>\"",
    ),
    "`object`": ("waits", "make('object', { type: 'text/html', data: '{url}' })"),
    "`embed`": ("waits", "make('embed', { type: 'text/html', src: '{url}' })"),
    "a film or a song, its sources and poster": ("waits", "make('video', { poster: '{url}' })"),
    "a film's or song's `source`": (
        "waits",
        "const film = make('video', { preload: 'auto' }), source = document.createElement('source');"
        "source.src = '{url}'; film.append(source)",
    ),
    "a film's or song's `source`, of markup": (
        "waits",
        "make('div').innerHTML = \"<video preload='auto'><source src='{url}'></video>\"",
    ),
    "a song's `src`": ("waits", "make('audio', { preload: 'auto', src: '{url}' })"),
    "a `link`: style sheet, preload, prefetch and the like": (
        "waits",
        "document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '{url}' }))",
    ),
    "a `link` to preload": (
        "waits",
        "document.head.append(Object.assign(document.createElement('link'), { rel: 'preload', as: 'image', href: '{url}' }))",
    ),
    "`fetch`, of a text, a `URL`, a `Request`": ("waits", "fetch(new Request('{url}', { mode: 'no-cors' }))"),
    "`XMLHttpRequest`": (
        "waits",
        "const request = new XMLHttpRequest(); request.open('POST', '{url}'); request.send('a')",
    ),
    "`sendBeacon`": ("waits", "if (navigator.sendBeacon('{url}', 'a') !== true) throw Error()"),
    "what a frame without an address has, by `contentWindow`": (
        "waits",
        f"{FRAME} frame.contentWindow.fetch('{{url}}', {{ mode: 'no-cors' }})",
    ),
    "and by `contentDocument`": (
        "waits",
        f"{FRAME} const inner = frame.contentDocument.createElement('img'); inner.src = '{{url}}'",
    ),
    "and what an `object` has": (
        "waits",
        "const inner = make('object', { type: 'text/html', data: 'about:blank' });"
        "setTimeout(() => inner.contentWindow.fetch('{url}', { mode: 'no-cors' }), 200)",
    ),
    "`WebSocket`": ("fails", "new WebSocket('{url}'.replace('http', 'ws')).onerror = () => { window.failed = true }"),
    "`EventSource`": ("fails", "new EventSource('{url}').onerror = () => { window.failed = true }"),
    "a picture of `execCommand`": (
        "ahead",
        "const box = make('div', { contentEditable: true }); box.focus();"
        "document.execCommand('insertHTML', false, \"<img src='{url}' alt=''>\")",
    ),
    "a frame of `DOMParser`": (
        "ahead",
        "document.body.append(new DOMParser().parseFromString(\"<iframe src='{url}' title='F'></iframe>\", 'text/html').querySelector('iframe'))",
    ),
    "a frame of a template's own `content`, put in": (
        "ahead",
        "const t = document.createElement('template'); t.innerHTML = \"<iframe src='{url}' title='F'></iframe>\"; document.body.append(t.content)",
    ),
    "a frame of a `frameset`": (
        "waits",
        "const frame = document.createElement('frame'); frame.src = '{url}'; make('frameset').append(frame)",
    ),
    "`import()`": ("goes", "import('{url}.js').catch(() => {})"),
    "a script that is written by `document.write`": (
        "goes",
        "document.write('<script src=\"{url}.js\"></scr' + 'ipt>')",
    ),
    "`new Audio(address)`": ("goes", "new Audio('{url}').load()"),
    "`setAttributeNode`, and an attribute's own `value`": (
        "goes",
        "const attribute = document.createAttribute('src'); attribute.value = '{url}';"
        "document.createElement('img').setAttributeNode(attribute)",
    ),
    "`attributes.setNamedItem`": (
        "goes",
        "const attribute = document.createAttribute('src'); attribute.value = '{url}';"
        "document.createElement('img').attributes.setNamedItem(attribute)",
    ),
    "rules of what to prefetch, in a `script` of type `speculationrules`": (
        "goes",
        "const rules = document.createElement('script'); rules.type = 'speculationrules';"
        "rules.textContent = JSON.stringify({ prefetch: [{ source: 'list', eagerness: 'immediate', urls: ['{url}'] }] });"
        "document.head.append(rules)",
    ),
    "`fetchLater`": ("goes", "fetchLater('{url}', { activateAfter: 0, mode: 'no-cors' })"),
    "`image.href.baseVal`": ("goes", f"{SVG} setTimeout(() => {{ image.href.baseVal = '{{url}}' }})"),
    "`script.href.baseVal` of SVG": (
        "goes",
        "const part = (name) => document.createElementNS('http://www.w3.org/2000/svg', name);"
        "const [svg, script] = ['svg', 'script'].map(part); script.href.baseVal = '{url}.js';"
        "svg.append(script); document.body.append(svg)",
    ),
    "a socket of `EventSource.prototype.constructor`, or `WebSocket`'s": (
        "goes",
        "new EventSource.prototype.constructor('{url}')",
    ),
    "a script of a template's own `content`, put in": (
        "goes",
        "document.body.append(document.querySelector('template').content)",
    ),
    "a picture of `outerHTML`, or of `insertAdjacentHTML` outside": (
        "goes",
        "document.querySelector('h1').outerHTML = \"<img src='{url}' alt=''>\"",
    ),
    "a picture of `DOMParser`": (
        "goes",
        "document.body.append(new DOMParser().parseFromString(\"<img src='{url}' alt=''>\", 'text/html').images[0])",
    ),
    "`imagesrcset` of a preload": (
        "goes",
        "const link = document.createElement('link'); link.rel = 'preload'; link.as = 'image';"
        "link.imageSrcset = '{url} 1x'; document.head.append(link)",
    ),
    "a picture that a style names": ("goes", "document.body.style.backgroundImage = 'url({url})'"),
    "a picture of a `background` attribute": ("goes", "document.body.setAttribute('background', '{url}')"),
    "a font of `FontFace`": ("goes", "new FontFace('f', 'url({url})').load().catch(() => 0)"),
    "what a script puts into a cache": ("goes", "caches.open('c').then((cache) => cache.add('{url}'))"),
    "what a worklet loads": ("goes", "CSS.paintWorklet.addModule('{url}')"),
    "what a worker asks for": (
        "goes",
        "new Worker(URL.createObjectURL(new Blob([`fetch('{url}', { mode: 'no-cors' })`])))",
    ),
    "a frame's window by `frames[0]`": ("goes", f"{FRAME} frames[0].fetch('{{url}}', {{ mode: 'no-cors' }})"),
    "what stands in `srcdoc`": ("goes", "make('iframe', { title: 'F', srcdoc: \"<img src='{url}' alt=''>\" })"),
    "what stands in a frame of `blob:` or `data:`": (
        "goes",
        "make('iframe', { title: 'F', src: URL.createObjectURL(new Blob([\"<img src='{url}' alt=''>\"], { type: 'text/html' })) })",
    ),
    "what a frame of `javascript:` does": (
        "goes",
        "make('iframe', { title: 'F', src: \"javascript:fetch('{url}', { mode: 'no-cors' })\" })",
    ),
    "what a module imports that a script adds": (
        "goes",
        "make('script', { type: 'module', textContent: \"import '{url}.js'\" })",
    ),
    "a form that a script sends": (
        "goes",
        f"{FRAME} frame.name = 'f'; make('form', {{ action: '{{url}}', target: 'f' }}).submit()",
    ),
    "a filter's picture of SVG by `insertAdjacentHTML`": (
        "goes",
        "document.body.insertAdjacentHTML('beforeend', \"<svg width='9' height='9'><filter id='f'><feImage href='{url}'/></filter><rect width='9' height='9' filter='url(#f)'/></svg>\")",
    ),
    "where a frame's window is led by `location`": ("goes", f"{FRAME} frame.contentWindow.location.replace('{{url}}')"),
    "a picture of a template's own `content`, put in": (
        "goes",
        "const t = document.createElement('template'); t.innerHTML = \"<img src='{url}' alt=''>\"; document.body.append(t.content)",
    ),
    "a style with `@import` that a script puts in": (
        "goes",
        "const s = document.createElement('style'); s.textContent = \"@import '{url}'\"; document.head.append(s)",
    ),
    "what a script writes into a frame": (
        "goes",
        f"{FRAME} frame.contentDocument.write(\"<img src='{{url}}' alt=''>\")",
    ),
    "`meta` in a frame that leads it elsewhere": (
        "goes",
        f"{FRAME} const meta = frame.contentDocument.createElement('meta'); meta.httpEquiv = 'refresh'; meta.content = '0;url={{url}}'; frame.contentDocument.head.append(meta)",
    ),
    "a link that is followed, and its `ping`": ("goes", "make('a', { href: '#', ping: '{url}' }).click()"),
    "a window of `open`": ("goes", "open('{url}')"),
    "where a script leads the page itself by `location`": ("goes", "location.assign('{url}')"),
}
"""A row's beginning: what becomes of it, and the script that does it. ``{url}`` is the tracker's address."""

IN_HTML: dict[str, tuple[Outcome, str]] = {
    "a script": ("ahead", '<script src="{url}.js"></script>'),
    "a frame": ("ahead", '<iframe src="{url}" title="F"></iframe>'),
    "a film or a song": ("waits", '<video src="{url}" preload="auto"></video>'),
    "a film's or song's `source`": ("waits", '<video preload="auto"><source src="{url}"></video>'),
    "`object`, `embed`": ("ahead", '<object data="{url}" type="text/html"></object>'),
    "a picture": ("goes", '<img src="{url}" alt="">'),
    "a style sheet": ("goes", '<link rel="stylesheet" href="{url}">'),
    "a picture of a style sheet": ("goes", "<style>h1 { background: url({url}) }</style>"),
    "a film's poster": ("goes", '<video poster="{url}"></video>'),
    "`input` of type image": ("goes", '<input type="image" src="{url}" alt="">'),
    "a picture of SVG, or of its filters": ("goes", '<svg><image href="{url}" width="9" height="9" /></svg>'),
    "a `background` attribute": ("goes", '<table background="{url}"><tr><td>x</table>'),
    "a `link` that preloads or fetches ahead": ("goes", '<link rel="preload" as="script" href="{url}">'),
    "what a `Link:` header names": ("goes", ""),
    "rules of what to prefetch": (
        "goes",
        '<script type="speculationrules">'
        '{"prefetch":[{"source":"list","eagerness":"immediate","urls":["{url}"]}]}</script>',
    ),
    "a frame's `srcdoc`": ("goes", "<iframe title='F' srcdoc=\"<img src='{url}' alt=''>\"></iframe>"),
    "a film in a shadow root that the HTML declares": (
        "goes",
        '<div><template shadowrootmode="open"><video preload="auto" src="{url}"></video></template></div>',
    ),
}

ADDRESSES = {
    "protocol-relative": "//a.tracker.localhost:{port}/it",
    "capitals": "HTTP://A.Tracker.LocalHost:{port}/it",
    "a dot at the host's end": "http://a.tracker.localhost.:{port}/it",
    "backslashes": "\\\\\\\\a.tracker.localhost:{port}\\\\it",
    "a tab and a line feed inside": "ht\\ttp://a.trac\\nker.localhost:{port}/it",
    "spaces around": "  http://a.tracker.localhost:{port}/it  ",
    "escapes in the host": "http://a.%74racker.localhost:{port}/it",
}
"""Spellings of one address, as they stand in a script."""


def table(heading: str) -> dict[str, str]:
    """Return a table of docs/tag.md: what stands in the second column, by what stands in the first."""
    text = (ROOT / "docs/tag.md").read_text("utf-8").partition(f"### {heading}\n")[2]
    part = re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("| \n").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return {row[0]: row[1] for row in rows if len(row) > 1}
