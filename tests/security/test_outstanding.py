"""What is out when something happens to an account: each event, each secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from house import House
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.sites import Site
from outstanding import MIA, NEW, SECRETS, Person, Works
from sites import direct


def _password(mia: Person) -> None:
    body = {"current_password": "correct horse battery staple", "new_password": NEW}
    assert mia.browser.call("PUT", "/api/account/password", body)[0] == 200


def _suspended(mia: Person) -> None:
    operator = mia.house.auth.operator
    operator.suspend(operator.find_user(MIA).id)


def _suspended_and_restored(mia: Person) -> None:
    _suspended(mia)
    operator = mia.house.auth.operator
    operator.restore(operator.find_user(MIA).id)


def _closed(mia: Person) -> None:
    mia.confirm()
    assert mia.browser.call("POST", "/api/account/close", {})[0] == 202


def _closed_and_kept(mia: Person) -> None:
    _closed(mia)
    mia.done("/api/stop", mia.stranger(), link=mia.house.link(MIA).reveal())


def _erased(mia: Person) -> None:
    operator = mia.house.auth.operator
    operator.delete(operator.find_user(MIA).id)


def _signed_out_elsewhere(mia: Person) -> None:
    assert mia.browser.call("DELETE", "/api/sessions")[0] == 200


def _address_changed(mia: Person) -> None:
    mia.confirm()
    step = mia.done("/api/account/email", email="mia@new.example")
    step = mia.answer(step, "email_code", code=mia.house.code("mia@new.example").reveal())
    if step["status"] == "more":
        step = mia.answer(step, "email_code", code=mia.house.code(MIA).reveal())
    assert step["user"]["email"] == "mia@new.example"


def _app_bound(mia: Person) -> None:
    mia.confirm()
    proposal = mia.done("/api/authenticators/totp")
    app = AuthenticatorApp(proposal["secret"], mia.house.clock)
    mia.done("/api/authenticators/totp/confirm", id=proposal["id"], code=app.code().reveal())


EVENTS: Mapping[str, Callable[[Person], None]] = {
    "password changed": _password,
    "recovered": Person.recover,
    "suspended": _suspended,
    "suspended and restored": _suspended_and_restored,
    "closed": _closed,
    "closed and kept": _closed_and_kept,
    "erased": _erased,
    "signed out elsewhere": _signed_out_elsewhere,
    "address changed": _address_changed,
    "app bound": _app_bound,
}


SURVIVES: Mapping[str, set[str]] = {
    # A new address ends no access: whoever made the change has just proven twice who he is.
    "session": {"address changed"},
    "remembered device": {"address changed"},
    "access token": {"address changed"},
    "refresh token": {"address changed"},
    # A program's key is not the person's session: it ends where nobody is there who acts, or the account does.
    "API key": {"app bound", "address changed", "signed out elsewhere", "password changed"},
    "half a sign-in": {"app bound", "address changed", "signed out elsewhere"},
    # Signing out elsewhere is about sessions: it is no word that a mailbox or a password was lost.
    "reauthentication": {"signed out elsewhere"},
    "recovery's code": {"signed out elsewhere"},
    "recovery's link": {"signed out elsewhere"},
    "proven recovery": {"signed out elsewhere"},
    "new address's code": {"signed out elsewhere"},
    # It can only stop, and a first app leaves it that.
    "stop of a change": {"app bound", "signed out elsewhere"},
    "operator's link": {"signed out elsewhere"},
}
"""Which events each secret outlives. Whatever is not named here ends it."""


def out_for(house: House, site: Site, secret: str) -> tuple[Person, Works]:
    """Return somebody for whom a secret is out, and how to tell whether it still works."""
    with_app, begin = SECRETS[secret]
    mia = Person(house, site, app=with_app)
    return mia, begin(mia)


@pytest.mark.parametrize("secret", SECRETS)
def test_032_every_event_and_every_secret(secret: str) -> None:
    """Alone it works; after each event it does exactly where the table says so."""
    alive = set()
    for event in ("nothing", *EVENTS):
        house = House(MemoryStore())
        mia, works = out_for(house, direct(house), secret)
        if event != "nothing":
            EVENTS[event](mia)
        if works():
            alive.add(event)
        house.auth.close()
    assert alive == {"nothing", *SURVIVES[secret]}


@pytest.mark.parametrize("secret", SECRETS)
def test_032_063_who_is_suspended_has_no_access_of_any_kind(open_site: Callable[[House], Site], secret: str) -> None:
    """Through every way in: what was out is worth nothing, also when the account is restored."""
    house = House(MemoryStore())
    site = open_site(house)
    mia, works = out_for(house, site, secret)
    _suspended(mia)
    assert not works()
    house.auth.operator.restore(house.auth.operator.find_user(MIA).id)
    assert not works()
    site.close()
    house.auth.close()


@pytest.mark.parametrize("event", ["changed", "removed"])
def test_032_a_recovery_does_not_outlive_its_address(event: str) -> None:
    """Who has proven a mailbox chooses no password once it is no longer the account's."""
    house = House(MemoryStore())
    mia = Person(house, direct(house))
    identifier = MIA
    if event == "removed":
        identifier = "mia@work.example"
        step = mia.done("/api/account/email", email=identifier, keep_old=True)
        step = mia.answer(step, "email_code", code=house.code(identifier).reveal())
        mia.answer(step, "email_code", code=house.code(MIA).reveal())
    thief = mia.stranger()
    step = mia.done("/api/recover", thief, identifier=identifier)
    step = mia.answer(step, "email_code", thief, code=house.code(identifier).reveal())
    if event == "changed":
        _address_changed(mia)
    else:
        emails = mia.browser.call("GET", "/api/account")[1]["identifiers"]
        gone = next(each["id"] for each in emails if each["value"] == identifier)
        assert mia.browser.call("DELETE", f"/api/account/emails/{gone}")[0] == 204
    status, problem = thief.call("POST", "/api/attempt/answer", {"attempt": step["attempt"], "new_password": NEW})
    assert (status, problem["code"]) == (410, "attempt_invalid")
    house.auth.close()
