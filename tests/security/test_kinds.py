"""Every secret that is handed out, at every door there is: only its own opens (adversary 25, 30)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from browsing import Browser
from house import House
from nightlatch.errors import NightlatchError
from nightlatch.primitives.opaque import Kind, issue
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.sites import Site
from outstanding import LEO, MIA, Person

NEW = "an entirely different sentence"
_visitors = count(1)


@pytest.fixture
def mia(open_site: Callable[[House], Site]) -> Iterator[Person]:
    """Return somebody with everything that can be handed out."""
    house = House(MemoryStore())
    site = open_site(house)
    yield Person(house, site)
    site.close()
    house.auth.close()


def handed_out(mia: Person) -> dict[str, str]:
    """Return one of everything, each kind of attempt and link apart."""
    house, other = mia.house, mia.stranger()
    tokens = mia.sign_in(mia.stranger(), deliver="tokens")
    mia.confirm()
    found = {
        "session": mia.browser.cookies["session"],
        "device": mia.browser.cookies["session_device"],
        "access": tokens["access_token"],
        "refresh": tokens["refresh_token"],
        "API key": mia.done("/api/api-keys", name="a program")["key"],
        "attempt to change": mia.done("/api/account/email", email="mia@home.example")["attempt"],
        "attempt to confirm": mia.done("/api/reauthenticate")["attempt"],
        "attempt to recover": mia.done("/api/recover", other, identifier=MIA)["attempt"],
        "link to recover": house.link(MIA).reveal(),
        "attempt to sign up": mia.done("/api/sign-up", other, email=LEO)["attempt"],
        "link to sign up": house.link(LEO).reveal(),
        "attempt to sign in": mia.done("/api/sign-in", other, identifier=MIA)["attempt"],
        "visitor": (other.get("/sign-in"), other.cookies["session_visitor"])[1],
        "form": mia.browser.get("/account").body.decode().partition('csrf_token" value="')[2].partition('"')[0],
    }
    user = house.auth.operator.find_user(MIA)
    _, handed = house.auth.operator_recovery.start(user, to=None)
    invited = house.auth.invitations.invite(email="zoe@example.org")
    assert handed is not None
    assert invited is not None
    house.deliver()
    stops = [mail for mail in house.mails if "stop?link=" in mail.text]
    found |= {
        "operator's link": handed.reveal(),
        "invitation": invited.reveal(),
        "link to stop": stops[-1].text.partition("link=")[2].split()[0],
    }
    return found | {f"forged {kind.name}": issue(kind).text() for kind in Kind}


# --- the doors: each takes a secret and tells whether it opened ---


def _rides_on(mia: Person, **headers: str) -> bool:
    return _stranger(mia).call("GET", "/api/session", **headers)[0] == 200


def _opens(mia: Person, path: str, **body: Any) -> bool:
    status, _ = _stranger(mia).call("POST", path, body)
    assert status in {200, 400, 401, 403, 410, 422}, (path, status)
    return status == 200


def _stranger(mia: Person) -> Browser:
    number = next(_visitors)
    return Browser(mia.site, peer=f"203.{number // 250}.{number % 250}.7")


def _recognised(mia: Person, token: str) -> bool:
    try:
        mia.house.auth.api_keys.recognise(token)
    except NightlatchError:
        return False
    return True


def _form(mia: Person, token: str) -> bool:
    browser = Browser(mia.site, peer=mia.browser.peer, cookies=dict(mia.browser.cookies))
    return browser.post("/account", csrf_token=token, name="Mia").status in {200, 303}


def _as_visitor(mia: Person, token: str) -> bool:
    browser = _stranger(mia)
    browser.cookies["session_visitor"] = token
    browser.get("/sign-in")
    return browser.cookies["session_visitor"] == token


def _invited(mia: Person, token: str) -> bool:
    browser = _stranger(mia)
    return browser.get(f"/invitation?link={token}").status == 200


DOORS: Mapping[str, tuple[set[str], Callable[[Person, str], bool]]] = {
    "session's cookie": ({"session"}, lambda mia, token: _rides_on(mia, cookie=f"session={token}")),
    "bearer": ({"access"}, lambda mia, token: _rides_on(mia, authorization=f"Bearer {token}")),
    "API key": ({"API key"}, _recognised),
    "refresh": ({"refresh"}, lambda mia, token: _opens(mia, "/api/token/refresh", refresh_token=token)),
    "begin an attempt's code": (
        {"attempt to sign up", "attempt to recover", "attempt to change"},
        lambda mia, token: _opens(mia, "/api/attempt/begin", attempt=token, authenticator="email_code"),
    ),
    "set a password": (set(), lambda mia, token: _opens(mia, "/api/attempt/answer", attempt=token, new_password=NEW)),
    "bind an app": (set(), lambda mia, token: _opens(mia, "/api/authenticators/totp", attempt=token)),
    "form": ({"form"}, _form),
    "visitor's cookie": ({"visitor"}, _as_visitor),
    "invitation": ({"invitation"}, _invited),
    "link": ({"link to sign up", "link to recover"}, lambda mia, token: _opens(mia, "/api/attempt/link", link=token)),
    "stop": ({"link to stop"}, lambda mia, token: _opens(mia, "/api/stop", link=token)),
}
"""Every door, and what opens it. Those that use a link up come last."""


def test_030_every_secret_at_every_door(mia: Person) -> None:
    """Only the diagonal opens, and whatever was tried before, its own door opens then."""
    secrets = handed_out(mia)
    for door, (keys, opens) in DOORS.items():
        for name, secret in secrets.items():
            if name not in keys:
                assert not opens(mia, secret), (door, name)
    for door, (keys, opens) in DOORS.items():
        for name in sorted(keys):
            assert opens(mia, secrets[name]), (door, name)
