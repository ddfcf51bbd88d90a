"""What our script costs a page, beside the page alone and two peers, on the same pages, in turns, in Chromium.

``python -m tests.bench.pages [samples]`` prints a table a question. *CPU* is what the page's main thread computed, by
its own clock, so that other work of the machine does not count; the rest is time as a shopper has it.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from tests.bench.banner import TAG, Contender, contenders, served, slowly

MANY = 10_000
RELEASED = 1_000

HELD = '<script type="text/plain" data-consent="analytics">1</script>'
ORDER = """<script>window.order = []; window.ran = (n) => { order.push(n); window.last = performance.now() };
window.longest = 0;
new PerformanceObserver((list) => { for (const each of list.getEntries())
  if (each.startTime > (window.clicked ?? Infinity)) longest = Math.max(longest, each.duration) })
  .observe({ type: 'longtask', buffered: true });
addEventListener('click', (event) => { window.clicked ??= event.timeStamp }, true)</script>"""
ADD = f"""async () => {{
  const began = performance.now(), to = document.querySelector('h1').parentNode;
  for (let i = 0; i < {MANY}; i++) {{
    const made = document.createElement('div');
    made.textContent = i;
    to.append(made);
    if (i % 100 == 99) await 0;
  }}
}}"""
"""An app that adds elements one by one, and lets whoever watches look now and then."""

Figures = dict[str, float]


def window(browser: Browser) -> BrowserContext:
    """Return a phone's."""
    return browser.new_context(locale="en-GB", viewport={"width": 400, "height": 800})


def cpu(cdp: CDPSession) -> Figures:
    """Return the milliseconds that the main thread has computed: all of it, and scripts."""
    names = {"TaskDuration": "all", "ScriptDuration": "script"}
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return {names[each["name"]]: each["value"] * 1000 for each in metrics if each["name"] in names}


def counted(context: BrowserContext) -> tuple[Page, CDPSession]:
    """Return a page whose main thread's own clock is read."""
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    return page, cdp


def first_visit(browser: Browser, contender: Contender) -> Figures:
    """Return what loading the page takes, until a second after it has loaded."""
    with served(contender) as url:
        context = window(browser)
        page, cdp = counted(context)
        page.goto(url, wait_until="load")
        page.wait_for_timeout(1000)
        found = cpu(cdp)
        context.close()
    return found


def many_held(browser: Browser, contender: Contender) -> Figures:
    """Return the same of a page with very many held scripts."""
    return first_visit(browser, replace(contender, held=HELD * MANY))


def many_plain(browser: Browser, contender: Contender) -> Figures:
    """Return the same of a page with very many elements that are nothing to us."""
    return first_visit(browser, replace(contender, held="<p>x</p>" * MANY))


def added(browser: Browser, contender: Contender) -> Figures:
    """Return what it takes when an app adds very many elements, before any answer."""
    with served(contender) as url:
        context = window(browser)
        page, cdp = counted(context)
        page.goto(url, wait_until="load")
        page.wait_for_timeout(800)
        before = cpu(cdp)
        page.evaluate(ADD)
        page.wait_for_timeout(300)
        found = {name: value - before[name] for name, value in cpu(cdp).items()}
        context.close()
    return found


def press(page: Page, contender: Contender, hover: int) -> None:
    """Press accept by the mouse, which has come there some milliseconds before."""
    box = page.locator(contender.accept or "").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(hover)
    page.mouse.down()
    page.mouse.up()


def released(browser: Browser, contender: Contender) -> Figures:
    """Return from the click to the last of very many inline scripts, in page order, and the longest task meanwhile."""
    scripts = "".join(HELD.replace(">1<", f">ran({n})<") for n in range(RELEASED))
    with served(replace(contender, held=scripts, head=ORDER + contender.head)) as url:
        context = window(browser)
        page = context.new_page()
        page.goto(url, wait_until="load")
        page.wait_for_timeout(600)
        press(page, contender, 300)
        while page.evaluate("order.length") < RELEASED:
            page.wait_for_timeout(50)
        page.wait_for_timeout(200)
        found: Figures = page.evaluate("({ last: last - clicked, longest })")
        assert page.evaluate("order.every((each, n) => each == n)")
        context.close()
    return found


def accepted(browser: Browser, contender: Contender) -> Figures:
    """Return from the click to the first statement of a held script with an address, on a slow device and network."""
    held = contender.held.replace(f">{TAG}</script>", ' src="/tag.js"></script>')
    files = (*contender.files, ("/tag.js", TAG.encode()))
    with served(replace(contender, held=held, files=files, head=ORDER + contender.head)) as url:
        context = window(browser)
        page, _ = slowly(context)
        page.goto(url, wait_until="load")
        page.wait_for_timeout(900)
        press(page, contender, 500)
        while not page.evaluate("performance.getEntriesByName('gated').length"):
            page.wait_for_timeout(50)
        found: Figures = page.evaluate("({ tag: performance.getEntriesByName('gated')[0].startTime - clicked })")
        context.close()
    return found


QUESTIONS: dict[str, tuple[Callable[[Browser, Contender], Figures], set[str]]] = {
    "a first visit, ms of CPU": (first_visit, set()),
    f"a page with {MANY} held scripts, ms of CPU": (many_held, {"page alone", "ours, inlined", "ours, linked"}),
    f"a page with {MANY} other elements, ms of CPU": (many_plain, set()),
    f"an app adds {MANY} elements before an answer, ms of CPU": (added, set()),
    f"a yes to the last of {RELEASED} inline scripts, ms": (released, {"ours, inlined", "ours, linked"}),
    "a yes to a tag's first statement, slow, ms": (
        accepted,
        {"ours, inlined", "ours, linked", "Orejime 3.2", "vanilla-cookieconsent 3.1"},
    ),
}
"""What is asked, how it is measured, and of whom: of all of them where nobody is named."""


def cell(taken: list[Figures], name: str) -> str:
    """Return the median of a figure, and the smallest."""
    values = [each[name] for each in taken]
    return f"{name} {statistics.median(values):.1f} ({min(values):.1f})"


def main(samples: int = 5) -> None:
    """Measure, and print the medians."""
    chromium = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for question, (measure, names) in QUESTIONS.items():
            asked = [each for each in contenders() if not names or each.name in names]
            taken: list[list[Figures]] = [[] for _ in asked]
            for _ in range(samples):
                for contender, own in zip(asked, taken, strict=True):
                    own.append(measure(browser, contender))
            print(f"\n{question}; medians of {samples}, and the smallest")
            for contender, own in zip(asked, taken, strict=True):
                print(f"  {contender.name:26}" + "   ".join(map(partial(cell, own), own[0])), flush=True)
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
