"""Django's own views and forms on our users; and its functions from asynchronous code."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.checks import run_checks
from django.db import connections
from django.test import AsyncClient, Client, override_settings

from django_project import JSON, MIA, SECRET, Site
from nightlatch.records import Session

OTHER = "another horse, another battery"
VIEWS = "django_site.their_views"


@pytest.fixture
def theirs(site: Site) -> Site:
    """The project with Django's own views, and Mia."""
    site.member()
    return site


@override_settings(ROOT_URLCONF=VIEWS)
def test_djangos_login_and_logout_views(theirs: Site) -> None:
    """Their form, our gate: a session of ours, ended on the server."""
    page = theirs.client.get("/accounts/login/?next=/order")
    assert page.status_code == 200
    wrong = theirs.client.post("/accounts/login/", {"username": MIA, "password": OTHER})
    assert "correct" in wrong.content.decode()
    done = theirs.client.post("/accounts/login/?next=/order", {"username": MIA, "password": SECRET})
    assert (done.status_code, done.headers["Location"]) == (302, "/order")
    assert theirs.client.get("/order").json() == {"signed_in": True, "by_auth": True}
    assert theirs.client.get("/auth/api/session").status_code == 200
    theirs.client.post("/accounts/logout/")
    assert theirs.client.get("/order").json() == {"signed_in": False, "by_auth": False}
    assert theirs.core.store.find(Session, {"username": "mia"}) == []


@override_settings(ROOT_URLCONF=VIEWS)
def test_063_djangos_change_of_password_ends_every_session(theirs: Site) -> None:
    """The browser's own as well: only our page knows which one to keep."""
    theirs.sign_in()
    elsewhere = theirs.sign_in(Client())
    asked = {"old_password": SECRET, "new_password1": OTHER, "new_password2": OTHER}
    done = theirs.client.post("/accounts/password_change/", asked)
    assert done.status_code == 302, done.content
    for client in (theirs.client, elsewhere):
        assert not client.get("/order").json()["signed_in"]
    assert theirs.post("/auth/api/sign-in", {"identifier": MIA, "password": SECRET}, Client()).status_code == 401
    assert theirs.post("/auth/api/sign-in", {"identifier": MIA, "password": OTHER}, Client()).status_code == 200


@override_settings(ROOT_URLCONF=VIEWS)
def test_032_djangos_reset_links_are_refused(theirs: Site) -> None:
    """They are good until the password column changes, and our users have none: a link would be good twice."""
    del theirs
    found = {each.id: each for each in run_checks()}
    assert "password_reset_confirm" in found["nightlatch.E016"].msg
    with override_settings(ROOT_URLCONF="django_site.urls"):
        assert "nightlatch.E016" not in {each.id for each in run_checks()}


WALLED = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]


@pytest.mark.parametrize("middleware", [settings.MIDDLEWARE, WALLED], ids=["bare", "walled"])
@override_settings(ROOT_URLCONF=VIEWS)
def test_an_admin_site_of_the_projects_own(theirs: Site, middleware: list[str]) -> None:
    """Led to our page and back, whoever is not signed in; and who already may be there goes on at once."""
    theirs.member("boss", is_superuser=True)
    with override_settings(MIDDLEWARE=middleware):
        led = theirs.client.get("/office/login/?next=/office/auth/group/")
        assert led.headers["Location"] == "/auth/sign-in?next=%2Foffice%2Fauth%2Fgroup%2F"
        assert theirs.client.get("/office/", follow=True).request["PATH_INFO"] == "/auth/sign-in"
        boss = theirs.sign_in(Client(), "boss")
        assert boss.get("/office/auth/group/").status_code == 200
        assert boss.get("/office/login/").headers["Location"] == "/office/"
        assert boss.get("/office/password_change/").headers["Location"] == "/auth/account/security"
        assert boss.post("/office/logout/").status_code == 200
        assert boss.get("/auth/api/session").status_code == 401


def test_login_and_logout_tell_djangos_signals(theirs: Site) -> None:
    """Each once, with the user, while the request already knows."""
    said: list[tuple[str, Any, bool]] = []

    def entered(request: Any, user: Any, **_: Any) -> None:
        said.append(("in", user.get_username(), request.user.is_authenticated))

    def left(user: Any, **_: Any) -> None:
        said.append(("out", user.get_username(), True))

    user_logged_in.connect(entered)
    user_logged_out.connect(left)
    try:
        theirs.post("/json-sign-in", {"username": "mia", "password": SECRET})
        theirs.client.post("/sign-out")
    finally:
        user_logged_in.disconnect(entered)
        user_logged_out.disconnect(left)
    assert said == [("in", "mia", True), ("out", "mia", True)]


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a story, and let the thread's connections go."""

    async def whole() -> None:
        try:
            await story
        finally:
            await sync_to_async(connections.close_all)()

    asyncio.run(whole())


@pytest.mark.usefixtures("theirs")
@override_settings(ROOT_URLCONF=VIEWS)
def test_alogin_and_alogout() -> None:
    """Django's asynchronous functions, in an asynchronous view."""

    async def story() -> None:
        client = AsyncClient()
        proof = {"username": "mia", "password": "wrong, certainly wrong"}
        assert (await client.post("/a-sign-in", proof, content_type="application/json")).status_code == 401
        done = await client.post("/a-sign-in", {**proof, "password": SECRET}, content_type="application/json")
        assert done.json() == {"username": "mia", "signed_in": True}
        assert (await client.get("/auth/api/session", headers=JSON)).status_code == 200
        assert (await client.post("/a-sign-out")).json() == {"signed_in": False}
        assert (await client.get("/auth/api/session", headers=JSON)).status_code == 401

    run(story())


@pytest.mark.usefixtures("theirs")
def test_the_asynchronous_test_client() -> None:
    """`aforce_login`, `alogin`, `alogout`."""
    mia = get_user_model().objects.get_by_natural_key(MIA)

    async def story() -> None:
        client = AsyncClient()
        await client.aforce_login(mia)
        assert (await client.get("/order")).json()["signed_in"]
        await client.alogout()
        assert not (await client.get("/order")).json()["signed_in"]
        assert await client.alogin(username="mia", password=SECRET)
        assert (await client.get("/later")).json() == {"username": "mia"}

    run(story())


def test_the_asynchronous_face_of_users(site: Site) -> None:
    """`acreate_user`, `acheck_password`, `ahas_perm`."""

    async def story() -> None:
        model = get_user_model()
        made = await model.objects.acreate_user("mia", MIA, SECRET)
        boss = await model.objects.acreate_superuser("boss", "boss@example.org", SECRET)
        assert await made.acheck_password(SECRET)
        assert not await made.acheck_password(OTHER)
        assert await boss.ahas_perm("auth.add_group")
        assert not await made.ahas_perm("auth.add_group")

    run(story())
    site.sign_in()


def test_a_form_that_makes_a_bare_row_is_refused(site: Site) -> None:
    """Django's own form writes rows; an account is more, and the developer is told how one is made."""
    del site

    class SignUp(UserCreationForm):  # type: ignore[misc]
        class Meta:
            model = get_user_model()
            fields = ("email",)

    form = SignUp({"email": MIA, "password1": OTHER, "password2": OTHER})
    assert form.is_valid(), form.errors
    with pytest.raises(TypeError, match="create_user"):
        form.save()
