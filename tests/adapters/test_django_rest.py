"""Django REST framework on our session."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_project import JSON, Site


@pytest.fixture
def rest(site: Site) -> Site:
    """The project with REST framework's routes, and Mia."""
    site.member()
    return site


@override_settings(ROOT_URLCONF="django_site.rest")
def test_who_it_is_and_how_sure(rest: Site) -> None:
    """401 with a challenge for nobody; the user and our `auth` for somebody."""
    nobody = rest.client.get("/me")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Session")
    rest.sign_in()
    assert rest.client.get("/me").json() == {"username": "mia", "aal": 1}


@override_settings(ROOT_URLCONF="django_site.rest")
def test_019_an_unsafe_request_from_elsewhere_is_nobody(rest: Site) -> None:
    """REST framework's views are exempt from Django's CSRF form guard: our rule of origins stands in for it."""
    rest.sign_in()
    assert rest.post("/me", {}, **{"Sec-Fetch-Site": "cross-site"}).status_code == 401
    assert rest.post("/me", {}, Origin="http://evil.example").status_code == 401


@override_settings(ROOT_URLCONF="django_site.rest")
def test_a_refusal_in_a_view_is_our_answer(rest: Site) -> None:
    """A fresh proof that is missing, as a problem document."""
    rest.sign_in()
    refused = rest.post("/me", {}, **{**JSON, "Sec-Fetch-Site": "same-origin"})
    assert (refused.status_code, refused.json()["code"]) == (403, "reauthenticate")
