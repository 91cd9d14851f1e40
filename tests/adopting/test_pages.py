"""The pages of docs/adopting, as written: each moves a small application of its kind, whose users then sign in."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import bcrypt
import passlib.hash
import pytest
from argon2 import PasswordHasher

pytestmark = pytest.mark.slow

PAGES = Path(__file__).parent.parent.parent / "docs" / "adopting"
PASSWORD = "a lantern at the harbour"
Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command in a folder of its own; the tools are those of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {"NIGHTLATCH_DEVELOPMENT": "1", "FLASK_APP": "app", "PYTHONPATH": str(tmp_path)}
    environment = {**os.environ, "PATH": path, "DATABASE_URL": f"sqlite:///{tmp_path / 'old.db'}", **settings}

    def command(line: str) -> str:
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    return command


def programs(page: str) -> dict[str, str]:
    """Return a page's programs by the file names that their first lines have."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return dict(blocks)


def commands(page: str) -> list[str]:
    """Return a page's commands; what they install is here."""
    blocks = re.findall(r"```sh\n(.*?)```", (PAGES / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if not line.startswith("pip install ")]


def as_written(page: str, folder: Path, run: Run) -> None:
    """Do what a page says: run the export, replace the application, run the import."""
    written = programs(page)
    (folder / "export_users.py").write_text(written.pop("export_users.py"))
    export, *rest = commands(page)
    run(export)
    for name, program in written.items():
        (folder / name).write_text(program)
    said = [run(each) for each in rest]
    assert "Nothing was written." in said[-2]
    assert said[-1].startswith(said[-2].split()[0] + " created, 0 updated, 0 there already")


def python(run: Run, program: str) -> Any:
    """Run a program that prints JSON."""
    return json.loads(run(f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}").splitlines()[-1])


# --- Flask-Login ----------------------------------------------------------------------------------------------------

FLASK_LOGIN = """
from datetime import datetime
from flask import Flask
from flask_login import LoginManager, UserMixin
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///shop.db"
app.config["SECRET_KEY"] = "old"
db = SQLAlchemy(app)
manager = LoginManager(app)
class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String, unique=True)
    name = db.Column(db.String)
    is_admin = db.Column(db.Boolean, default=False)
    active = db.Column(db.Boolean, default=True)
    created_at = db.Column(db.DateTime, default=datetime(2019, 5, 4))
    password_hash = db.Column(db.String)
    points = db.Column(db.Integer, default=0)
@manager.user_loader
def load(key):
    return db.session.get(User, int(key))
"""

FLASK_SIGN_IN = """
import json
from app import app
found = []
for number in range(4):
    client = app.test_client()
    body = {"identifier": f"user{number}@example.org", "password": "a lantern at the harbour"}
    status = client.post("/auth/api/sign-in", json=body).status_code
    found.append([status, client.get("/points", headers={"Accept": "application/json"}).json.get("points")])
print(json.dumps(found))
"""


def test_from_flask_login(tmp_path: Path, run: Run) -> None:
    """Hashes of Passlib's kinds; each user finds the row that was theirs; a deactivated one stays out."""
    (tmp_path / "app.py").write_text(FLASK_LOGIN)
    hashes = [
        passlib.hash.pbkdf2_sha256.using(rounds=1000).hash(PASSWORD),
        passlib.hash.sha512_crypt.using(rounds=1000).hash(PASSWORD),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        passlib.hash.phpass.using(rounds=7).hash(PASSWORD),
    ]
    fill = f"""
from app import User, app, db
with app.app_context():
    db.create_all()
    for number, text in enumerate({hashes!r}):
        db.session.add(User(email=f"user{{number}}@example.org", name="Mia", is_admin=not number, active=number < 3,
                            points=number * 10, password_hash=text))
    db.session.commit()
print("{{}}")
"""
    python(run, fill)
    as_written("from-flask-login.md", tmp_path, run)
    assert python(run, FLASK_SIGN_IN.replace("import app\n", "import app\napp.debug = True\n")) == [
        [200, 0],
        [200, 10],
        [200, 20],
        [401, None],
    ]
    assert json.loads(run("flask --debug nightlatch users show user0@example.org --json"))["roles"] == ["admin"]


# --- fastapi-users --------------------------------------------------------------------------------------------------

FASTAPI_SIGN_IN = """
import json, warnings
warnings.simplefilter("ignore")
from starlette.testclient import TestClient
from app import app
found = []
with TestClient(app, base_url="http://localhost:8000") as client:
    for number in range(4):
        client.cookies.clear()
        body = {"identifier": f"user{number}@example.org", "password": "a lantern at the harbour"}
        status = client.post("/auth/api/sign-in", json=body).status_code
        found.append([status, client.get("/orders").json().get("owner")])
print(json.dumps(found))
"""


def test_from_fastapi_users(tmp_path: Path, run: Run) -> None:
    """Its table as its SQLAlchemy adapter makes it; ids stay; whoever is inactive stays out."""
    ids = [str(uuid4()) for _ in range(4)]
    hashes = [
        PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
    ] * 2
    with sqlite3.connect(tmp_path / "old.db") as old:
        old.execute(
            "CREATE TABLE user (id CHAR(36) NOT NULL PRIMARY KEY, email VARCHAR(320) NOT NULL,"
            " hashed_password VARCHAR(1024) NOT NULL, is_active BOOLEAN NOT NULL, is_superuser BOOLEAN NOT NULL,"
            " is_verified BOOLEAN NOT NULL)"
        )
        for number, (key, text) in enumerate(zip(ids, hashes, strict=True)):
            row = (key, f"user{number}@example.org", text, number != 2, number == 0, True)
            old.execute("INSERT INTO user VALUES (?, ?, ?, ?, ?, ?)", row)
    old.close()
    as_written("from-fastapi-users.md", tmp_path, run)
    assert python(run, FASTAPI_SIGN_IN) == [[200, ids[0]], [200, ids[1]], [401, None], [200, ids[3]]]
    assert json.loads(run("nightlatch --app app:app users show user0@example.org --json"))["roles"] == ["admin"]


# --- django.contrib.auth --------------------------------------------------------------------------------------------

DJANGO_SETTINGS = """
SECRET_KEY = "old"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "old.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers." + name for name in
                    ("PBKDF2PasswordHasher", "ScryptPasswordHasher", "BCryptSHA256PasswordHasher")]
"""

DJANGO_FILL = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
from django.core.management import call_command
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
call_command("migrate", verbosity=0)
mia = User.objects.create_superuser("mia", "user0@example.org", "a lantern at the harbour", first_name="Mia")
mia.groups.add(Group.objects.create(name="Shop editors"))
for number, hasher in enumerate(("scrypt", "bcrypt_sha256"), 1):
    password = make_password("a lantern at the harbour", hasher=hasher)
    User.objects.create(username=f"user{number}", email=f"user{number}@example.org", password=password)
User.objects.create_user("user3", "user3@example.org", "a lantern at the harbour", is_active=False)
User.objects.create_user("user4", "user4@example.org")
print("{}")
"""

CORE_SIGN_IN = """
import json
from nightlatch.errors import InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.server.app import build
from nightlatch.server.config import load
from nightlatch.services.client import Client
auth = build(load(given={"data": "data"}))
found = []
for number in range(5):
    try:
        done = auth.sign_in.begin(Client(), identifier=f"user{number}@example.org",
                                  password=Secret("a lantern at the harbour"))
        found.append([done.user.external_id, done.user.name, done.user.roles])
    except InvalidCredentials:
        found.append(None)
auth.close()
print(json.dumps(found))
"""


def test_from_django(tmp_path: Path, run: Run) -> None:
    """PBKDF2, scrypt and bcrypt over SHA-256 at Django's own costs; groups are roles; no password, no way in by one."""
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite" / "settings.py").write_text(DJANGO_SETTINGS)
    python(run, DJANGO_FILL)
    as_written("from-django.md", tmp_path, run)
    assert python(run, CORE_SIGN_IN) == [
        ["1", "Mia", ["Shop-editors", "admin"]],
        ["2", None, []],
        ["3", None, []],
        None,
        None,
    ]
