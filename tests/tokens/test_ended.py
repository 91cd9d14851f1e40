"""Sessions that ended while their tokens are young: known to a service within seconds."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from uuid import uuid4

import pytest

from browsing import Browser
from house import PASSWORD, House
from nightlatch.http.app import HttpApp
from nightlatch.verify import EndedSessions, InvalidToken, Verifier
from nightlatch.verify.errors import KeysUnavailable
from nightlatch.verify.jwks import KeySet
from tokens.issuer import NOW, Issuer

ISSUER = "http://localhost:8000/auth"


def test_a_service_learns_of_it(house: House) -> None:
    """Signed out here, refused there at the next question; who is signed in goes on."""
    browser = Browser(HttpApp(house.auth))
    house.member()
    asks = {"identifier": "mia@example.org", "password": PASSWORD.reveal(), "deliver": "tokens"}
    one, other = (browser.call("POST", "/api/sign-in", asks)[1] for _ in range(2))
    keys = json.dumps({"keys": house.auth.signing_keys.published()}).encode()

    def post(url: str, question: bytes) -> bytes:
        assert url == f"{ISSUER}/api/token/ended"
        status, answer = browser.call("POST", "/api/token/ended", json.loads(question))
        assert status == 200
        return json.dumps(answer).encode()

    def now() -> float:
        return house.clock.now().timestamp()

    ended = EndedSessions(ISSUER, every=1e6, now=now, post=post)
    service = Verifier(
        issuer=ISSUER,
        audience="http://localhost:8000",
        keys=KeySet(f"{ISSUER}/api/jwks.json", read=lambda _: keys),
        revoked=ended.revoked,
        now=now,
    )
    for each in (one, other):
        service.verify(each["access_token"])
    ended.ask()
    service.verify(one["access_token"])
    browser.call("POST", "/api/token/revoke", {"token": one["refresh_token"]})
    service.verify(one["access_token"])  # not asked yet
    ended.ask()
    for _ in range(2):
        with pytest.raises(InvalidToken, match="revoked"):
            service.verify(one["access_token"])
        service.verify(other["access_token"])
        ended.ask()


def test_what_the_issuer_is_asked(house: House) -> None:
    """Ids that are none are refused; strangers' look like ended ones; at most 300."""
    browser = Browser(HttpApp(house.auth))
    strange = str(uuid4())
    assert browser.call("POST", "/api/token/ended", {"sessions": [strange]}) == (200, {"ended": [strange]})
    assert browser.call("POST", "/api/token/ended", {"sessions": []}) == (200, {"ended": []})
    for odd in ({}, {"sessions": ["x"]}, {"sessions": [strange] * 301}, {"sessions": None}, {"sessions": [7]}):
        assert browser.call("POST", "/api/token/ended", odd)[0] == 422


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"ended": "all"}', b'{"ended": [1, null, "another"]}', None])
def test_an_odd_answer_ends_nothing(answer: bytes | None) -> None:
    """Nor does an issuer that is down: tokens are believed for their life, as without this."""
    issuer = Issuer()

    def post(_url: str, _question: bytes) -> bytes:
        if answer is None:
            raise KeysUnavailable("down")
        return answer

    ended = EndedSessions("https://app.example.com/auth", every=1e6, now=lambda: issuer.now, post=post)
    service = issuer.service(revoked=ended.revoked)
    service.verify(issuer.token())
    ended.ask()
    service.verify(issuer.token())


def test_only_what_is_young_is_asked_for() -> None:
    """Batches of 300, 10,000 sessions at the most, and none whose tokens have expired."""
    issuer = Issuer()
    asked: list[int] = []

    def post(_url: str, question: bytes) -> bytes:
        asked.append(len(json.loads(question)["sessions"]))
        return b'{"ended": []}'

    ended = EndedSessions("https://app.example.com/auth", every=1e6, now=lambda: issuer.now, post=post)
    service = issuer.service()
    token = service.verify(issuer.token())
    for number in range(10_100):
        ended.revoked(replace(token, session_id=str(number)))
    ended.ask()
    assert (sum(asked), max(asked)) == (10_000, 300)
    issuer.now = NOW + 301.0
    asked.clear()
    ended.ask()
    assert asked == []


def test_a_thread_asks() -> None:
    """Every so often, begun by the first token that is seen."""
    issuer, seen = Issuer(), threading.Event()

    def post(_url: str, _question: bytes) -> bytes:
        seen.set()
        return b'{"ended": ["0198-session"]}'

    ended = EndedSessions("https://app.example.com/auth", every=0.05, now=lambda: issuer.now, post=post)
    service = issuer.service(revoked=ended.revoked)
    service.verify(issuer.token())
    assert seen.wait(30)
    for wrong in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="seconds"):
            EndedSessions("https://app.example.com/auth", every=wrong)
    with pytest.raises(ValueError, match="https"):
        EndedSessions("http://app.example.com/auth")
