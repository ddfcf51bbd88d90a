"""A time-stamp authority (RFC 3161): OpenSSL's own ``ts`` behind a small HTTP server."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Authority of the tests
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[tsa]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[stamps]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
"""
KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config tsa.cnf"


class Authority:
    """``root`` is the certificate that its stamps are checked by; ``way`` is how it answers."""

    def __init__(self, folder: Path, *, until: str = "20991231000000Z") -> None:
        folder.mkdir()
        self.folder = folder
        self.root = folder / "ca.pem"
        self.url = ""
        self.way = "well"
        self.asked = 0
        self.ended = threading.Event()
        self.lock = threading.Lock()
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        self.openssl(f"req -x509 {KEY} -extensions ca -keyout ca.key -out ca.pem -days 3650")
        self.openssl(f"req {KEY} -subj /CN=Stamps -keyout tsa.key -out tsa.csr")
        # As a CA does, for `x509` takes no end in the past.
        (folder / "index.txt").write_text("")
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=ca.serial\ndefault_md=sha256\n"
            "policy=p\n[p]\ncommonName=supplied\n"
        )
        (folder / "ca.serial").write_text("01\n")
        self.openssl(
            "ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in tsa.csr -out tsa.pem "
            f"-startdate 20200101000000Z -enddate {until} -extfile tsa.cnf -extensions tsa"
        )

    def openssl(self, command: str) -> None:
        done = subprocess.run(["openssl", *command.split()], cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def reply(self, query: bytes) -> bytes:
        with self.lock:
            (self.folder / "query").write_bytes(query)
            self.openssl("ts -reply -config tsa.cnf -section stamps -queryfile query -out reply")
            return (self.folder / "reply").read_bytes()


@contextmanager
def running(folder: Path, *, until: str = "20991231000000Z") -> Iterator[Authority]:
    """Run an authority with a certificate that is valid ``until`` then."""
    authority = Authority(folder, until=until)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            authority.asked += 1
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            way = authority.way
            if way == "slowly":
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
                while not authority.ended.wait(0.05):  # a byte now and then: no read of it ever times out
                    try:
                        self.wfile.write(b"x")
                    except OSError:
                        return
                return
            answers = {
                "well": lambda: authority.reply(query),
                "with nonsense": lambda: b"<html>Welcome!</html>",
                "with nothing": lambda: b"",
                "without end": lambda: b"\x30" * 1_000_000,
                "cut off": lambda: authority.reply(query)[:300],
                # version 3 is a 2 there; of 79 no library knows what it is
                "with an odd certificate": lambda: authority.reply(query).replace(b"\xa0\3\2\1\2", b"\xa0\3\2\1\x4f"),
                "of another seal": lambda: authority.reply((authority.folder / "another").read_bytes()),
                "refusing": lambda: authority.reply(b"junk"),
                "failing": lambda: b"",
            }
            answer = answers[way]()
            self.send_response(500 if way == "failing" else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # who asked has gone
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        authority.url = f"http://127.0.0.1:{server.server_port}/stamp"
        try:
            yield authority
        finally:
            authority.ended.set()
            server.shutdown()
            thread.join()
