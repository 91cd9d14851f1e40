"""A client that keeps cookies, speaks JSON and forms, and sends what it is told to send, however odd."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from nightlatch.http.messages import Response
from nightlatch.testing.sites.site import LOCALHOST, Sent, Site

__all__ = ["Browser", "header"]

FIREFOX = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_CARRIED = {"csrf_token", "return_to", "link"}


@dataclass(kw_only=True)
class Browser:
    """Keep cookies between requests, as a browser does.

    Args:
        site: where requests go.
        mount: what is put before every path.
        peer: this client's address.
        cookies: names and values, kept up to date by what is answered.
        headers: what every request carries.
        root: see `Sent`.
    """

    site: Site
    mount: str = "/auth"
    peer: str | None = LOCALHOST
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"user-agent": FIREFOX})
    root: str = ""

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | tuple[tuple[str, str], ...] = (),
    ) -> Response:
        """Send a request as it is: a mapping of headers stands for one each, a tuple of pairs for exactly these.

        Cookies are sent unless ``headers`` name them; ``Content-Length`` is told unless they do, or the body travels
        in chunks.
        """
        pairs = headers if isinstance(headers, tuple) else tuple(headers.items())
        named = {name.lower() for name, _ in pairs}
        sent = [(name, value) for name, value in self.headers.items() if name not in named] + list(pairs)
        if self.cookies and "cookie" not in named:
            sent.append(("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        if body and not named & {"content-length", "transfer-encoding"}:
            sent.append(("content-length", str(len(body))))
        request = Sent(
            method=method,
            target=self.mount + path,
            headers=tuple((name, _on_the_wire(value)) for name, value in sent),
            body=body,
            peer=self.peer,
            root=self.root,
        )
        response = self.site.send(request)
        self._keep_cookies(response)
        return response

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Call the JSON API and return status and document."""
        sent = {"sec-fetch-site": "same-origin", **{name.replace("_", "-"): value for name, value in headers.items()}}
        raw = b""
        if body is not None:
            raw = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        response = self.send(method, path, raw, headers=sent)
        return response.status, json.loads(response.body) if response.body else None

    def get(self, path: str, **headers: str) -> Response:
        """Open a page, as a person who types its address."""
        return self.send("GET", path, headers={"accept": "text/html", "sec-fetch-site": "none", **headers})

    def post(self, path: str, **fields: str) -> Response:
        """Send a form."""
        headers = {
            "accept": "text/html",
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
        }
        return self.send("POST", path, urlencode(fields).encode(), headers=headers)

    def fill_in(self, path: str, action: str | None = None, **fields: str) -> Response:
        """Open a page and send its form, with the hidden fields that it carries.

        Args:
            path: of the page.
            action: where the form goes, if not there.
            fields: what a person types.
        """
        opened = self.get(path)
        assert opened.status == 200, opened.body.decode()
        hidden = {
            name: html.unescape(value) for name, value in _HIDDEN.findall(opened.body.decode()) if name in _CARRIED
        }
        return self.post((action or path).partition("?")[0], **{**hidden, **fields})

    def _keep_cookies(self, response: Response) -> None:
        for name, value in response.headers:
            if name.lower() == "set-cookie":
                pair, _, rules = value.partition(";")
                key, _, text = pair.partition("=")
                if "Max-Age=0" in rules:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = text


def header(response: Response, name: str) -> str | None:
    """Return one header of a response."""
    return next((value for each, value in response.headers if each.lower() == name.lower()), None)


def _on_the_wire(value: str) -> str:
    """Return a header's value as a server reads it: what is not Latin-1 is sent as UTF-8."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8").decode("latin-1")
    return value
