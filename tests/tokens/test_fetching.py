"""Fetching keys from a real server that does not behave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nightlatch.verify.errors import KeysUnavailable
from nightlatch.verify.fetching import fetch

ENDING = threading.Event()


class Odd(BaseHTTPRequestHandler):
    """Answers by the path."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        if self.path == "/drip":
            while not ENDING.wait(0.2):
                self.wfile.write(b" ")
                self.wfile.flush()
            return
        self.wfile.write(b" " * 70_000 if self.path == "/long" else b"good")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    ENDING.set()
    server.shutdown()
    server.server_close()


def test_a_document(address: str) -> None:
    """It comes as it is."""
    assert fetch(f"{address}/good") == b"good"


@pytest.mark.parametrize("path", ["/moved", "/broken", "/long"])
def test_what_is_refused(address: str, path: str) -> None:
    """A redirect is not followed, a fault is none of ours, and 64 KiB are enough."""
    with pytest.raises(KeysUnavailable):
        fetch(address + path)


def test_nobody_there() -> None:
    """A port that nobody listens on."""
    with pytest.raises(KeysUnavailable):
        fetch("http://127.0.0.1:9/x")


@pytest.mark.slow
def test_a_byte_at_a_time(address: str) -> None:
    """Three seconds for the answer, however its bytes drip: the thread comes back, and half a document is none."""
    with pytest.raises(KeysUnavailable, match="too slow"):
        fetch(f"{address}/drip")
