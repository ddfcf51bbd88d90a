"""A browser with a fresh profile, by Playwright and with the system's Chromium or Chrome."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..decision import ConsentError
from .netlog import Sent, read_netlog

if find_spec("playwright"):
    from playwright.sync_api import BrowserContext, Error, sync_playwright
else:  # an extra of the package
    if not TYPE_CHECKING:
        Error = RuntimeError

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = (
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Frames of other sites stay in the page's process, so that one session sees what all of them do.
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process",
    "--net-log-capture-mode=IncludeSensitive",
)


class NoBrowser(ConsentError):
    """There is nothing to look at pages with."""

    problem = "no-browser"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that runs; ``sent`` is what left it, known once it has ended."""

    context: BrowserContext
    sent: list[Sent] = field(default_factory=list)


@contextmanager
def fresh_browser(*, gpc: bool = False, har: Path | None = None) -> Iterator[Browser]:
    """Give a browser that knows nothing yet; it ends, and its profile goes, afterwards.

    Args:
        gpc: whether it sends Global Privacy Control, as a header and as a property.
        har: where to write all traffic as a HAR file, if anywhere.

    Raises:
        NoBrowser: Playwright or a Chromium is missing; says what to install.
    """
    if not find_spec("playwright"):
        raise NoBrowser("Looking at pages needs Playwright: pip install 'consent-server[browser]'.")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        raise NoBrowser(
            "There is no Chromium or Chrome on PATH. On Debian or Ubuntu: apt-get install chromium; "
            "elsewhere install Google Chrome."
        )
    with TemporaryDirectory(prefix="consent-audit-") as folder, sync_playwright() as playwright:
        netlog = Path(folder) / "netlog.json"
        context = playwright.chromium.launch_persistent_context(
            Path(folder) / "profile",
            executable_path=path,
            args=[*FLAGS, f"--log-net-log={netlog}", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
            handle_sigint=True,
            accept_downloads=False,
            record_har_path=har,
            extra_http_headers={"Sec-GPC": "1"} if gpc else None,
        )
        if gpc:
            context.add_init_script(
                "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true, configurable: true})"
            )
        browser = Browser(context)
        try:
            yield browser
        finally:
            with suppress(Error):  # it may have ended by itself, or by Ctrl-C
                context.close()
            browser.sent.extend(read_netlog(netlog))
