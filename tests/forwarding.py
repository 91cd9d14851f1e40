"""Applications behind a proxy that asks a house: what the proxy sends for a browser, and the way through."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from browsing import Browser, header
from house import PASSWORD, House
from nightlatch.http.app import HttpApp
from nightlatch.http.messages import Response
from nightlatch.settings import Forward, ForwardRule

HOME = "http://localhost:8000"
WIKI, SHOP = "http://wiki.localhost:8080", "http://shop.localhost:8080"
PROXY = "10.0.0.2"
RULES = (
    ForwardRule(site=WIKI),
    ForwardRule(site=WIKI, path="/admin", roles=("admin",)),
    ForwardRule(site=SHOP, path="/orders"),
    ForwardRule(site=SHOP, path="/orders", methods=("DELETE",), aal=2),
)
SETTINGS: dict[str, Any] = {"trusted_proxies": (PROXY,), "forward": Forward(rules=RULES)}


class Visitor:
    """One person's browser: at the house, and through the proxy at the applications, each host with cookies of its own.

    Args:
        app: the web layer of the house.
        via: the address from which the proxy asks.
    """

    def __init__(self, app: HttpApp, *, via: str = PROXY) -> None:
        self.home = Browser(app)
        self.hosts = {site: Browser(app, peer=via) for site in (WIKI, SHOP)}

    def ask(
        self, site: str, target: str = "/", *, method: str = "GET", path: str = "/forward", **more: str
    ) -> Response:
        """Let the proxy ask whether a request may pass."""
        parts = urlsplit(site)
        headers = {
            "x-forwarded-proto": parts.scheme,
            "x-forwarded-host": parts.netloc,
            "x-forwarded-method": method,
            "x-forwarded-uri": target,
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        return self.hosts[site].send("GET", path, headers=headers)

    def follow(self, response: Response, *, most: int = 8) -> str:
        """Follow redirects as a browser does, and return the address at which they end."""
        address = ""
        for _ in range(most):
            address = header(response, "location") or ""
            parts = urlsplit(address)
            origin = f"{parts.scheme}://{parts.netloc}"
            below = parts.path + (f"?{parts.query}" if parts.query else "")
            if origin == HOME and below.startswith("/auth/"):
                response = self.home.get(below.removeprefix("/auth"))
            elif origin in self.hosts and parts.path.startswith("/.nightlatch/"):
                response = self.ask(origin, path="/forward" + below.removeprefix("/.nightlatch"))
            else:
                return address
            if response.status not in {301, 302, 303}:
                return address
        raise AssertionError(f"round and round, last to {address}")

    def sign_in(self, identifier: str = "mia@example.org") -> Response:
        """Sign in at the house."""
        return self.home.fill_in("/sign-in", identifier=identifier, password=PASSWORD.reveal())

    def arrive(self, site: str, target: str = "/") -> str:
        """Open a page of an application, be led round, and return where that ends."""
        return self.follow(self.ask(site, target))


def signed_in(house: House, app: HttpApp) -> Visitor:
    """Return a member who is signed in at the house, and at no application."""
    house.member()
    visitor = Visitor(app)
    assert visitor.sign_in().status == 303
    return visitor
