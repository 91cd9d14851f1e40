"""How doors like this one were opened elsewhere, tried on a project's own views."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.test import override_settings

from django_project import JSON, MIA, Site


def test_036_redirects_are_not_built_from_the_request(site: Site) -> None:
    """Neither Host nor a forwarded header decides where a wall leads."""
    with override_settings(ALLOWED_HOSTS=["*"], USE_X_FORWARDED_HOST=True):
        led = site.client.get("/theirs", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        ours = site.client.get("/vault", headers={"Accept": "text/html", "Host": "evil.example"})
    assert led.headers["Location"] == "/auth/sign-in?next=/theirs"
    assert ours.headers["Location"] == "http://localhost/auth/sign-in?return_to=/vault"


def test_068_no_answer_shows_a_token(site: Site) -> None:
    """Not even the page of an error, nor what the log says of a user or a session."""
    site.member()
    site.sign_in()
    token = site.client.cookies["session"].value
    for path in ("/order", "/greeting", "/auth/account", "/auth/api/sessions"):
        assert token not in site.client.get(path).content.decode()


class Granting:
    """A backend that only answers what somebody may."""

    def authenticate(self, *_: Any, **__: Any) -> Any:
        """Never be asked."""
        raise AssertionError("a permission backend signs nobody in")

    def has_perm(self, user: Any, perm: str, obj: Any = None) -> bool:
        """Grant one, and forbid another to everybody."""
        del obj
        if perm == "never":
            raise PermissionDenied
        return bool(user.is_active and perm == "shop.open")

    def get_all_permissions(self, user: Any, obj: Any = None) -> set[str]:
        """Say which."""
        del obj
        return {"shop.open"} if user.is_active else set()


def test_permission_backends_say_what_and_never_who(site: Site) -> None:
    """They are asked for permissions, and not for people (042)."""
    from django.conf import settings

    with override_settings(NIGHTLATCH={**settings.NIGHTLATCH, "permission_backends": [f"{__name__}.Granting"]}):
        user = site.member()
        site.sign_in(identifier=MIA)
        assert user.has_perm("shop.open")
        assert not user.has_perm("shop.close")
        assert not user.has_perm("never")
        assert user.get_all_permissions() == {"shop.open"}
        assert site.post("/json-sign-in", {"username": "mia", "password": "certainly not"}).status_code == 401
        assert site.client.get("/order", headers=JSON).status_code == 200
