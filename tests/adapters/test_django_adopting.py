"""A project with a user model of its own: its users sign in as before, and its code goes on as it did."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.core.checks import run_checks
from django.core.management import call_command
from django.db.models.signals import post_delete, post_save
from django.test import Client, override_settings

from django_project import SECRET, Site
from nightlatch.django.adoption import deleted, saved
from nightlatch.errors import Throttled
from nightlatch.records import Authenticator, User

OTHER = "another horse, another battery"
HASHERS = ["nightlatch.django.hasher.NightlatchPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
OLD = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def village(site: Site) -> Iterator[Site]:
    """The project as it is once Nightlatch has come, with Mia from before."""
    with override_settings(AUTH_USER_MODEL="people.Person"):
        with override_settings(PASSWORD_HASHERS=OLD):
            get_user_model().objects.create_user("mia", "mia@example.org", SECRET, town="Bergen")
        with override_settings(PASSWORD_HASHERS=HASHERS):
            post_save.connect(saved, dispatch_uid="nightlatch.saved")
            post_delete.connect(deleted, dispatch_uid="nightlatch.deleted")
            yield site
            post_save.disconnect(dispatch_uid="nightlatch.saved")
            post_delete.disconnect(dispatch_uid="nightlatch.deleted")


def person(username: str = "mia") -> object:
    """Return a row of the project's."""
    return get_user_model().objects.get(username=username)


def enter(site: Site, password: str = SECRET, username: str = "mia") -> Client:
    """Sign in by our JSON route."""
    client = Client()
    done = site.post("/auth/api/sign-in", {"identifier": username, "password": password}, client)
    client.status = done.status_code  # type: ignore[attr-defined]
    return client


def test_the_first_sign_in_upgrades_the_old_hash(village: Site) -> None:
    """Their table untouched until then; afterwards our mark is there, and the hash of today is in ours."""
    call_command("nightlatch", "adopt")
    before = person().password
    assert before.startswith("pbkdf2_sha256$")
    client = enter(village)
    assert client.get("/hello").json() == {"message": "Hello, mia"}
    (record,) = village.core.store.find(User, {"external_id": str(person().pk)})
    assert person().password == f"nightlatch${record.id}"
    (held,) = village.core.store.find(Authenticator, {"user_id": record.id})
    assert (held.password_hash or "").startswith("$argon2id$")
    assert person().town == "Bergen"
    assert enter(village).get("/hello").status_code == 200


def test_djangos_own_question_is_answered_by_the_gate(village: Site) -> None:
    """`check_password` on the project's model: the right one, a wrong one, and no more than the budget."""
    call_command("nightlatch", "adopt")
    enter(village)
    mia = person()
    assert mia.check_password(SECRET)
    assert not mia.check_password(OTHER)
    assert person().password == mia.password  # nothing was hashed anew there
    with pytest.raises(Throttled):
        [mia.check_password(OTHER) for _ in range(20)]


def test_without_our_hasher_the_mark_matches_nothing(village: Site) -> None:
    """Whoever forgets the setting lets nobody in by that column, and is told."""
    call_command("nightlatch", "adopt")
    enter(village)
    with override_settings(PASSWORD_HASHERS=OLD):
        assert not person().check_password(SECRET)
        assert "nightlatch.E007" in {each.id for each in run_checks()}


def test_063_what_project_code_sets_counts(village: Site) -> None:
    """`set_password` and `save`: every session ends, the old password is worth nothing, the new one signs in."""
    call_command("nightlatch", "adopt")
    client = enter(village)
    mia = person()
    mia.set_password(OTHER)
    mia.save()
    assert mia.check_password(OTHER)
    assert client.get("/hello").status_code == 302
    assert enter(village).status == 401
    fresh = enter(village, OTHER)
    assert fresh.get("/hello").status_code == 200
    assert person().password.startswith("nightlatch$")


def test_063_what_is_written_past_every_signal_is_seen_when_the_user_is_loaded(village: Site) -> None:
    """A hash put into the column by a query, and a user switched off by one."""
    from django.contrib.auth.hashers import make_password

    call_command("nightlatch", "adopt")
    client = enter(village)
    rows = get_user_model().objects.filter(username="mia")
    rows.update(password=make_password(OTHER))
    assert client.get("/hello").status_code == 302
    assert enter(village).status == 401
    client = enter(village, OTHER)
    rows.update(is_active=False)
    assert client.get("/hello").status_code == 302
    assert client.get("/auth/api/session").status_code == 401
    assert enter(village, OTHER).status == 401


def test_new_users_of_the_project_are_adopted_as_they_are_saved(village: Site) -> None:
    """And deleted with theirs; an unusable password signs nobody in."""
    leo = get_user_model().objects.create_user("leo", password=OTHER)
    assert enter(village, OTHER, "leo").get("/hello").status_code == 200
    get_user_model().objects.create_user("ann")
    assert enter(village, OTHER, "ann").status == 401
    key = str(leo.pk)
    leo.delete()
    assert village.core.store.find(User, {"external_id": key}) == []


def test_who_signs_up_by_our_pages_has_a_row_of_the_projects(village: Site) -> None:
    """Made at the first sight; the name that another has there is not taken from them."""
    begun = village.post("/auth/api/sign-up", {"email": "zoe@example.org", "username": "zoe", "password": SECRET})
    answer = {
        "attempt": begun.json()["attempt"],
        "authenticator": "email_code",
        "code": village.code("zoe@example.org"),
    }
    assert village.post("/auth/api/attempt/answer", answer).status_code == 200
    assert village.client.get("/hello").json() == {"message": "Hello, zoe"}
    zoe = person("zoe")
    assert (zoe.email, zoe.is_staff) == ("zoe@example.org", False)
    assert village.core.store.find(User, {"external_id": str(zoe.pk)})[0].email == "zoe@example.org"


def test_an_address_counts_only_if_settings_vouch(village: Site) -> None:
    """002: nobody knows who typed it there."""
    call_command("nightlatch", "adopt")
    assert enter(village, SECRET, "mia@example.org").status == 401
    assert authenticate(None, username="mia", password=SECRET) == person()


def test_an_address_that_settings_vouch_for_signs_in(village: Site) -> None:
    """The project has seen to it that its addresses were proven; and what is left out is told by key."""
    with override_settings(NIGHTLATCH={**settings.NIGHTLATCH, "vouch_for_addresses": True, "identifiers": "email"}):
        get_user_model().objects.create_user("no-address", password=OTHER)
        call_command("nightlatch", "adopt")
        assert enter(village, SECRET, "MIA@example.org").get("/hello").status_code == 200
        assert enter(village, SECRET, "mia").status == 401


def test_adopt_tells_who_has_nothing_to_sign_in_by(village: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """By key, with the reason."""
    with override_settings(NIGHTLATCH={**settings.NIGHTLATCH, "identifiers": "email"}):
        assert "nightlatch.W017" in {each.id for each in run_checks()}
        call_command("nightlatch", "adopt")
    assert f"user {person().pk}: nothing to sign in by" in capsys.readouterr().err
    del village


def test_who_was_suspended_here_stays_out_whatever_is_saved_there(village: Site) -> None:
    """063: `update_last_login` and its like undo nothing."""
    call_command("nightlatch", "adopt")
    village.core.operator.suspend(village.core.operator.find_user("mia").id)
    person().save()
    assert enter(village).status == 401
