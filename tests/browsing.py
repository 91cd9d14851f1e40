"""A client that keeps cookies and talks to `HttpApp` directly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from nightlatch.http.app import HttpApp
from nightlatch.http.messages import Request, Response


@dataclass
class Browser:
    """Keep cookies between requests, as a browser does."""

    app: HttpApp
    peer: str | None = "192.0.2.7"
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})

    def send(
        self, method: str, path: str, body: bytes = b"", *, headers: dict[str, str] | None = None, query: str = ""
    ) -> Response:
        """Send a request as it is."""
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        path, _, in_path = path.partition("?")
        request = Request(
            method=method,
            path=path,
            query=query or in_path,
            headers=list(sent.items()),
            peer=self.peer,
            read=lambda limit: body[: limit + 1],
        )
        response = self.app.respond(request)
        for name, value in response.headers:
            if name == "Set-Cookie":
                pair, _, rules = value.partition(";")
                key, _, text = pair.partition("=")
                if "Max-Age=0" in rules:
                    self.cookies.pop(key, None)
                else:
                    self.cookies[key] = text
        return response

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Call the JSON API and return status and document."""
        sent = {"sec-fetch-site": "same-origin", **{k.replace("_", "-"): v for k, v in headers.items()}}
        raw = b""
        if body is not None:
            raw = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        response = self.send(method, path, raw, headers=sent)
        return response.status, json.loads(response.body) if response.body else None

    def get(self, path: str, **headers: str) -> Response:
        """Open a page."""
        return self.send("GET", path, headers={"accept": "text/html", "sec-fetch-site": "none", **headers})

    def post(self, path: str, **fields: str) -> Response:
        """Send a form."""
        headers = {
            "accept": "text/html",
            "sec-fetch-site": "same-origin",
            "content-type": "application/x-www-form-urlencoded",
        }
        return self.send("POST", path, urlencode(fields).encode(), headers=headers)


def header(response: Response, name: str) -> str | None:
    """Return one header of a response."""
    return next((value for each, value in response.headers if each.lower() == name.lower()), None)
