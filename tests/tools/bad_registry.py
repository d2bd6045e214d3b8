#!/usr/bin/env python3
"""A registry that serves one OCI image layout and misbehaves as the repository's first component says.

usage: bad_registry.py LAYOUT LOG [PORT_FILE]

Every repository has the layout's image as the tag "x". Requests are written to LOG, one a line. First components:
  good            nothing is wrong
  cut             the first answer to each blob ends in its middle; ranges are served
  cut-no-range    the same, and ranges are ignored: every answer begins at the first byte
  cut-always      each answer ends after 1000 bytes, whatever is asked for
  short           the blob ends early, and so says Content-Length
  long            the blob goes on for ever
  wrong           the blob has other bytes of the same length
  busy            429 with "Retry-After: 1" at first
  broken          503 for ever
  loop            redirects to itself
  away            wants the token, and blobs are on a host of another name, which must get no credentials
  inside          blobs are redirected to a port that is neither the registry's nor 443
  big             the manifest has 100 MB
  header          one header of 1 MB
  circle          an index that leads to itself
  lies            a manifest whose digest isn't what was asked for
  lazy            parts are sent as they are asked for, but of a whole blob only the beginning, until the file LOG.go is there
  token           wants a bearer token of the server at /token, for user me, password secret
The search finds two images for "box"; one describes itself by commands for terminals.
"""

import base64
import hashlib
import http.server
import json
import os
import socket
import sys
import threading
import time

LAYOUT, LOG = sys.argv[1:3]
ACCEPTED = "tok-" + hashlib.sha256(b"me").hexdigest()[:12]
seen = {}
lock = threading.Lock()


def blob(digest):
    with open(os.path.join(LAYOUT, "blobs", "sha256", digest.split(":")[1]), "rb") as f:
        return f.read()


def manifest():
    with open(os.path.join(LAYOUT, "index.json"), encoding="utf-8") as f:
        entry = json.load(f)["manifests"][0]
    return entry["mediaType"], entry["digest"], blob(entry["digest"])


def first_time(key):
    with lock:
        seen[key] = seen.get(key, 0) + 1
        return seen[key] == 1


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        kind = "auth" if self.headers.get("Authorization") else "anonymous"
        with lock, open(LOG, "a", encoding="utf-8") as f:
            f.write(f"{self.server.server_port} {self.command} {self.path} {kind} {self.headers.get('Range', '-')}\n")

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code, **headers):
        self.answer(status, json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode(), **headers)

    def give_token(self):
        wanted = "Basic " + base64.b64encode(b"me:secret").decode()
        if self.headers.get("Authorization") != wanted:
            return self.error(401, "UNAUTHORIZED")
        return self.answer(200, json.dumps({"token": ACCEPTED, "expires_in": 300}).encode())

    def search(self):
        found = [{"name": "good/box", "description": "A box, and \u00fcber alles a very long description of it, indeed",
                  "star_count": 12, "is_official": True},
                 {"name": "evil/box", "description": "\u001b[2Jgone\nnext", "star_count": 3}]
        return self.answer(200, json.dumps({"num_results": 2, "results": found if "q=box&" in self.path else []}).encode())

    def serve_manifest(self, how, ref):
        kind, digest, body = manifest()
        if how == "big":
            return self.answer(200, b" " * (100 << 20), Content_Type=kind)
        if how == "header":
            return self.answer(200, body, Content_Type=kind, X_Long="x" * (1 << 20))
        if how == "circle":
            kind = "application/vnd.oci.image.index.v1+json"
            body = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [
                {"mediaType": kind, "digest": digest, "size": 10}]}).encode()
            return self.answer(200, body, Content_Type=kind)
        if how == "lies" and ref.startswith("sha256:"):
            body = body.replace(b"layers", b"layer5")
        return self.answer(200, body, Content_Type=kind, Docker_Content_Digest=digest)

    def serve_part(self, body, start, end):
        """The body from START on, of which only the bytes before END are sent."""
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        self.wfile.write(body[start:end])
        if end < len(body):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def serve_lazily(self, body):
        asked = self.headers.get("Range", "")
        if asked.startswith("bytes="):
            start, _, end = asked[6:].partition("-")
            start, end = int(start), min(int(end or len(body)), len(body) - 1)
            return self.answer(206, body[start:end + 1], Content_Range=f"bytes {start}-{end}/{len(body)}")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000])
        self.wfile.flush()
        while not os.path.exists(LOG + ".go"):
            time.sleep(0.05)
        self.wfile.write(body[1000:])
        with lock, open(LOG, "a", encoding="utf-8") as f:
            f.write("whole\n")
        return None

    def serve_blob(self, how, digest):
        body = blob(digest)
        if how == "lazy" and len(body) > 16384:
            return self.serve_lazily(body)
        asked = self.headers.get("Range", "")
        start = int(asked[6:].split("-")[0]) if asked.startswith("bytes=") else 0
        large = len(body) > 4096
        if how == "cut" and large:
            return self.serve_part(body, start, len(body) // 2 if first_time(digest) else len(body))
        if how == "cut-no-range" and large:
            return self.serve_part(body, 0, len(body) // 2 if first_time(digest + how) else len(body))
        if how == "cut-always" and large:
            return self.serve_part(body, 0, 1000)
        if how == "short" and large:
            return self.answer(200, body[:-100])
        if how == "wrong" and large:
            return self.answer(200, body[:-1] + bytes([body[-1] ^ 1]))
        if how == "long" and large:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(body)
            except OSError:
                self.close_connection = True
            return None
        if how == "away":
            return self.answer(307, Location=f"http://localhost:{self.server.server_port}/v2/good/x/blobs/{digest}")
        if how == "inside":
            return self.answer(307, Location="http://127.0.0.1:9/secret")
        return self.answer(200, body, Content_Type="application/octet-stream")

    def serve(self):
        self.note()
        path = self.path.split("?")[0]
        if path == "/token":
            return self.give_token()
        if path in ("/v2/", "/v2"):
            return self.answer(200, b"{}")
        if path == "/v1/search":
            return self.search()
        parts = path.split("/")
        if path.endswith("/tags/list"):
            return self.answer(200, json.dumps({"name": parts[2], "tags": ["x", "y"]}).encode())
        if len(parts) < 6:
            return self.error(404, "NAME_UNKNOWN")
        how, kind, ref = parts[2], parts[-2], parts[-1]
        if how == "broken":
            return self.error(503, "UNAVAILABLE")
        if how == "busy" and first_time(path):
            return self.error(429, "TOOMANYREQUESTS", Retry_After="1")
        if how == "loop":
            return self.answer(307, Location=path)
        if how in ("token", "away") and self.headers.get("Authorization") != "Bearer " + ACCEPTED:
            realm = f'Bearer realm="http://127.0.0.1:{self.server.server_port}/token",service="test"'
            return self.error(401, "UNAUTHORIZED", Www_Authenticate=realm)
        if kind == "manifests":
            return self.serve_manifest(how, ref)
        return self.serve_blob(how, ref) if kind == "blobs" else self.error(404, "NAME_UNKNOWN")

    do_GET = do_HEAD = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients that hang up are what this is for."""


def main():
    server = Server(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 3:
        with open(sys.argv[3] + ".new", "w", encoding="utf-8") as f:
            f.write(str(server.server_port))
        os.rename(sys.argv[3] + ".new", sys.argv[3])
    server.serve_forever()


main()
