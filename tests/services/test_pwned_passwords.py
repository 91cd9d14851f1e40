"""The client of a range service, against one on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from house import ELSEWHERE, House, signed_in
from nightlatch.errors import ConfigurationError, PasswordRejected
from nightlatch.primitives.hash_list import hash_of
from nightlatch.primitives.secret import Secret
from nightlatch.records import Event
from nightlatch.services.pwned_passwords import PwnedPasswords, RangeUnavailable
from nightlatch.settings import Breaches

LOST = "seven herons over the weir"
PADDING = "the padding of an answer"


class RangeService(ThreadingHTTPServer):
    """Serves ranges, or misbehaves as told."""

    daemon_threads = True

    def __init__(self) -> None:
        self.mood = "well"
        self.asked: list[tuple[str, str | None]] = []
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        """Where its ranges are."""
        return f"http://127.0.0.1:{self.server_address[1]}/range/"


class _Answering(BaseHTTPRequestHandler):
    server: RangeService

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Add-Padding"]))
        mood = self.server.mood
        if mood == "moved":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            return
        self.send_response(503 if mood == "down" else 200)
        self.end_headers()
        if mood == "dripping":
            for _ in range(100):
                self.wfile.write(b"0")
                self.wfile.flush()
                time.sleep(0.05)
        elif mood == "endless":
            self.wfile.write(b"0" * (1 << 21))
        elif mood == "binary":
            self.wfile.write(b"\xff\xfe")
        else:
            self.wfile.write(self._ranges())

    def _ranges(self) -> bytes:
        prefix = self.path.rsplit("/", 1)[1]
        entries = {hash_of(LOST).hex().upper(): 7, hash_of(PADDING).hex().upper(): 0}
        lines = [f"{digits[5:]}:{count}" for digits, count in entries.items() if digits.startswith(prefix)]
        return "\r\n".join(["0" * 35 + ":3", *lines]).encode()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[RangeService]:
    """Run the service on a port of its own."""
    server = RangeService()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_five_digits_of_a_hash_leave_the_house(service: RangeService) -> None:
    """Padded, and padding is no entry."""
    client = PwnedPasswords(service.url, timedelta(seconds=5))
    assert client.contains(LOST)
    assert not client.contains(PADDING)
    assert not client.contains("nobody lost this one")
    assert service.asked[0] == (f"/range/{hash_of(LOST).hex().upper()[:5]}", "true")


@pytest.mark.parametrize("mood", ["down", "moved", "dripping", "endless", "binary"])
def test_an_answer_that_is_none_is_told_apart_from_no(service: RangeService, mood: str) -> None:
    """Refused, redirected, too slow as a whole, too long, or not text: nobody can tell."""
    service.mood = mood
    with pytest.raises(RangeUnavailable):
        PwnedPasswords(service.url, timedelta(seconds=0.3)).contains(LOST)


def test_a_service_that_is_down_is_asked_once_and_lets_people_in(
    make_house: Callable[..., House], service: RangeService
) -> None:
    """It fails open, is left alone for a while, and the audit log has it; when it is well it refuses."""
    house = make_house(breaches=Breaches(range_url=service.url))
    with pytest.raises(PasswordRejected, match="breached"):
        house.auth.sign_up.begin(ELSEWHERE, email="mia@example.org", password=Secret(LOST))
    service.mood = "down"
    house.member(password=Secret(LOST))
    signed_in(house.sign_in(ELSEWHERE, password=Secret(LOST)))
    assert len(service.asked) == 2
    (event,) = house.store.find(Event, {"action": "breach_list_unavailable"})
    assert event.reason == "PwnedPasswords: RangeUnavailable: status 503"


def test_no_range_service_is_asked_in_plain_text() -> None:
    """Who listens in would learn of every password's hash five digits, and could answer no."""
    for url in ("http://ranges.example.org/range/", "https:///range/", "ranges", "https://ranges.example.org/?range="):
        with pytest.raises(ConfigurationError, match="range_url"):
            Breaches(range_url=url)
    with pytest.raises(ConfigurationError, match="timeout"):
        Breaches(timeout=timedelta(minutes=1))
