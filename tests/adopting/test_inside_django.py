"""The page for a Django project that stays one, as written, on what `django-admin startproject` makes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "adopting" / "inside-django.md"
PEOPLE = """
from django.contrib.auth.models import User
User.objects.create_user("mia", "mia@example.org", "a lantern", first_name="Mia")
User.objects.create_user("leo", "leo@example.org", "a lantern", is_active=False)
User.objects.create_user("Mia", "other@example.org", "another one")
User.objects.create_superuser("boss", "boss@example.org", "a lantern")
"""
SIGN_IN = """
import json
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import Client

def status(name, password):
    client = Client(headers={"Host": "localhost:8000"})
    proof = {"identifier": name, "password": password}
    done = client.post("/auth/api/sign-in", proof, content_type="application/json").status_code
    return done, client.get("/admin/").status_code

print(json.dumps({
    "mia": status("mia", "a lantern"),
    "again": status("mia", "a lantern"),
    "wrong": status("mia", "another one"),
    "leo": status("leo", "a lantern"),
    "boss": status("boss", "a lantern"),
    "django": authenticate(None, username="mia", password="a lantern").first_name,
    "column": User.objects.get(username="mia").password.partition("$")[0],
    "untouched": User.objects.get(username="leo").password.partition("$")[0],
}))
"""


def test_as_written(tmp_path: Path) -> None:
    """Who was there signs in with the password they had, and who was not allowed to is not now."""

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": ""}
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout + done.stderr

    run(sys.executable, "-m", "django", "startproject", "shop", ".")
    manage = (sys.executable, "manage.py")
    run(*manage, "migrate")
    run(*manage, "shell", "-c", PEOPLE)
    for name, lines in re.findall(r"```python\n# (\S+), at its end\n(.*?)```", PAGE.read_text(), re.DOTALL):
        with (tmp_path / "shop" / name).open("a") as file:
            file.write(lines)
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    commands = [line.split() for block in blocks for line in block.splitlines() if line.startswith("python ")]
    said = [run(sys.executable, *each[1:]) for each in commands]
    assert "4 users, 4 adopted now." in said[1]
    assert "another user has that username" in said[1]
    assert "nightlatch.E" not in said[2]
    (told,) = (line for line in run(*manage, "shell", "-c", SIGN_IN).splitlines() if line.startswith("{"))
    found = json.loads(told)
    assert found == {
        "mia": [200, 302],
        "again": [200, 302],
        "wrong": [401, 302],
        "leo": [401, 302],
        "boss": [200, 200],
        "django": "Mia",
        "column": "nightlatch",
        "untouched": "pbkdf2_sha256",
    }
