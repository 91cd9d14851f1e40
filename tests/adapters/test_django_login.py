"""Django's own words: authenticate, login, logout, force_login, signals, permissions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import aauthenticate, authenticate, get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import connections
from django.test import Client

from django_project import MIA, SECRET, Site
from nightlatch.django.signals import security_event
from nightlatch.errors import ConfigurationError, NotAuthenticated, Throttled
from nightlatch.records import Authenticator, Event, Session

GOOD = {"username": "mia", "password": SECRET}


@contextmanager
def heard(*signals: Any) -> Iterator[list[tuple[Any, Any]]]:
    """Collect what signals say: the signal and its user."""
    said: list[tuple[Any, Any]] = []

    def hear(sender: Any, signal: Any, **told: Any) -> None:
        del sender
        said.append((signal, told.get("user")))

    for each in signals:
        each.connect(hear)
    try:
        yield said
    finally:
        for each in signals:
            each.disconnect(hear)


def test_authenticate_and_login_start_a_session_of_ours(site: Site) -> None:
    """By user name or address; with our cookies, seen by our routes, listed among the devices."""
    site.member()
    for name in ("mia", MIA, "MIA"):
        client = Client()
        done = site.post("/json-sign-in", {**GOOD, "username": name}, client)
        assert (done.status_code, done.json()) == (200, {"username": "mia", "level": 1})
        assert {"session", "session_device"} <= set(client.cookies)
        assert client.get("/auth/api/session").json()["session"]["amr"] == ["pwd"]
        assert client.get("/hello").status_code == 200


def test_a_wrong_password_is_none(site: Site) -> None:
    """And counts: the right one is not even looked at past the budget."""
    site.member()
    for _ in range(10):
        assert site.post("/json-sign-in", {**GOOD, "password": "certainly not this"}).status_code == 401
    refused = site.post("/json-sign-in", GOOD)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    with pytest.raises(Throttled):
        authenticate(None, **GOOD) or [authenticate(None, **{**GOOD, "username": "mia"}) for _ in range(20)]


def test_042_who_needs_more_than_a_password_is_not_authenticated(site: Site) -> None:
    """`authenticate()` returns a user only if a password alone meets that user's policy."""
    user = site.member()
    site.core.store.update(Authenticator, {"user_id": user.pk}, {"must_change": True})
    assert authenticate(None, **GOOD) is None
    assert site.post("/json-sign-in", GOOD).status_code == 401


def test_042_login_takes_only_whom_the_gate_has_passed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user from the database is nobody: an error for the developer, and no session."""
    site.member()
    monkeypatch.setattr("nightlatch.django.signals.under_test_runner", lambda: False)
    with pytest.raises(ConfigurationError, match=r"login\(\) signs in whom authenticate\(\)"):
        site.client.post("/just-log-in")
    assert site.core.store.find(Session, {"username": "mia"}) == []
    assert site.client.get("/order").json()["signed_in"] is False


def test_an_assurance_is_good_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user object that was logged in with signs nobody in again."""
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    site.member()
    user = authenticate(None, **GOOD)
    monkeypatch.setattr("nightlatch.django.signals.under_test_runner", lambda: False)
    for again in (False, True):
        request = HttpRequest()
        request.session = SessionStore()
        if not again:
            login(request, user)
            continue
        with pytest.raises(ConfigurationError):
            login(request, user)
        assert not request.user.is_authenticated
        assert "_auth_user_id" not in request.session


def test_063_suspended_between_authenticate_and_login(site: Site) -> None:
    """What the gate saw is matched again: no session, nobody signed in."""
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    from nightlatch.errors import AttemptInvalid

    site.member()
    user = authenticate(None, **GOOD)
    site.core.operator.suspend(user.pk)
    request = HttpRequest()
    request.session = SessionStore()
    with pytest.raises(AttemptInvalid):
        login(request, user)
    assert site.core.store.find(Session, {"username": "mia"}) == []


def test_logout_ends_the_session_on_the_server(site: Site) -> None:
    """And Django's own session is emptied, as it always was."""
    site.member()
    site.post("/json-sign-in", GOOD)
    site.client.get("/basket?put=apples")
    token = site.client.cookies["session"].value
    out = site.client.post("/sign-out")
    assert out.json() == {"signed_in": False, "by_auth": False}
    assert out.cookies["session"].value == ""
    with pytest.raises(NotAuthenticated):
        site.core.sessions.recognise(token)
    assert site.client.get("/basket").json() == {"basket": None}


def test_djangos_session_is_nobodys_authority(site: Site) -> None:
    """042: what `login()` wrote there, presented without our cookie, is nobody."""
    site.member()
    site.post("/json-sign-in", GOOD)
    thief = Client()
    thief.cookies["sessionid"] = site.client.cookies["sessionid"].value
    assert thief.get("/basket?put=pears").status_code == 200
    assert thief.get("/order").json() == {"signed_in": False, "by_auth": False}
    assert thief.get("/hello").status_code == 302


def test_the_test_clients_shortcuts(site: Site) -> None:
    """`force_login`, `login` and `logout` of Django's test client."""
    user = site.member()
    for enter in (lambda c: c.force_login(user), lambda c: c.login(**GOOD)):
        client = Client()
        enter(client)
        assert client.get("/hello").json() == {"message": "Hello, mia"}
        client.logout()
        assert client.get("/hello").status_code == 302
    assert site.core.store.find(Session, {"username": "mia"}) == []
    assert not Client().login(username="mia", password="certainly not this")


def test_what_force_login_leaves_is_nobody_outside_a_test_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token in Django's session is looked at under the test runner alone."""
    client = Client()
    client.force_login(site.member())
    assert client.get("/order").json()["signed_in"]
    monkeypatch.setattr("nightlatch.django.identity.under_test_runner", lambda: False)
    assert not client.get("/order").json()["signed_in"]


def test_our_routes_tell_django(site: Site) -> None:
    """Signals, and a new key for Django's session: sign-in, refusal and sign-out do what Django's functions do."""
    site.member()
    site.client.get("/basket?put=apples")
    before = site.client.cookies["sessionid"].value
    with heard(user_logged_in, user_logged_out, user_login_failed) as said:
        wrong = {"identifier": MIA, "password": "certainly not the password"}
        assert site.post("/auth/api/sign-in", wrong).status_code == 401
        site.sign_in()
        assert site.client.cookies["sessionid"].value != before
        assert site.client.get("/basket").json() == {"basket": "apples"}
        site.client.delete("/auth/api/session")
    assert [signal for signal, _ in said] == [user_login_failed, user_logged_in, user_logged_out]
    assert [user.username for _, user in said if user] == ["mia", "mia"]
    assert site.client.get("/basket").json() == {"basket": None}


def test_tokens_sign_nobody_in_to_djangos_session(site: Site) -> None:
    """Who asks for tokens gets no session of Django's: no signal, no new key, nothing in it, at sign-up or sign-in."""
    with heard(user_logged_in, user_logged_out) as said:
        wishes = {"email": MIA, "username": "mia", "password": SECRET, "deliver": "tokens"}
        begun = site.post("/auth/api/sign-up", wishes)
        assert begun.status_code == 202, begun.content
        answer = {"attempt": begun.json()["attempt"], "authenticator": "email_code", "code": site.code(MIA)}
        done = site.post("/auth/api/attempt/answer", answer)
        assert done.json()["token_type"] == "Bearer", done.content
        site.client.get("/basket?put=apples")
        before = site.client.cookies["sessionid"].value
        wishes = {"identifier": MIA, "password": SECRET, "deliver": "tokens"}
        granted = site.post("/auth/api/sign-in", wishes)
        assert granted.json()["token_type"] == "Bearer"
        assert site.client.cookies["sessionid"].value == before
        site.client.delete("/auth/api/session", headers={"authorization": f"Bearer {granted.json()['access_token']}"})
    assert said == []


def test_what_another_user_left_is_emptied(site: Site) -> None:
    """A browser that another user has used: their things in Django's session are not the next one's."""
    site.member()
    site.member("leo")
    site.sign_in()
    site.client.get("/basket?put=apples")
    site.sign_in(identifier="leo")
    assert site.client.get("/basket").json() == {"basket": None}
    site.client.get("/basket?put=pears")
    site.post("/json-sign-in", GOOD)
    assert site.client.get("/basket").json() == {"basket": None}


def test_inside_a_transaction_it_says_what_to_write(site: Site) -> None:
    """Counts that the request's rollback would undo bound nothing."""
    site.member()
    with pytest.raises(ConfigurationError, match="non_atomic_requests"):
        site.post("/atomic-sign-in", GOOD)


def test_authenticate_from_asynchronous_code(site: Site) -> None:
    """In a thread: nothing is hashed on the event loop."""
    site.member()

    async def story() -> Any:
        from asgiref.sync import sync_to_async

        found = await aauthenticate(None, **GOOD)
        await sync_to_async(connections.close_all)()
        return found

    assert asyncio.run(story()).username == "mia"


def test_permissions_are_djangos(site: Site) -> None:
    """A user's own, a group's, a superuser's; and the users who have one."""
    user, member, boss = site.member(), site.member("leo"), site.member("boss", is_superuser=True)
    permission = Permission.objects.get(codename="add_group")
    user.user_permissions.add(permission)
    group = Group.objects.create(name="editors")
    group.permissions.add(permission)
    member.groups.add(group)
    model = get_user_model()
    fresh = {each.username: each for each in model.objects.all()}
    assert fresh["mia"].has_perm("auth.add_group")
    assert fresh["mia"].get_user_permissions() == {"auth.add_group"}
    assert fresh["leo"].get_group_permissions() == {"auth.add_group"}
    assert not fresh["leo"].has_perm("auth.delete_group")
    assert fresh["boss"].has_perm("auth.delete_group")
    assert fresh["leo"].has_module_perms("auth")
    names = {each.username for each in model.objects.with_perm("auth.add_group")}
    assert names == {"mia", "leo", "boss"}
    assert {e.username for e in model.objects.with_perm("auth.add_group", include_superusers=False)} == {"mia", "leo"}
    site.core.operator.suspend(user.pk)
    assert not model.objects.get(pk=user.pk).has_perm("auth.add_group")
    assert {each.username for each in model.objects.with_perm("auth.add_group")} == {"leo", "boss"}
    assert boss.is_staff is False or boss.is_superuser


def test_an_old_proof_does_not_log_in(site: Site) -> None:
    """The gate's word is good for as long as a sign-in may take."""
    from nightlatch.django.signals import ASSURANCE

    site.member()
    user = authenticate(None, **GOOD)
    assurance = user.__dict__[ASSURANCE]
    assurance.authenticated_at -= timedelta(minutes=11)
    from nightlatch.errors import AttemptInvalid

    with pytest.raises(AttemptInvalid):
        site.core.sign_in.start(__import__("nightlatch.services.client", fromlist=["NOBODY"]).NOBODY, assurance)


def test_a_signal_tells_of_every_event_and_a_receiver_that_fails_changes_nothing(site: Site) -> None:
    """`security_event` carries the event itself, refusals among them."""
    told: list[str] = []

    def fail(**_: Any) -> None:
        raise RuntimeError("a fault of the project's")

    def hear(event: Event, **_: Any) -> None:
        told.append(event.action)

    site.member()
    for each in (fail, hear):
        security_event.connect(each)
    try:
        assert site.post("/json-sign-in", GOOD, Client()).status_code == 200
        assert site.post("/json-sign-in", {**GOOD, "password": "another one"}, Client()).status_code != 200
    finally:
        for each in (fail, hear):
            security_event.disconnect(each)
    assert "authn_login_success" in told
    assert "authn_login_fail" in told
