"""A remembered browser softens what is asked after it was idle, and nothing else (flaw classes 42, 47, 48, 50, 53)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from browsing import Browser
from house import PASSWORD, House
from nightlatch.errors import InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client
from nightlatch.settings import Sessions
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.sites import Site
from outstanding import LEO, NEW, Person

SECRET = PASSWORD.reveal()
OpenSite = Callable[[House], Site]


@pytest.fixture
def premises(open_site: OpenSite) -> Iterator[tuple[House, Site]]:
    """Open a house whose sessions end when they are idle, in each way there is."""
    house = House(MemoryStore(), sessions=Sessions(preset="aal2"))
    site = open_site(house)
    yield house, site
    site.close()
    house.auth.close()


class Mia(Person):
    """Mia, whose moves begin with a sign-in: the days that went by were too long for her session."""

    def confirm(self) -> None:
        """Sign in in her own browser, and prove all she has."""
        self.sign_in(self.browser)

    def remember(self, browser: Browser) -> Any:
        """Sign in, and let the browser be remembered."""
        step = self.done("/api/sign-in", browser, identifier=self.email, password=SECRET)
        body = {"attempt": step["attempt"], "authenticator": "totp", "code": self.app_code(), "remember_device": True}
        status, done = browser.call("POST", "/api/attempt/answer", body)
        assert (status, done["status"]) == (200, "complete")
        return done

    def softened(self, browser: Browser, **more: str) -> bool:
        """Tell whether, after hours, a password alone signs in there."""
        self.house.clock.advance(hours=2)
        assert browser.call("GET", "/api/session")[0] == 401
        body = {"identifier": self.email, "password": SECRET, **more}
        return bool(browser.call("POST", "/api/sign-in", body)[1]["status"] == "complete")


@pytest.fixture
def mia(premises: tuple[House, Site]) -> Mia:
    """Return Mia, who has an authenticator app."""
    return Mia(*premises, app=True)


def test_042_what_is_remembered_opens_no_other_door(mia: Mia) -> None:
    """For one user in one browser, by the password: not for tokens, nor a stranger, nor where it is to be enough."""
    mia.remember(mia.browser)
    assert not mia.softened(mia.stranger())
    assert not mia.softened(mia.browser, deliver="tokens")
    device = Secret(mia.browser.cookies["session_device"])
    with pytest.raises(InvalidCredentials):
        mia.house.auth.sign_in.prove(Client(device=device), identifier=mia.email, password=PASSWORD)
    wrong = {"identifier": mia.email, "password": SECRET.upper()}
    assert mia.browser.call("POST", "/api/sign-in", wrong)[0] == 401
    assert mia.softened(mia.browser)


def test_053_anothers_device_remembers_nothing_of_mine(premises: tuple[House, Site], mia: Mia) -> None:
    """Leo has his own remembered browser, and Mia's password: hers was never remembered there."""
    leo = Mia(*premises, app=True, email=LEO)
    leo.remember(leo.browser)
    assert not mia.softened(leo.browser)
    assert leo.softened(leo.browser), "her half a sign-in took nothing from him"


def test_047_nothing_that_is_asked_for_fresh_is_met_by_it(mia: Mia) -> None:
    """The password is fresh, what was held is as old as it is; and no limit moves."""
    ends = mia.remember(mia.browser)["session"]["expires_at"]
    assert mia.softened(mia.browser)
    session = mia.browser.call("GET", "/api/session")[1]["session"]
    assert (session["aal"], session["expires_at"]) == (2, ends)
    status, told = mia.browser.call("POST", "/api/authenticators/totp", {})
    assert (status, told["code"], told["aal"]) == (403, "reauthenticate", 2)
    for _ in range(9):
        assert mia.softened(mia.browser)
    mia.house.clock.advance(hours=4)
    assert not mia.softened(mia.browser), "a day after both factors were proven"


def test_048_what_is_removed_is_no_longer_remembered(mia: Mia) -> None:
    """In the very browser that is remembered she takes the app away that she proved, and keeps another."""
    mia.remember(mia.browser)
    proposal = mia.done("/api/authenticators/totp")
    other = AuthenticatorApp(proposal["secret"], mia.house.clock)
    mia.done("/api/authenticators/totp/confirm", id=proposal["id"], code=other.code().reveal())
    listed = mia.browser.call("GET", "/api/authenticators")[1]["authenticators"]
    used = next(each["id"] for each in listed if each["kind"] == "totp" and each["id"] != proposal["id"])
    assert mia.browser.call("DELETE", f"/api/authenticators/{used}")[0] == 200
    (row,) = mia.browser.call("GET", "/api/sessions")[1]["sessions"]
    assert (row["current"], row["remembered_until"]) == (True, None)
    assert not mia.softened(mia.browser)


def _sign_out(_mia: Mia, browser: Browser) -> None:
    assert browser.call("DELETE", "/api/session")[0] == 204


def _sign_out_elsewhere(mia: Mia, _browser: Browser) -> None:
    mia.sign_in(mia.browser)
    assert mia.browser.call("DELETE", "/api/sessions")[0] == 200


def _change_password(mia: Mia, _browser: Browser) -> None:
    mia.sign_in(mia.browser)
    for old, new in ((SECRET, NEW), (NEW, SECRET)):
        body = {"current_password": old, "new_password": new}
        assert mia.browser.call("PUT", "/api/account/password", body)[0] == 200


def _remove_and_bind(mia: Mia, _browser: Browser) -> None:
    mia.sign_in(mia.browser)
    listed = mia.browser.call("GET", "/api/authenticators")[1]["authenticators"]
    app = next(each["id"] for each in listed if each["kind"] == "totp")
    assert mia.browser.call("DELETE", f"/api/authenticators/{app}")[0] == 200
    proposal = mia.done("/api/authenticators/totp")
    mia.app = AuthenticatorApp(proposal["secret"], mia.house.clock)
    mia.done("/api/authenticators/totp/confirm", id=proposal["id"], code=mia.app.code().reveal())


def _suspend(mia: Mia, _browser: Browser) -> None:
    operator = mia.house.auth.operator
    user_id = operator.find_user(mia.email).id
    operator.suspend(user_id)
    operator.restore(user_id)


ENDS: Mapping[str, Callable[[Mia, Browser], None]] = {
    "signing out": _sign_out,
    "signing out everywhere else": _sign_out_elsewhere,
    "a new password": _change_password,
    "another app": _remove_and_bind,
    "suspension": _suspend,
}


@pytest.mark.parametrize("what", ENDS)
def test_050_it_ends_with_what_ends_access(mia: Mia, what: str) -> None:
    """Whatever ends a user's other sessions ends what their browsers are remembered for."""
    browser = mia.stranger()
    mia.remember(browser)
    assert mia.softened(browser), "so far it is"
    ENDS[what](mia, browser)
    assert not mia.softened(browser)
