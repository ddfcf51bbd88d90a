"""The same tokens and receipts get the same verdict from Python, from verify.js in Node, and in a browser."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from consent_server.proof.receipt import SIGNATURE, digest
from consent_server.tokens import BadToken, Verifier

ROOT = Path(__file__).parent.parent
VECTORS = json.loads((ROOT / "tests" / "vectors.json").read_text("utf-8"))
CASES = VECTORS["cases"]

TRY_ALL = """
async ({ verify, verifyReceipt, BadToken }, { keys, site, now, cases, receipt, receipts }) => {
  const verdicts = [];
  for (const { token, revision } of cases) {
    verdicts.push(await verify(token, keys, { site, revision, now }).then((consent) => consent.allow,
      (error) => (error instanceof BadToken ? null : `${error}`)));
  }
  for (const { sets } of receipts) {
    verdicts.push(await verifyReceipt({ ...receipt, ...sets }, keys, { site }).then(() => true, () => false));
  }
  return verdicts;
}
"""


def expected():
    return [case.get("allow") for case in CASES] + [case["genuine"] for case in VECTORS["receipts"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_python(case):
    verifier = Verifier(VECTORS["keys"], VECTORS["site"], revision=case.get("revision", 0))
    if "allow" in case:
        assert verifier.verify(case["token"], VECTORS["now"]).allow == case["allow"]
    else:
        with pytest.raises(BadToken):
            verifier.verify(case["token"], VECTORS["now"])


@pytest.mark.parametrize("case", VECTORS["receipts"], ids=lambda case: case["name"])
def test_python_on_receipts(case):
    content = VECTORS["receipt"] | case["sets"]
    try:
        signed = json.loads(Verifier(VECTORS["keys"], VECTORS["site"]).payload(content[SIGNATURE]))
    except BadToken:
        signed = {}
    said = {"typ": "receipt", "site": VECTORS["site"], "sha256": digest(content)}
    assert (signed | said == signed) is case["genuine"]


def test_node():
    node = shutil.which("node")
    assert node, "Node is not installed; `make test` installs it"
    program = (
        f"import * as checks from {json.dumps((ROOT / 'snippet' / 'verify.js').as_uri())};"
        f"console.log(JSON.stringify(await ({TRY_ALL})(checks, {json.dumps(VECTORS)})));"
    )
    run = [node, "--input-type=module", "--eval", program]
    result = subprocess.run(run, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == expected()


def test_browser(new_context):
    handler = functools.partial(Quiet, directory=ROOT / "snippet")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/verify.js")
        found = page.evaluate(f"async (v) => ({TRY_ALL})(await import('/verify.js'), v)", VECTORS)
        context.close()  # first: what it still asks for, a picture for its tab, would be cut off
        server.shutdown()
    assert found == expected()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word, and no picture for the browser's tab."""

    def do_GET(self):
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_):
        pass
