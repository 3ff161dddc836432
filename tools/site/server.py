"""The site as a host should serve it: compressed, with the policy as a header.

python -m tools.site.server FOLDER
"""

import contextlib
import functools
import gzip
import http.server
import sys
from pathlib import Path

from tools.site.policy import HEADER

TYPES = {
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".avif": "image/avif",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
PACKED = (".avif", ".webp", ".png", ".woff2")


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain"
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def handle(self):
        with contextlib.suppress(ConnectionError):  # a reader who leaves in the middle of a page
            super().handle()

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        packed = path.suffix not in PACKED and "gzip" in self.headers.get("Accept-Encoding", "")
        if packed:
            data = gzip.compress(data, 6)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-cache")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.send_body(data)

    def send_body(self, data):
        self.wfile.write(data)

    def send_policy(self):
        self.send_header("Content-Security-Policy", HEADER)

    def end_headers(self):
        self.send_policy()
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *arguments):
        pass


def server(site, port=0, handler=Handler):
    """A server of a folder, to this machine only; port 0 takes a free one."""
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(handler, directory=site))


if __name__ == "__main__":
    with server(sys.argv[1], port=8000) as site:
        print(f"http://127.0.0.1:{site.server_port}/  (Ctrl+C ends it)")
        site.serve_forever()
