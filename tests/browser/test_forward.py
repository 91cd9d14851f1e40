"""Forward authentication for real: Chromium, nginx with the guide's configuration, a plain application, the server."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from free_ports import free_port
from nginx import Nginx, PlainApplication
from nightlatch.verify import AssertionVerifier
from servers import Server

pytestmark = pytest.mark.slow

SECRET = "correct horse battery staple"
MIA = "mia@example.org"


class Premises:
    """The server, nginx, and the application behind it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.wiki = f"http://wiki.localhost:{port}"
        folder.mkdir(exist_ok=True)
        (folder / "nightlatch.toml").write_text(
            'trusted_proxies = ["127.0.0.1"]\n'
            f'[[forward.rules]]\nsite = "{self.wiki}"\n'
            f'[[forward.rules]]\nsite = "{self.wiki}"\npath = "/admin"\nroles = ["admin"]\n'
        )
        self.server = Server(folder / "data", NIGHTLATCH_CONFIG=str(folder / "nightlatch.toml"))
        self.server.start()
        self.application = PlainApplication()
        self.nginx = Nginx(folder / "nginx", port=port, nightlatch=self.server.port, application=self.application.port)

    def close(self) -> None:
        """Stop all three."""
        self.nginx.close()
        self.application.close()
        self.server.stop()

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> int:
        """Ask nginx as a program, and return the status; redirects are not followed."""
        request = urllib.request.Request(self.wiki.replace("wiki.localhost", "127.0.0.1") + path, method=method)
        request.add_header("Host", self.wiki.removeprefix("http://"))
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=20) as answered:
                return int(answered.status)
        except urllib.error.HTTPError as error:
            return error.code


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **more: Any) -> None:
        del args, more


@pytest.fixture
def premises(tmp_path: Path) -> Iterator[Premises]:
    """Start everything."""
    started = Premises(tmp_path / "premises")
    yield started
    started.close()


def test_a_person_comes_to_an_application_behind_nginx(premises: Premises, chromium: Browser) -> None:
    """To the sign-in page and back to the very address; who it is arrives overwritten and signed; sign-out ends it."""
    server, wiki = premises.server, premises.wiki
    _, begun, _ = server.call("POST", "/auth/api/sign-up", {"email": MIA, "password": SECRET})
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": server.code(MIA)}
    assert server.call("POST", "/auth/api/attempt/answer", answer)[1]["status"] == "complete"

    context = chromium.new_context(
        extra_http_headers={"Remote-User": "admin", "Remote-Groups": "admin", "Remote-Assertion": "mine"}
    )
    page = context.new_page()
    page.goto(f"{wiki}/page?show=all&of=%C3%A4")
    assert page.url.startswith(f"{server.url}/auth/sign-in?return_to=")
    assert premises.application.seen == []
    page.get_by_label("E-mail").fill(MIA)
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{wiki}/page?show=all&of=%C3%A4")

    seen = json.loads(page.locator("pre").inner_text())
    told = {name.lower(): value for name, value in seen["headers"].items()}
    assert told["remote-email"] == MIA
    assert "remote-groups" not in told
    assertion = AssertionVerifier(issuer=f"{server.url}/auth", audience=wiki.removeprefix("http://")).verify(
        told["remote-assertion"]
    )
    assert assertion.subject == told["remote-user"] != "admin"
    assert "session=" not in told["cookie"].replace("session_forward", "")
    (cookie,) = [each for each in context.cookies(wiki) if each["name"] == "session_forward"]
    assert (cookie["domain"], cookie["path"], cookie["httpOnly"]) == ("wiki.localhost", "/", True)

    # A form of another site's page, a role that she has not, a path that two servers would read as two.
    page.goto(f"{server.url}/auth/account")
    assert premises.ask("/page", method="POST", Cookie=_pair(cookie), Origin="http://evil.localhost") == 403
    assert premises.ask("/page", method="POST", Cookie=_pair(cookie), Origin=wiki) == 200
    assert premises.ask("/admin/users", Cookie=_pair(cookie)) == 403
    assert premises.ask("/a/..%2fadmin", Cookie=_pair(cookie)) == 403
    assert premises.ask("/page", Cookie=_pair(cookie)) == 200

    page.goto(f"{server.url}/auth/sign-out")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    assert premises.ask("/page", Cookie=_pair(cookie)) == 303
    assert premises.ask("/page", Cookie=_pair(cookie), Sec_Fetch_Mode="cors") == 401
    page.goto(f"{wiki}/page")
    assert page.url.startswith(f"{server.url}/auth/sign-in?return_to=")
    context.close()


def _pair(cookie: Any) -> str:
    return f"{cookie['name']}={cookie['value']}"
