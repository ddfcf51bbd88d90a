"""Pages that are no pages, and a terminal that is no terminal: a sentence each, and the audit goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conftest import CONSENT_SERVER, free_port, left_of
from werkzeug.wrappers import Request, Response

from .farm import Farm

SECONDS = 120


def never(_: Request) -> Response:
    def body() -> object:
        yield b"<!doctype html><h1>Wait</h1>"
        for _ in range(300):
            time.sleep(0.1)
            yield b" "

    return Response(body(), content_type="text/html")  # type: ignore[arg-type]


def kill_the_tab(_: Request) -> Response:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it ends by itself
            if "--type=renderer" in process.cmdline():
                process.kill()
    return Response("")


def test_every_odd_page_is_a_sentence_and_the_audit_goes_on(farm: Farm) -> None:
    farm.files |= {
        "/endless": never,
        "/away": lambda _: Response("", 302, {"Location": farm.url("/", "elsewhere")}),
        "/login": lambda _: Response("Who are you?", 401, content_type="text/html"),
        "/basic": lambda _: Response("", 401, {"WWW-Authenticate": 'Basic realm="Shop"'}, content_type="text/html"),
        "/paper": lambda _: Response(b"%PDF-1.4\n%%EOF", content_type="application/pdf"),
        "/file": lambda _: Response("x", 200, {"Content-Disposition": "attachment; filename=x.bin"}),
        "/nothing": lambda _: Response("", 204),
        "/kill": kill_the_tab,
    }
    farm.page("<script>alert('Hello')</script>", "/dialog")
    farm.page("<script>onbeforeunload = (event) => event.preventDefault()</script>", "/stay")
    farm.page("<script>onload = () => { for (;;); }</script>", "/hangs")
    farm.page('<img alt="" src="/kill">', "/crash")
    farm.page("<script>for (let n = 0; n < 1e5; n++) history.pushState(null, '', `?${n}`)</script>", "/flood")
    farm.page("<script>setInterval(() => open('/empty'), 50)</script>", "/windows")
    farm.page(farm.fill('<img alt="" src="{t}/last">'), "/last")
    order = ("endless", "away", "login", "basic", "paper", "file", "nothing", "dialog", "stay", "crash", "hangs")
    more = ("windows", "flood", "paper.pdf", "last")
    urls = "".join(f"<url><loc>{farm.url(f'/{name}')}</loc></url>" for name in (*order, *more))
    farm.files["/sitemap.xml"] = lambda _: Response(f"<urlset>{urls}</urlset>", content_type="application/xml")
    report = farm.audit(("before",))
    notes = "\n".join(report.notes)
    for said in (
        "/endless did not finish loading",
        f"/away leads on to {farm.url('/', 'elsewhere')}",
        "/login wants a login (status 401)",
        "/basic wants a login (a name and a password",
        "/paper ",
        "/file starts a download (x.bin)",
        "/dialog opens a dialog (alert)",
        "/crash crashed its tab",
        "/hangs did not answer",
        "/windows opens window after window",
        f"Not opened, as by the name no page, or one that does something: {farm.url('/paper.pdf')}.",
    ):
        assert said in notes, notes
    for name in ("file", "nothing"):
        assert f"/{name} leads on" not in notes, "the tab stayed where it was"
    assert "/flood" not in notes, "it is slowed down, as for shoppers"
    found = {each.name for each in report.findings if each.kind == "request"}
    assert found == {farm.url("/last", "t")}


def test_a_shared_worker_that_ends_with_its_page_takes_no_tab_with_it(farm: Farm) -> None:
    farm.script("/share.js", "")
    farm.page(
        """<script>
          new SharedWorker('/share.js');
          if (!localStorage.basket) {
            localStorage.setItem('basket', 1);
            setTimeout(() => location.reload(), 700);
          }
        </script>"""
    )
    report = farm.audit(("before",), pages=1, wait=1.5)
    assert report.notes == []
    assert report.findings == []


def test_cookies_of_another_to_whom_a_page_leads_are_not_the_next_pages(farm: Farm) -> None:
    login = "<script>document.cookie = 'by_script=1'</script>"
    sets = {"Set-Cookie": "by_answer=1; Path=/"}
    farm.files["/login"] = lambda _: Response(login, 200, sets, content_type="text/html")
    farm.files["/away"] = lambda _: Response("", 302, {"Location": farm.url("/login", "elsewhere")})
    farm.page(f'<meta http-equiv="refresh" content="0;url={farm.url("/login", "other")}">', "/goes")
    farm.page("", "/next")
    urls = "".join(f"<url><loc>{farm.url(path)}</loc></url>" for path in ("/", "/away", "/goes", "/next"))
    farm.files["/sitemap.xml"] = lambda _: Response(f"<urlset>{urls}</urlset>", content_type="application/xml")
    assert farm.audit(("before",)).findings == []


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CONSENT_SERVER), "audit", *arguments], capture_output=True, text=True, timeout=SECONDS,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("nonsense",), {}, "no web address"),
        (("http://[",), {}, "no web address"),
        ((f"http://127.0.0.1:{free_port()}/",), {}, "cannot be opened"),
        (("http://127.0.0.1/",), {"PATH": "/nowhere"}, "apt-get install chromium"),
        (("http://127.0.0.1/", "--baseline", "{nonsense}"), {}, "no report of an audit"),
        (("http://127.0.0.1/", "--baseline", "/nowhere"), {}, "does not exist"),
        (("http://127.0.0.1/", "--cookies", "{nonsense}", "--draft"), {}, "no cookie names"),
        (("http://127.0.0.1/", "--out", "/nowhere/x"), {}, "cannot be written"),
        (("http://127.0.0.1/", "--har", "{nonsense}/x"), {}, "cannot be made"),
        (("http://127.0.0.1/", "--format", "xml"), {}, "xml"),
        (("http://127.0.0.1/", "--site", "nobody"), {"CONSENT_CONFIG": "/nowhere"}, "There is no"),
    ],
)
def test_what_cannot_be_done_is_said_and_is_2(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    done = run(*(each.replace("{nonsense}", str(nonsense)) for each in arguments), **environment)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_addresses_that_are_none_and_lines_within_one_are_left_out(farm: Farm) -> None:
    """A browser gives the address of such a link as it stands there."""
    farm.page("<a href='http://['>one</a><a href='https://[::1'>two</a><a href='/three'>three</a>")
    farm.page("<script>new Image().src = 'http://['</script>", "/three")
    assert farm.audit(("before",)).pages == [farm.url(), farm.url("/three")]
    urls = ("http://[", farm.url("/a&#10;refused:nothing"), farm.url("/three"))
    entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    farm.files["/sitemap.xml"] = lambda _: Response(f"<urlset>{entries}</urlset>", content_type="application/xml")
    assert farm.audit(("before",)).pages == [farm.url(), farm.url("/three")]


def test_names_that_are_no_text_and_notes_that_are_none_end_nothing(farm: Farm) -> None:
    farm.page(
        """<script>
          localStorage.setItem('half\\ud800of', 1);
          for (const note of [null, 5, {}, {kind: 'click', name: '', stack: '', frame: '', origin: '', at: 'soon'},
            {kind: 'click', name: '', stack: '', frame: '', origin: '', at: 1e12},
            {kind: 'consent-call', name: '5', stack: '', frame: '', origin: '', at: 1}]) consentAuditNote(note);
          Date.now = () => 0;
          document.cookie = 'late=1';
        </script>"""
    )
    report = farm.audit(("before", "refused"))
    assert {(each.state, each.kind) for each in report.findings} == {
        (state, kind) for state in ("before", "refused") for kind in ("cookie", "local-storage")
    }
    assert report.json().encode()


def test_a_report_that_cannot_be_written_at_last_is_printed(farm: Farm) -> None:
    farm.page(farm.fill('<img alt="" src="{t}/pixel">'))
    done = run(farm.url(), "--pages", "1", "--wait", "0.3", "--out", "/dev/full")
    assert done.returncode == 2
    assert "/dev/full cannot be written: No space left on device. What it should hold is above." in done.stderr
    assert farm.url("/pixel", "t") in done.stdout


def test_without_playwright_it_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'playwright' else real(name, *rest)\n"
        "from consent_server.cli import main; main(['audit', 'http://127.0.0.1/'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install playwright duckduckgo-autoconsent-py" in done.stderr


def test_a_report_is_written_and_is_the_next_ones_baseline(farm: Farm, tmp_path: Path) -> None:
    farm.page(farm.fill('<img alt="" src="{t}/pixel">'))
    out, har = tmp_path / "audit.json", tmp_path / "har"
    common = ("--pages", "1", "--wait", "0.3")
    nowhere = {"CONSENT_CONFIG": str(tmp_path / "consent.toml")}
    (tmp_path / "consent.toml").write_text(
        '[sites.elsewhere]\nname = "E"\norigins = ["https://e.example"]\npolicy_url = "/p"\n'
        'policy_updated = 2025-01-01\nlanguages = ["en"]\n'
    )
    first = run(farm.url(), *common, "--format", "json", "--out", str(out), "--har", str(har), **nowhere)
    assert first.returncode == 1, first.stderr
    report = json.loads(out.read_text())
    assert {each["state"] for each in report["findings"]} == {"before", "refused", "accepted", "withdrawn", "gpc"}
    assert set(report["findings"][0]) == {
        *("state", "kind", "name", "host", "page"),
        *("initiator", "category", "service", "fix"),
    }
    assert {file.name for file in har.iterdir()} == {f"{state}.har" for state in report["states"]}
    assert farm.url("/pixel", "t") in (har / "before.har").read_text()
    again = run(farm.url(), *common, "--baseline", str(out), **nowhere)
    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("to_the_group", [True, False])
def test_ctrl_c_leaves_no_browser_behind(farm: Farm, to_the_group: bool) -> None:
    command = [str(CONSENT_SERVER), "audit", farm.url(), "--wait", "60"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + SECONDS
    while len(children(process.pid, "--type=renderer")) < 5:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.1)
    family = children(process.pid)
    os.killpg(process.pid, signal.SIGINT) if to_the_group else process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 2
    assert "Interrupted" in said
    assert "Traceback" not in said
    assert left_of(family, 20) == []


def children(pid: int, of: str = "") -> list[psutil.Process]:
    """Return the processes that this one has started and that say so in their command; some end meanwhile."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):
            if of in " ".join(child.cmdline()):
                found.append(child)
    return found
