"""An application's own Flask-Migrate leaves our tables alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nightlatch.storage.sql import SqlStore, migrate, pending
from nightlatch.testing.rows import a_user

pytestmark = pytest.mark.slow

SHOP = """
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from nightlatch.storage.sql import include_object

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///{path}"
db = SQLAlchemy(app)


class Book(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(80), index=True)


Migrate(app, db{option})
"""


def _flask_db(folder: Path, *words: str) -> None:
    # In a process of its own: Flask-Migrate sets up logging as its ini file says.
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop", "db", *words],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout


def _shop(folder: Path, option: str) -> str:
    """Write an application beside our tables and return the first revision that its Alembic makes."""
    path = folder / "shop.db"
    migrate(f"sqlite:///{path}")
    (folder / "shop.py").write_text(SHOP.format(path=path, option=option))
    _flask_db(folder, "init")
    _flask_db(folder, "migrate", "-m", "books")
    (revision,) = (folder / "migrations" / "versions").glob("*.py")
    return revision.read_text()


def test_the_applications_migrations_pass_our_tables_by(tmp_path: Path) -> None:
    """With `include_object` a new revision makes the application's tables and names none of ours."""
    revision = _shop(tmp_path, ", include_object=include_object")
    assert "create_table('book'" in revision
    assert "ix_book_title" in revision
    assert "nightlatch" not in revision

    url = f"sqlite:///{tmp_path / 'shop.db'}"
    store = SqlStore.open(url)
    user = a_user()
    store.insert(user)
    _flask_db(tmp_path, "upgrade")
    _flask_db(tmp_path, "downgrade")
    assert store.find(type(user), {"id": user.id}) == [user]
    assert pending(url) == []
    store.close()


def test_without_it_they_would_be_dropped(tmp_path: Path) -> None:
    """What the documentation warns of is so."""
    assert "drop_table('nightlatch_user'" in _shop(tmp_path, "")
