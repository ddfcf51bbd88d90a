"""How long an audit takes: twenty pages in five states of consent, with the wait that it comes with, and its memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryDirectory

import psutil

PAGES = 20
MINUTES = 4
"""What it may take."""

BODY = "<!doctype html><title>Shop</title><h1>Shop</h1>" + "<p>Goods</p>" * 200


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        links = "".join(f'<a href="/{number}">{number}</a>' for number in range(1, PAGES))
        body = (BODY + links + OTHER_BANNER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


# Buttons where ours stand, so that every state is reached without a consent server.
OTHER_BANNER = """<div data-ask>
<div role="dialog"><div class="buttons"><button>Yes</button><button>No</button></div></div>
<dialog><div class="buttons"><button>Yes</button><button>No</button></div></dialog></div>
<script>
  window.consent = { allows: () => false, choice: null, open() { document.querySelector('dialog').show() } }
</script>"""


def main() -> None:
    """Measure, and print the time, and the memory of the audit with its browsers in its first and its last third."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, "-m", "consent_server", "audit", f"http://127.0.0.1:{server.server_port}/"]
        process = subprocess.Popen([*command, "--format", "json"], cwd=folder, stdout=subprocess.PIPE)
        memory: list[tuple[int, int]] = []
        threading.Thread(target=_watch, args=(process, memory), daemon=True).start()
        out, _ = process.communicate()
        seconds = time.monotonic() - began
    server.shutdown()
    report = json.loads(out)
    if any("not audited" in note for note in report["notes"]):
        raise RuntimeError(f"Not every state was reached: {report['notes']}")
    third = max(1, len(memory) // 3)
    print(f"{len(report['pages'])} pages in {len(report['states'])} states: {seconds:.0f} s of at most {MINUTES * 60}")
    for what, place in (("the audit itself", 0), ("with its browsers", 1)):
        parts = [sizes[place] for sizes in memory]
        first, last = max(parts[third : 2 * third]), max(parts[-third:])
        print(f"memory, {what}: at most {first} MB in the second third, {last} MB in the last")


def _watch(process: subprocess.Popen[bytes], memory: list[tuple[int, int]]) -> None:
    """Note each second how many megabytes the process takes, and with all that it has started."""
    while process.poll() is None:
        try:
            audit = psutil.Process(process.pid)
            family = [audit, *audit.children(recursive=True)]
        except psutil.Error:
            return
        sizes = [0]
        for each in family:
            with suppress(psutil.Error):  # it ends meanwhile
                sizes.append(each.memory_info().rss // 2**20)
        memory.append((sizes[1] if len(sizes) > 1 else 0, sum(sizes)))
        time.sleep(1)
