"""A project's databases: replicas, more than one, requests in transactions, Django's `TestCase`; and what is read."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connections
from django.test import Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from django_databases import database, migrated
from django_project import MIA, SECRET, Site
from nightlatch.errors import ConfigurationError
from nightlatch.records import Session, ThrottleCounter, User

WRONG = "certainly not the password"


class Led:
    """A router that leads our tables: reading to one alias, writing to another."""

    def __init__(self, *, reads: str, writes: str) -> None:
        self._reads, self._writes = reads, writes

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        """Answer for ours alone."""
        return self._reads if model._meta.app_label == "nightlatch" else None

    def db_for_write(self, model: Any, **_: Any) -> str | None:
        """Answer for ours alone."""
        return self._writes if model._meta.app_label == "nightlatch" else None

    def allow_relation(self, *_: Any, **__: Any) -> bool:
        """Let groups be in the other database."""
        return True


@pytest.fixture
def lagging(site: Site, tmp_path: Path) -> Iterator[Site]:
    """The project with a replica that lags so far behind that it has not even heard of our tables."""
    with (
        database(f"sqlite:///{tmp_path / 'replica.db'}") as replica,
        override_settings(DATABASE_ROUTERS=[Led(reads=replica, writes="default")]),
    ):
        yield site


def test_063_a_replica_is_never_asked(lagging: Site) -> None:
    """Who is signed in, and what is read of a user at first use: the primary knows of what was revoked."""
    assert {each.id for each in run_checks() if str(each.id).startswith("nightlatch.")} == set()
    user = lagging.member(name="Mia Smith")
    lagging.sign_in()
    assert lagging.client.get("/hello").status_code == 200
    assert authenticate(None, username="mia", password=SECRET).name == "Mia Smith"
    user.refresh_from_db()
    user.name = "Mia Jones"
    user.save()
    assert get_user_model().objects.get_by_natural_key(MIA).name == "Mia Jones"
    assert lagging.client.get("/name").text == "Mia Jones"
    lagging.core.operator.suspend(user.pk)
    assert lagging.client.get("/order").json()["signed_in"] is False


def test_the_admin_shows_the_primary(lagging: Site) -> None:
    """Whoever revokes must see what there is."""
    lagging.member("boss", is_superuser=True)
    lagging.member()
    boss = lagging.sign_in(identifier="boss")
    shown = boss.get("/admin/nightlatch/session/")
    assert shown.status_code == 200
    assert shown.context["cl"].result_count == 1
    done = boss.post(
        "/admin/nightlatch/user/",
        {"action": "suspend", "_selected_action": [str(get_user_model().objects.get_by_natural_key("mia").pk)]},
    )
    assert done.status_code == 302
    assert lagging.core.operator.find_user("mia").status == "suspended"


def test_another_alias_than_the_default(site: Site, tmp_path: Path) -> None:
    """`database` names it, and a router leads Django's own commands there."""
    with migrated(f"sqlite:///{tmp_path / 'accounts.db'}") as alias:
        changed = {"NIGHTLATCH": {**settings.NIGHTLATCH, "database": alias}}
        with override_settings(**changed, DATABASE_ROUTERS=[Led(reads=alias, writes=alias)]):
            assert {each.id for each in run_checks() if str(each.id).startswith("nightlatch.")} == set()
            site.member()
            site.sign_in()
            assert site.client.get("/hello").json() == {"message": "Hello, mia"}
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT count(*) FROM nightlatch_user")
                assert cursor.fetchone() == (0,)
        with override_settings(**changed):
            assert "nightlatch.E010" in {each.id for each in run_checks()}


@pytest.fixture
def atomic(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The project with ``ATOMIC_REQUESTS``, and Mia."""
    site.member()
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    return site


def test_075_our_routes_count_outside_the_requests_transaction(atomic: Site) -> None:
    """What a refusal has counted stays, though Django would undo what a refused request has written."""
    for _ in range(10):
        assert atomic.post("/auth/api/sign-in", {"identifier": MIA, "password": WRONG}).status_code == 401
    assert atomic.core.store.find(ThrottleCounter, {"count": 10})
    assert atomic.post("/auth/api/sign-in", {"identifier": MIA, "password": SECRET}).status_code == 429
    client = Client(REMOTE_ADDR="192.0.2.7")
    assert client.get("/auth/sign-in").status_code == 200


def test_authenticate_says_what_to_write(atomic: Site) -> None:
    """The decorator, by name; and a request that signs in with it."""
    with pytest.raises(ConfigurationError, match=r"@transaction\.non_atomic_requests"):
        atomic.post("/json-sign-in", {"username": "mia", "password": SECRET})
    done = atomic.post("/own-transactions", {"username": "mia", "password": SECRET})
    assert done.json() == {"username": "mia", "level": 1}
    assert atomic.client.get("/hello").status_code == 200


def test_walls_sign_out_and_admin_within_a_requests_transaction(atomic: Site) -> None:
    """What counts nothing may join the transaction."""
    atomic.member("boss", is_superuser=True)
    boss = atomic.sign_in(Client(), "boss")
    atomic.sign_in()
    mia = atomic.core.operator.find_user("mia")
    chosen = {"action": "revoke_sessions", "_selected_action": [str(mia.id)]}
    assert boss.post("/admin/nightlatch/user/", chosen).status_code == 302
    assert atomic.client.get("/hello").status_code == 302
    atomic.sign_in()
    assert atomic.client.post("/sign-out").json() == {"signed_in": False, "by_auth": False}
    assert atomic.core.store.find(Session, {"user_id": mia.id}) == []


def test_inside_djangos_test_case(site_database: Path) -> None:
    """A `TestCase` holds a transaction open around each test, which is no reason to refuse."""
    del site_database

    class Story(TestCase):
        databases = ("default",)

        def test_sign_in(self) -> None:
            user = get_user_model().objects.create_user("mia", MIA, SECRET)
            for _ in range(2):
                assert authenticate(None, username="mia", password=WRONG) is None
            assert self.client.login(username="mia", password=SECRET)
            assert self.client.get("/hello").status_code == 200
            self.client.force_login(user)
            assert self.client.get("/hello").status_code == 200
            proof = {"identifier": MIA, "password": SECRET}
            done = Client().post("/auth/api/sign-in", proof, content_type="application/json")
            assert done.status_code == 200, done.content

    result = unittest.TestResult()
    unittest.TestSuite([Story("test_sign_in")]).run(result)
    assert result.wasSuccessful(), [text for _, text in result.failures + result.errors]
    assert get_user_model().objects.count() == 0


@contextmanager
def counted() -> Iterator[CaptureQueriesContext]:
    """Count what is asked of the database."""
    with CaptureQueriesContext(connections["default"]) as asked:
        yield asked


@pytest.fixture
def _live(monkeypatch: pytest.MonkeyPatch) -> None:
    """See a request as it is outside a test run, which alone looks into Django's session for a token."""
    monkeypatch.setattr("nightlatch.django.identity.under_test_runner", lambda: False)


@pytest.mark.usefixtures("_live")
def test_one_read_a_request(site: Site) -> None:
    """One row of one index for who is signed in and how sure; none for who does not ask; a second for another field."""
    site.member(name="Mia Smith")
    site.sign_in()
    site.client.get("/order")
    for path, reads in (("/public", 0), ("/order", 1), ("/hello", 1), ("/theirs", 1), ("/name", 2)):
        with counted() as asked:
            assert site.client.get(path).status_code == 200
        assert len(asked) == reads, (path, asked.captured_queries)
    with connections["default"].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked.captured_queries[0]['sql']}")
        (plan,) = cursor.fetchall()
    assert "USING INDEX" in plan[3]


@pytest.mark.usefixtures("_live")
def test_two_reads_where_the_project_has_its_own_users(site: Site) -> None:
    """The session's row, and the project's."""
    with override_settings(AUTH_USER_MODEL="people.Person"):
        get_user_model().objects.create_user("mia", MIA, SECRET)
        call_command("nightlatch", "adopt")
        assert site.post("/auth/api/sign-in", {"identifier": "mia", "password": SECRET}).status_code == 200
        site.client.get("/hello")
        with counted() as asked:
            assert site.client.get("/hello").status_code == 200
        assert len(asked) == 2, asked.captured_queries
        assert site.core.store.find(User, {"username": "mia"})
