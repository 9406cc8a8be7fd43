#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A web server for blocklists, good and bad: https on 8443, http on 8080, both on loopback.

usage: list_server.py FOLDER CERTIFICATE KEY
Serves the files of FOLDER with an ETag. Other paths:
  /to/URL        a redirect to URL (%-encoded)
  /slow          a byte every tenth of a second, without end
  /endless       as fast as it goes, without end
  /cut           ends long before its Content-Length
  /bomb          gzip that unpacks to 64 MB
Prints "ready", then for each request a line of JSON: path, scheme, status, If-None-Match.
"""

import gzip
import hashlib
import http.server
import json
import ssl
import sys
import threading
import time
import urllib.parse
from pathlib import Path

FOLDER, CERTIFICATE, KEY = Path(sys.argv[1]), sys.argv[2], sys.argv[3]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status: int, body: bytes | None = None, **headers: str) -> None:
        """Without a body: its length is not told, and it may follow."""
        line = {"path": self.path, "scheme": self.server.scheme, "status": status,
                "etag": self.headers.get("If-None-Match"),
                "since": self.headers.get("If-Modified-Since")}
        print(json.dumps(line), flush=True)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body is not None and "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_GET(self):
        try:
            self.serve()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # who asked went away

    def serve(self):
        if self.path.startswith("/to/"):
            return self.answer(302, b"", Location=urllib.parse.unquote(self.path[4:]))
        if self.path == "/slow":
            self.answer(200)
            for _ in range(600):
                self.wfile.write(b"#")
                time.sleep(0.1)
            return None
        if self.path == "/endless":
            self.answer(200)
            for _ in range(1 << 14):
                self.wfile.write(b"# x\n" * 4096)
            return None
        if self.path == "/bomb":
            bomb = gzip.compress(b"0.0.0.0 ads.example\n" * ((64 << 20) // 20))
            return self.answer(200, bomb, Content_Encoding="gzip")
        if self.path == "/cut":
            return self.answer(200, b"ads.example\n" * 50, Content_Length="1000000")
        file = FOLDER / self.path.strip("/").replace("/", "_")
        if not file.is_file():
            return self.answer(404, b"Not Found\n")
        body = file.read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            return self.answer(304, b"", ETag=etag)
        return self.answer(200, body, ETag=etag)


def serve(port: int, scheme: str) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.scheme = scheme
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


serve(8443, "https")
serve(8080, "http")
print("ready", flush=True)
sys.stdin.read()
