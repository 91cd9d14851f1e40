"""Django's admin: signed in to through our pages, looked at, and acted on by flows alone."""

from __future__ import annotations

import pytest
from django.test import Client

from django_project import JSON, MIA, SECRET, Site
from nightlatch.records import Authenticator, Session, User

LISTS = ["user", "session", "authenticator", "event"]


@pytest.fixture
def boss(site: Site) -> Client:
    """An administrator, signed in, and Mia, signed in as well."""
    site.member("boss", is_superuser=True)
    site.member()
    site.sign_in()
    return site.sign_in(Client(), "boss")


def test_it_is_signed_in_to_through_our_pages(site: Site) -> None:
    """And only who is staff gets in; Django's own form is not there to be guessed at."""
    led = site.client.get("/admin/", follow=True)
    assert [where for where, _ in led.redirect_chain] == [
        "/admin/login/?next=/admin/",
        "/auth/sign-in?next=%2Fadmin%2F",
    ]
    assert site.client.post("/admin/login/", {"username": MIA, "password": SECRET}).status_code == 302
    site.member()
    site.sign_in()
    assert site.client.get("/admin/").status_code == 302
    site.member("boss", is_superuser=True)
    boss = site.sign_in(Client(), "boss")
    assert boss.get("/admin/password_change/").headers["Location"] == "/auth/account/security"


@pytest.mark.parametrize("name", LISTS)
def test_everything_is_there_to_look_at(boss: Client, name: str) -> None:
    """Lists, searches and rows; nothing can be added or deleted, and nothing secret is shown."""
    shown = boss.get(f"/admin/nightlatch/{name}/?q=mia")
    assert shown.status_code == 200
    row = shown.context["cl"].queryset.model.objects.first()
    page = boss.get(f"/admin/nightlatch/{name}/{row.pk}/change/")
    assert page.status_code == 200
    for secret in ("argon2", "secret_hash", "password_hash", "sealed"):
        assert secret not in page.content.decode()
    assert boss.get(f"/admin/nightlatch/{name}/add/").status_code == 403
    assert boss.get(f"/admin/nightlatch/{name}/{row.pk}/delete/").status_code == 403


def test_suspend_restore_and_revoke(site: Site, boss: Client) -> None:
    """By the same flows as everywhere: sessions end, and events say so."""
    (mia,) = site.core.store.find(User, {"username": "mia"})

    def act(what: str, model: str = "user", key: object = mia.id) -> None:
        path = f"/admin/nightlatch/{model}/"
        done = boss.post(path, {"action": what, "_selected_action": [str(key)]}, follow=True)
        assert done.status_code == 200
        assert [each.level_tag for each in done.context["messages"]] == ["success"]

    act("suspend")
    assert not site.client.get("/order").json()["signed_in"]
    proof = {"identifier": MIA, "password": SECRET}
    assert site.post("/auth/api/sign-in", proof).status_code == 401
    act("restore")
    site.sign_in()
    act("revoke_sessions")
    assert not site.client.get("/order").json()["signed_in"]
    site.sign_in()
    (session,) = site.core.store.find(Session, {"user_id": mia.id})
    act("revoke", "session", session.id)
    assert not site.client.get("/order").json()["signed_in"]


def test_no_row_is_changed_by_a_form(site: Site, boss: Client) -> None:
    """What is posted past the page's fields changes nothing but groups."""
    (mia,) = site.core.store.find(User, {"username": "mia"})
    done = boss.post(
        f"/admin/nightlatch/user/{mia.id}/change/",
        {"status": "suspended", "roles": '["admin"]', "email": "evil@example.org"},
        headers=JSON,
    )
    assert done.status_code in {200, 302}
    assert site.core.store.get(User, mia.id) == mia
    assert len(site.core.store.find(Authenticator, {"user_id": mia.id})) == 1
