"""Django's models describe the very tables that the other frameworks work on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from django.db import connections, models

import django_databases
from databases import described
from nightlatch.django.models import model_of
from nightlatch.records import RECORDS, Record
from nightlatch.storage.sql.tables import metadata, table_of


def test_the_tables_are_the_same(new_database: Callable[[], str]) -> None:
    """Columns, types, null, collations, keys and what they cascade, unique constraints, indexes: no difference."""
    climbed, made = new_database(), new_database()
    metadata.create_all(sa.create_engine(made, poolclass=sa.NullPool))
    with django_databases.migrated(climbed):
        for table in metadata.sorted_tables:
            assert described(climbed, table.name) == described(made, table.name)


def test_the_models_say_what_the_tables_are(new_database: Callable[[], str]) -> None:
    """Tables made from the models alone would have the same columns: a field that is forgotten, or other, shows."""
    bare, made = new_database(), new_database()
    metadata.create_all(sa.create_engine(made, poolclass=sa.NullPool))
    with django_databases.database(bare) as alias, connections[alias].schema_editor() as editor:
        for kind in RECORDS:
            model = model_of(kind)
            editor.create_model(model)
            # Read before the transaction ends, where it is one.
            assert model._meta.db_table == table_of(kind).name
        editor.deferred_sql.clear()
    for kind in RECORDS:
        name = table_of(kind).name
        # What a column is computed from is the ladder's text in both, which SQLAlchemy reads back in various ways.
        bare_columns, made_columns = (described(each, name)["columns"] for each in (bare, made))
        assert [each[:4] for each in bare_columns] == [each[:4] for each in made_columns], name


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_the_models_say_what_constrains_the_tables(kind: type[Record]) -> None:
    """Primary key, unique constraints, indexes and references, by their names where Django knows them by name."""
    table, meta = table_of(kind), model_of(kind)._meta
    assert meta.pk.column == "id"
    fields = meta.local_fields
    unique = {(each.name, _columns(meta, each.fields)) for each in meta.constraints}
    assert unique | {(None, (each.column,)) for each in fields if each._unique and not each.primary_key} == {
        (f"uq_{table.name}_{'_'.join(each.columns.keys())}", tuple(each.columns.keys()))
        for each in table.constraints
        if isinstance(each, sa.UniqueConstraint)
    }
    indexes = {_columns(meta, each.fields) for each in meta.indexes}
    assert indexes | {(each.column,) for each in fields if each.db_index} == {
        tuple(each.columns.keys()) for each in table.indexes
    }
    references = {
        (each.column, each.related_model._meta.db_table, each.target_field.column)
        for each in fields
        if isinstance(each, models.ForeignKey)
    }
    assert references == {(key.parent.name, key.column.table.name, key.column.name) for key in table.foreign_keys}


def _columns(meta: Any, fields: Any) -> tuple[str, ...]:
    return tuple(meta.get_field(name).column for name in fields)


@pytest.mark.parametrize("user_model", ["nightlatch.User", "auth.User"])
def test_there_is_no_migration_to_make(user_model: str) -> None:
    """Whether or not the project's users are ours."""
    done = _project(
        "call_command('makemigrations', check=True, dry_run=True)", f"AUTH_USER_MODEL = {user_model!r}", ":memory:"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes detected" in done.stdout


@pytest.mark.parametrize("user_model", ["nightlatch.User", "auth.User"])
def test_a_project_checks_clean(user_model: str) -> None:
    """Nothing to warn of, and groups lead back to users only where those are ours."""
    done = _project(
        """
from django.contrib.auth.models import Group
call_command("check", fail_level="WARNING")
print(Group._meta.get_field("user").related_model._meta.label)
""",
        f"AUTH_USER_MODEL = {user_model!r}\n{_SOUND}",
        ":memory:",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == user_model


def test_other_migrations_than_ours_are_refused(tmp_path: Path) -> None:
    """Tables that Django made of the models would lack what the ladder's have: the system check says so."""
    done = _project("call_command('check')", "MIGRATION_MODULES = {'nightlatch': None}", str(tmp_path / "db"))
    assert done.returncode != 0
    assert "nightlatch.E014" in done.stderr


def test_nothing_of_sqlalchemy_is_needed(tmp_path: Path) -> None:
    """`nightlatch[django]` brings neither SQLAlchemy nor Alembic: the tables are made and worked on without."""
    done = _project(
        """
from nightlatch.records import User
call_command("migrate", verbosity=0)
store, user = DjangoStore(), a_user()
store.insert(user)
assert store.get(User, user.id) == user
print(sorted(name for name in sys.modules if name.partition(".")[0] in {"sqlalchemy", "alembic"}))
""",
        "",
        str(tmp_path / "db"),
        before="""
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"sqlalchemy", "alembic", "flask", "werkzeug"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
""",
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_times_are_utc_in_a_project_without_zones(tmp_path: Path) -> None:
    """Whatever USE_TZ and TIME_ZONE say, the store and the models keep one moment."""
    done = _project(
        """
from nightlatch.django.models import User as Model
from nightlatch.records import User
call_command("migrate", verbosity=0)
store, user = DjangoStore(), a_user()
store.insert(user)
assert store.get(User, user.id) == user
assert Model.objects.get(created_at=user.created_at).created_at == user.created_at
with connection.cursor() as cursor:
    cursor.execute("SELECT created_at || '' FROM nightlatch_user")
    print(cursor.fetchone()[0])
""",
        "USE_TZ = False; TIME_ZONE = 'Pacific/Chatham'",
        str(tmp_path / "db"),
    )
    assert done.stdout.strip() == "2026-11-24 12:00:00.000000", done.stderr


_SOUND = """
    INSTALLED_APPS = [
        "nightlatch.django", "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware", "nightlatch.django.middleware.NightlatchMiddleware"
    ]
    AUTHENTICATION_BACKENDS = ["nightlatch.django.backend.NightlatchBackend"]
    PASSWORD_HASHERS = ["nightlatch.django.hasher.NightlatchPasswordHasher"]
    NIGHTLATCH = {
        "base_url": "https://shop.example",
        "secret_keys": ["k" * 40 + "0123456789"],
        "mail": {"transport": "smtp"},
        "identifiers": "email_and_username",
    }
"""

_PROGRAM = """
import sys
{before}
import django
from django.conf import settings
class Site:
    SECRET_KEY = "of a project in tests"
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "nightlatch.django"]
    DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {name!r}}}}}
    {settings}
settings.configure(**{{name: value for name, value in vars(Site).items() if name.isupper()}})
django.setup()

from django.core.management import call_command
from django.db import connection
from nightlatch.django.store import DjangoStore
from nightlatch.testing.rows import a_user
{then}
"""


def _project(then: str, settings: str, name: str, before: str = "") -> subprocess.CompletedProcess[str]:
    # In a process of its own: Django is set up once.
    program = _PROGRAM.format(before=before, settings=settings, name=name, then=then)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
