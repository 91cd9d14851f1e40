"""Styles, scripts and pictures: kept for ever under an address that names their content."""

from __future__ import annotations

import re

from nightlatch.testing.adapter_contract.conversation import Conversation, Talk, conversation
from nightlatch.testing.browser import header

CONVERSATIONS: list[Conversation] = []


@conversation(CONVERSATIONS, pages={"theme": {"accent": "#356"}})
def what_pages_load(talk: Talk) -> None:
    """200 with a year's life and a tag; 304 for who has it; no cookie, no session looked at."""
    browser = talk.browser()
    page = browser.get("/sign-in").body.decode()
    found = re.findall(r'(?:href|src)="/auth(/static/[^"]+)"', page)
    kinds = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    assert {each.partition("?")[0].rpartition(".")[2] for each in found} == set(kinds)
    for path in sorted(set(found)):
        served = browser.send("GET", path)
        assert served.status == 200
        assert header(served, "content-type") == kinds[path.partition("?")[0].rpartition(".")[2]]
        assert header(served, "cache-control") == "public, max-age=31536000, immutable"
        assert header(served, "set-cookie") is None
        assert header(served, "vary") is None
        tag = header(served, "etag") or ""
        assert tag.strip('"') == path.partition("?v=")[2]
        kept = browser.send("GET", path, headers={"if-none-match": tag})
        assert (kept.status, kept.body, header(kept, "etag")) == (304, b"", tag)
        assert browser.send("HEAD", path).status == 200
        assert browser.send("GET", path, headers={"if-none-match": '"another"'}).status == 200
        assert browser.send("GET", path, headers={"range": "bytes=0-9"}).status == 200
        assert browser.send("POST", path).status == 405


@conversation(CONVERSATIONS)
def what_is_not_there(talk: Talk) -> None:
    """No folder is left: by dots, encoded or not, by another name, by none."""
    browser = talk.browser()
    names = ("", ".", "..", "../app.py", "%2e%2e/app.py", "..%2fapp.py", "..%5capp.py", "nothing.css", "theme.css%00",
             "nightlatch.css/", "NIGHTLATCH.CSS", "%ff", "a%00.css", f"{'a' * 3000}.css")  # fmt: skip
    for name in names:
        assert browser.send("GET", f"/static/{name}").status == 404, name[:40]
    assert browser.send("GET", "/static").status == 404
