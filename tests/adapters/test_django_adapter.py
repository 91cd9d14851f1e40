"""A Django project with Nightlatch: its own routes, and who they see."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from django.db import connections
from django.test import AsyncClient, Client

from django_project import JSON, MIA, PAGE, SECRET, Site
from nightlatch.errors import NotAuthenticated
from nightlatch.records import Authenticator, Session


def test_sign_up_hello_sign_out(site: Site) -> None:
    """By JSON, with the mailed code, to the project's own view; and out again, on the server."""
    begun = site.post("/auth/api/sign-up", {"email": MIA, "username": "mia", "password": SECRET})
    assert begun.status_code == 202, begun.content
    answer = {"attempt": begun.json()["attempt"], "authenticator": "email_code", "code": site.code(MIA)}
    assert site.post("/auth/api/attempt/answer", answer).status_code == 200
    assert site.client.get("/hello").json() == {"message": "Hello, mia"}
    token = site.client.cookies["session"].value
    assert site.client.delete("/auth/api/session").status_code == 204
    assert site.client.get("/order").json() == {"signed_in": False, "by_auth": False}
    with pytest.raises(NotAuthenticated):
        site.core.sessions.recognise(token)


def test_the_pages_are_there(site: Site) -> None:
    """Every path below the mount is ours, with our headers, and so is what is not there."""
    shown = site.client.get("/auth/sign-in", headers=PAGE)
    assert shown.status_code == 200
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    named = re.search(r'"(/auth/static/nightlatch\.css\?v=\w+)"', shown.content.decode())
    assert named
    assert site.client.get(named[1]).headers["Cache-Control"].endswith("immutable")
    lost = site.client.get("/auth/nowhere", headers=JSON)
    assert (lost.status_code, lost.json()["code"]) == (404, "not_found")
    odd = site.client.generic("PROPFIND", "/auth/api/session")
    assert (odd.status_code, odd.headers["Allow"]) == (405, "DELETE, GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", ["/hello", "/theirs", "/groups"])
def test_djangos_walls_lead_to_our_page_and_back(site: Site, path: str) -> None:
    """`login_required`, `LoginRequiredMixin` and `permission_required` as Django documents them."""
    led = site.client.get(path)
    assert (led.status_code, led.headers["Location"]) == (302, f"/auth/sign-in?next={path}")
    shown = site.client.get(led.headers["Location"], headers=PAGE)
    assert f'value="{path}"' in shown.text


def test_who_may_not_is_shown_the_form_and_not_sent_in_circles(site: Site) -> None:
    """Django's permission wall leads to the sign-in page whoever lacks the permission, signed in or not."""
    site.member()
    site.sign_in()
    led = site.client.get("/groups")
    assert site.client.get(led.headers["Location"], headers=PAGE).status_code == 200


def test_our_guards_answer_pages_and_programs(site: Site) -> None:
    """Nobody, the wrong role, not sure enough: a way to the page for people, a problem for programs."""
    led = site.client.get("/reports?a=1", headers=PAGE)
    assert led.status_code == 303
    assert led.headers["Location"] == "http://localhost/auth/sign-in?return_to=/reports%3Fa%3D1"
    assert site.client.get("/reports", headers=JSON).json()["code"] == "not_authenticated"
    user = site.member()
    site.sign_in()
    assert site.client.get("/reports", headers=JSON).json()["code"] == "forbidden"
    site.core.operator.set_roles(user.pk, ("editor",))
    assert site.client.get("/reports").json() == {"roles": ["editor"]}
    sure = site.client.get("/very-sure", headers=JSON)
    assert (sure.status_code, sure.json()["code"], sure.json()["aal"]) == (403, "reauthenticate", 2)


def test_a_fresh_proof_is_asked_for_again(site: Site) -> None:
    """The way leads to the page that asks for the password, and back."""
    site.member()
    site.sign_in()
    assert site.client.get("/vault").json() == {"amr": ["pwd"]}
    session = site.core.store.find(Session, {"username": "mia"})[0]
    old = session.evidence[0].verified_at - timedelta(hours=1)
    aged = tuple(type(each)(**{**_fields(each), "verified_at": old}) for each in session.evidence)
    site.core.store.update(Session, {"id": session.id}, {"evidence": aged})
    led = site.client.get("/vault", headers=PAGE)
    assert led.headers["Location"] == "http://localhost/auth/reauthenticate?return_to=/vault"
    assert site.client.get("/vault", headers=JSON).status_code == 403


def test_a_route_that_asks_for_what_cannot_be_phished(site: Site) -> None:
    """A page is led to confirm, and back; a program is told the attempt to begin; such a proof is let pass."""
    site.member()
    site.sign_in()
    led = site.client.get("/unphishable", headers=PAGE)
    assert (
        led.headers["Location"] == "http://localhost/auth/reauthenticate?phishing_resistant=true&return_to=/unphishable"
    )
    told = site.client.get("/unphishable", headers=JSON).json()
    begin = {"url": "http://localhost/auth/api/reauthenticate", "body": {"phishing_resistant": True}}
    assert (told["code"], told["phishing_resistant"], told["begin"]) == ("reauthenticate", True, begin)
    session = site.core.store.find(Session, {"username": "mia"})[0]
    proofs = tuple(type(each)(**{**_fields(each), "phishing_resistant": True}) for each in session.evidence)
    site.core.store.update(Session, {"id": session.id}, {"evidence": proofs})
    assert site.client.get("/unphishable").status_code == 200


def _fields(struct: object) -> dict[str, object]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}  # type: ignore[attr-defined]


def test_one_indexed_read_for_a_request_that_asks(site: Site) -> None:
    """The session's row alone says who; a request that does not ask reads nothing, and caches may know."""
    site.member()
    site.sign_in()
    assert "Cookie" not in site.client.get("/public").headers.get("Vary", "")
    assert "Cookie" in site.client.get("/hello").headers["Vary"]
    assert site.client.get("/greeting").text == MIA
    assert Client().get("/greeting").text == "stranger"


def test_roles_make_staff_and_superusers(site: Site) -> None:
    """One source of truth for every framework: the role is taken away, and so is the admin, at the next request."""
    boss = site.member("boss", is_staff=True, is_superuser=True)
    site.sign_in(identifier="boss")
    assert site.client.get("/groups").status_code == 200
    assert site.client.get("/admin/").status_code == 200
    site.core.operator.set_roles(boss.pk, ())
    assert site.client.get("/groups").status_code == 302
    assert site.client.get("/admin/").status_code == 302


def test_under_asgi_the_same(site: Site) -> None:
    """Sign-in, an asynchronous view, our guard and Django's wall; nothing of it on the event loop."""
    site.member()

    async def story() -> None:
        client = AsyncClient()
        assert (await client.get("/later", headers=JSON)).status_code == 401
        done = await client.post(
            "/auth/api/sign-in", f'{{"identifier": "{MIA}", "password": "{SECRET}"}}', content_type="application/json"
        )
        assert done.status_code == 200, done.content
        assert (await client.get("/later")).json() == {"username": "mia"}
        assert (await client.get("/hello")).json() == {"message": "Hello, mia"}
        assert (await client.delete("/auth/api/session")).status_code == 204
        assert (await client.get("/hello")).status_code == 302

    asyncio.run(_and_close(story()))


async def _and_close(story: object) -> None:
    from asgiref.sync import sync_to_async

    await story  # type: ignore[misc]
    await sync_to_async(connections.close_all)()


def test_a_suspended_user_is_gone_at_once(site: Site) -> None:
    """063: by the next request to the project's own views."""
    user = site.member()
    site.sign_in()
    site.core.operator.suspend(user.pk)
    assert site.client.get("/hello").status_code == 302
    assert site.client.get("/auth/api/session").status_code == 401


def test_hashes_are_in_our_table_alone(site: Site) -> None:
    """A user has no password column, and what Django asks about passwords is answered by the core."""
    user = site.member()
    assert user.password is None
    assert user.last_login is None
    assert user.has_usable_password()
    assert user.check_password(SECRET)
    assert not user.check_password("certainly not the password")
    assert len(site.core.store.find(Authenticator, {"user_id": user.pk})) == 1
