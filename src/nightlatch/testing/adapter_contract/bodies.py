"""Bodies of every wrong kind: 4xx with a problem document, whatever is sent, and nothing done."""

from __future__ import annotations

import gzip
import json
from typing import Any

from nightlatch.testing.adapter_contract.conversation import MIA, SECRET, Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []

KIND = "application/json"
TAKEN = json.dumps({"identifier": MIA, "password": SECRET}).encode()


@conversation(CONVERSATIONS)
def ill_typed(talk: Talk) -> None:
    """088: another type, a missing, unknown or oversized field; texts that are none."""
    browser = talk.browser()
    bodies: list[Any] = [
        None, [], "text", 7, {}, {"identifier": {}}, {"identifier": []}, {"identifier": None}, {"identifier": 7},
        {"identifier": True, "password": "x"}, {"identifier": "a", "password": {"$gt": ""}},
        {"identifier": "a", "unknown": 1}, {"identifier": "a" * 600}, {"identifier": "a\x00b"},
        {"identifier": "\ud800"}, {"identifier": ""}, {"identifier": "a", "deliver": "both"},
        {"identifier": "a", "return_to": 1}, {"": ""},
    ]  # fmt: skip
    for path in ("/api/sign-in", "/api/sign-up", "/api/attempt/begin", "/api/attempt/answer", "/api/attempt/link"):
        for body in bodies:
            if path == "/api/sign-in" and body in ({}, {"identifier": None}):
                continue  # no name: a passkey will tell who it is
            status, problem = browser.call("POST", path, body)
            assert status in {400, 401, 415, 422}, (path, body)
            assert problem["status"] == status
    member = talk.member()
    for method, path in (("PATCH", "/api/account"), ("PUT", "/api/account/password"), ("POST", "/api/reauthenticate")):
        for body in (*bodies, {"name": "x", "roles": ["admin"]}, {"name": ["x"]}):
            assert member.call(method, path, body)[0] in {202, 400, 415, 422}, (path, body)
    assert member.call("GET", "/api/account")[1]["roles"] == []


@conversation(CONVERSATIONS)
def unreadable(talk: Talk) -> None:
    """Duplicate members, broken JSON, other encodings, deep nesting, numbers that are none."""
    browser = talk.browser()
    unreadable = [
        b'{"identifier": "a", "identifier": "b"}', b'{"identifier": "a"', b"\xff\xfe{}", b'{"identifier": "\xff"}',
        b'{"identifier": NaN}', b'{"identifier": Infinity}', b"[" * 5000, b'{"a":' * 20 + b"1" + b"}" * 20,
        b'{"identifier": ' + b"9" * 5000 + b"}", b"", b" ", b"\x00", b"{} {}", b"\xef\xbb\xbf{}", b"null\n\nnull",
        TAKEN.decode().encode("utf-16"), gzip.compress(TAKEN, mtime=0), b"identifier=a", b"--x\r\n",
    ]  # fmt: skip
    for raw in unreadable:
        told = browser.send("POST", "/api/sign-in", raw, headers={"content-type": KIND})
        assert told.status == 400, raw[:40]
        assert json.loads(told.body)["code"] == "malformed_request"
    packed = {"content-type": KIND, "content-encoding": "gzip"}
    assert browser.send("POST", "/api/sign-in", gzip.compress(TAKEN, mtime=0), headers=packed).status == 400


@conversation(CONVERSATIONS)
def of_another_type(talk: Talk) -> None:
    """ASVS 3.5.2: no simple cross-site request can say `application/json`."""
    browser = talk.browser()
    others = (
        "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx",
        "application/json; charset=utf-16", "application/json, text/plain", "application/problem+json", "*/*", "json",
        "text/plain; application/json", "",
    )  # fmt: skip
    for kind in others:
        told = browser.send("POST", "/api/sign-in", TAKEN, headers={"content-type": kind})
        assert (told.status, json.loads(told.body)["code"]) == (415, "unsupported_media_type"), kind
    assert browser.send("POST", "/api/sign-in", TAKEN).status == 415
    talk.member()
    for kind in ("APPLICATION/JSON", "application/json;charset=UTF-8", " application/json ; charset=utf-8"):
        assert browser.send("POST", "/api/sign-in", TAKEN, headers={"content-type": kind}).status == 200, kind


@conversation(CONVERSATIONS)
def too_long(talk: Talk) -> None:
    """413 by what is declared, before a byte is read; or by what comes."""
    browser = talk.member()
    at_the_limit = TAKEN + b" " * (16_384 - len(TAKEN))
    assert browser.send("POST", "/api/sign-in", at_the_limit, headers={"content-type": KIND}).status == 200
    for raw in (at_the_limit + b" ", at_the_limit * 2, b"a" * 200_000):
        told = browser.send("POST", "/api/sign-in", raw, headers={"content-type": KIND})
        assert (told.status, json.loads(told.body)["code"]) == (413, "too_large")
    for declared in ("16385", "99999999", "9" * 18):
        headers = {"content-type": KIND, "content-length": declared}
        assert browser.send("POST", "/api/sign-in", headers=headers).status == 413, declared
        form = {"content-type": "application/x-www-form-urlencoded", "content-length": declared}
        told = browser.send("POST", "/sign-in", headers=form)
        assert (told.status, header(told, "content-type")) == (413, "text/html; charset=utf-8")


@conversation(CONVERSATIONS, needs={"chunked"})
def in_chunks(talk: Talk) -> None:
    """A body whose length is not told is read up to the same limit."""
    browser = talk.member()
    chunked = {"content-type": KIND, "transfer-encoding": "chunked"}
    assert browser.send("POST", "/api/sign-in", TAKEN, headers=chunked).status == 200
    assert browser.send("POST", "/api/sign-in", b"", headers=chunked).status == 400
    at_the_limit = TAKEN + b" " * (16_384 - len(TAKEN))
    assert browser.send("POST", "/api/sign-in", at_the_limit, headers=chunked).status == 200
    assert browser.send("POST", "/api/sign-in", at_the_limit + b" ", headers=chunked).status == 413


@conversation(CONVERSATIONS)
def where_none_is_asked(talk: Talk) -> None:
    """A body that nobody asked for is not read, and changes nothing."""
    browser = talk.member()
    for body in (b"{}", b"\xff", b"a" * 50_000):
        assert browser.send("GET", "/api/session", body, headers={"content-type": KIND}).status == 200
        assert browser.send("DELETE", "/api/sessions", body, headers={"content-type": "text/plain"}).status == 200
