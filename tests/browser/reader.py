"""What a reader needs for a visit: a site that is served, and a browser that takes notes."""

import threading
from contextlib import contextmanager
from pathlib import Path

from tools.site import server

SITE = Path(__file__).parents[2] / "_build" / "site"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEVICES = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}


@contextmanager
def serve(folder, policy=True):
    """A server of a folder; `sent` is what it sent, (path, bytes) by bytes over the wire."""

    class Handler(server.Handler):
        def send_body(self, data):
            served.sent.append((self.path, len(data)))
            super().send_body(data)

        def send_policy(self):
            if policy:
                super().send_policy()

    served = server.server(folder, handler=Handler)
    served.sent = []
    served.url = f"http://127.0.0.1:{served.server_port}/"
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


class Visit:
    """A page in a browser of its own, with what it asked for and what it complained about."""

    def __init__(self, browser, url, device, **options):
        self.url = url
        self.origin = "/".join(url.split("/")[:3])
        self.context = browser.new_context(**{**DEVICES[device], **options})
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page.goto(url)

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def foreign(self):
        own = (f"{self.origin}/", "data:", "blob:")
        return [url for url in self.requests if not url.startswith(own)]

    def check(self):
        """Nothing was asked of another origin, and the console is empty."""
        assert not self.foreign()
        assert not self.complaints

    def scroll(self):
        """Go through the whole page, as a reader does; returns when every picture is there."""
        self.page.evaluate(
            """async () => {
                for (const image of document.images) {
                    image.scrollIntoView();
                    await image.decode();
                }
            }"""
        )
