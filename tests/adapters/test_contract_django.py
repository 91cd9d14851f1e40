"""Django keeps to the adapters' contract, under WSGI and ASGI: bare, and behind all that projects put before views."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
from django.test import override_settings
from django.urls import clear_script_prefix

from django_project import asgi, open_project, wsgi
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.adapter_contract import CONVERSATIONS, AdapterContract, Premises
from nightlatch.testing.browser import header
from nightlatch.testing.sites import Sent, Site

OURS = "nightlatch.django.middleware.NightlatchMiddleware"
FULL = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    OURS,
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def django_site(premises: Premises, *, middleware: list[str], make: Callable[[], Site]) -> Site:
    """Open a project on the premises."""
    with_parts = {"store": MemoryStore(), "mailer": premises.mailbox, "clock": premises.clock}
    site, core = open_project(premises.settings, make, middleware=middleware, **with_parts)
    premises.run_by(core)
    return site


BARE = [OURS]
CANNOT = {"bare_mount": "a project writes path('auth/'), and its CommonMiddleware adds the slash"}
_NEGOTIATED = {"Accept-Language"}


class BehindTheFullStack(AdapterContract):
    """What Django's own middleware adds to any answer is told apart: its cookies, its language, what both depend on."""

    cannot: ClassVar = {**CANNOT, "odd_host": "CommonMiddleware refuses what is no host name with 400"}

    def ours(self, name: str, value: str) -> str | None:
        """Return what of a header is ours."""
        if name == "vary":
            return ", ".join(each for each in value.split(", ") if each not in _NEGOTIATED) or None
        theirs = name == "set-cookie" and value.lstrip().startswith(("sessionid=", "csrftoken="))
        return None if theirs or name == "content-language" else value


class TestWsgi(AdapterContract):
    """A bare project."""

    cannot = CANNOT

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: django_site(premises, middleware=BARE, make=wsgi)


class TestAsgi(AdapterContract):
    """The same under ASGI."""

    cannot = CANNOT

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: django_site(premises, middleware=BARE, make=asgi)


class TestWsgiBehindTheFullStack(BehindTheFullStack):
    """None of it holds our routes up."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: django_site(premises, middleware=FULL, make=wsgi)


class TestAsgiBehindTheFullStack(BehindTheFullStack):
    """The same under ASGI."""

    @pytest.fixture
    def open_site(self) -> Callable[[Premises], Site]:
        """Open a site."""
        return lambda premises: django_site(premises, middleware=FULL, make=asgi)


@pytest.mark.parametrize("make", [wsgi, asgi])
def test_a_forced_prefix(make: Callable[[], Site]) -> None:
    """Where the proxy strips the prefix and `FORCE_SCRIPT_NAME` names it, the same is said."""
    (told,) = (each for each in CONVERSATIONS if each.name == "proxies.prefix_stripped")
    with override_settings(FORCE_SCRIPT_NAME="/shop"):
        BehindTheFullStack().test_conversation(lambda premises: django_site(premises, middleware=FULL, make=make), told)
    clear_script_prefix()


def test_what_surrounds_it_is_at_work() -> None:
    """The wall, the form guard, language and session do hold the project's own routes; the mount leads to itself."""
    site = django_site(CONVERSATIONS[0].premises(), middleware=FULL, make=wsgi)
    walled = site.send(Sent(method="GET", target="/order"))
    assert (walled.status, header(walled, "location")) == (302, "/auth/sign-in?next=/order")
    assert header(walled, "content-language") == "en"
    assert site.send(Sent(method="POST", target="/order")).status == 403
    slashed = site.send(Sent(method="GET", target="/auth"))
    assert (slashed.status, header(slashed, "location")) == (301, "/auth/")
    site.close()
