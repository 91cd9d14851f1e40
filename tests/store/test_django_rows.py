"""What a project's own code sees of our rows through Django's models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta, timezone

import pytest

import django_databases
from nightlatch.django.models import Session, User
from nightlatch.django.store import DjangoStore
from nightlatch.records import Binding, Evidence
from nightlatch.records import Session as SessionRecord
from nightlatch.records import User as UserRecord
from nightlatch.testing.rows import NOW, a_session, a_user


@pytest.fixture
def store(new_database: Callable[[], str]) -> Iterator[DjangoStore]:
    """Return a store on an empty database, whose connections have a zone of their own."""
    with django_databases.migrated(new_database(), TIME_ZONE="Pacific/Chatham") as alias:
        yield DjangoStore(alias)


def test_models_read_what_the_store_wrote(store: DjangoStore) -> None:
    """The same values, and what a record has as a struct is a struct."""
    user = a_user(email="mia@example.org", roles=("staff",))
    session = a_session(user)
    store.insert(user)
    store.insert(session)
    row = User.objects.using(store.alias).get(pk=user.id)
    assert {name: getattr(row, name) for name in user.__struct_fields__} == {
        name: getattr(user, name) for name in user.__struct_fields__
    }
    read = Session.objects.using(store.alias).select_related("user").get(selector=session.selector)
    assert (read.user, read.user_id, read.secret_hash, read.created_at) == (row, user.id, session.secret_hash, NOW)
    assert isinstance(read.evidence[0], Evidence)
    assert read.evidence == session.evidence


def test_the_store_reads_what_models_wrote(store: DjangoStore) -> None:
    """A time of another zone is kept as the moment it is."""
    then = NOW.astimezone(timezone(timedelta(hours=-3)))
    user = a_user()
    store.insert(user)
    row = Session.objects.using(store.alias).create(
        selector="s", secret_hash=b"h", user_id=user.id, epoch=1, aal=1, amr=("pwd",), evidence=(),
        authenticated_at=then, created_at=then, last_seen_at=then, expires_at=then,
    )  # fmt: skip
    found = store.get(SessionRecord, row.pk)
    assert found is not None
    assert (found.user_id, found.amr, found.created_at, found.deliver) == (user.id, ("pwd",), NOW, "cookie")
    assert found.binding == Binding()
    assert found.created_at.tzinfo is UTC


def test_times_can_be_filtered_and_ordered_by(store: DjangoStore) -> None:
    """Six digits everywhere, so that texts sort as times."""
    moments = [NOW + timedelta(microseconds=each) for each in (0, 1, 999_999, 1_000_000)]
    for moment in reversed(moments):
        store.insert(a_user(created_at=moment))
    users = User.objects.using(store.alias)
    assert list(users.order_by("created_at").values_list("created_at", flat=True)) == moments
    assert users.filter(created_at__gt=moments[1], created_at__lte=moments[3]).count() == 2


def test_text_is_compared_by_code_points(store: DjangoStore) -> None:
    """No collation makes two names one, and none pads."""
    for name in ("mia", "Mia", "mía", "mia "):
        store.insert(a_user(name=name))
    assert User.objects.using(store.alias).filter(name="mia").count() == 1


def test_who_is_active_or_staff_is_computed(store: DjangoStore) -> None:
    """From ``status`` and ``roles``, by the database: filterable, and never at odds with what the core sees."""
    store.insert(a_user(name="member"))
    store.insert(a_user(name="staff", roles=("editor", "staff")))
    store.insert(a_user(name="admin", roles=("admin", "editor")))
    store.insert(a_user(name="both", roles=("staff", "admin")))
    store.insert(a_user(name="likewise", roles=("administrator", 'my"admin"', "admin,staff", 'x","staff')))
    store.insert(a_user(name="suspended", roles=("admin",), status="suspended"))

    def named(**condition: bool) -> set[str]:
        return set(User.objects.using(store.alias).filter(**condition).values_list("name", flat=True))

    assert named(is_active=False) == {"suspended"}
    assert named(is_superuser=True) == {"admin", "both", "suspended"}
    assert named(is_staff=True) == {"staff", "admin", "both", "suspended"}
    row = User.objects.using(store.alias).get(name="staff")
    assert (row.is_active, row.is_staff, row.is_superuser) == (True, True, False)
    store.update(UserRecord, {"name": "staff"}, {"status": "suspended", "roles": ()})
    row.refresh_from_db()
    assert (row.is_active, row.is_staff, row.is_superuser) == (False, False, False)


def test_a_row_can_be_saved_by_django(store: DjangoStore) -> None:
    """What is written the core finds."""
    user = a_user()
    session = a_session(user)
    store.insert(user)
    store.insert(session)
    row = Session.objects.using(store.alias).get(pk=session.id)
    row.user_agent = "Mía's"
    row.save()
    found = store.get(SessionRecord, session.id)
    assert found is not None
    assert found.user_agent == "Mía's"


def test_deleting_a_user_in_django_deletes_what_hangs_on_it(store: DjangoStore) -> None:
    """The database cascades, whichever way a user goes."""
    user = a_user()
    store.insert(user)
    store.insert(a_session(user))
    assert User.objects.using(store.alias).filter(pk=user.id).delete()[0] == 1
    assert not Session.objects.using(store.alias).exists()


def test_groups_and_permissions_are_djangos_own(store: DjangoStore) -> None:
    """They can be given to our users, asked for, and go with them."""
    from django.contrib.auth.models import Group

    user = a_user()
    store.insert(user)
    row = User.objects.using(store.alias).get(pk=user.id)
    group = Group.objects.using(store.alias).create(name="editors")
    row.groups.add(group)
    assert list(group.user_set.all()) == [row]
    assert store.delete(UserRecord, {"id": user.id}) == 1
    assert not User.groups.through.objects.using(store.alias).exists()
