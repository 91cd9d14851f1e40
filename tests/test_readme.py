"""The README's applications, as written, from an empty folder."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent

Call = Callable[..., tuple[int, Any]]


def block(heading: str, number: int = 0) -> str:
    """Return a Python block below a heading."""
    text = (ROOT / "README.md").read_text().partition(f"## {heading}\n")[2]
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)[number]


FLASK = ["flask", "--app", "app", "--debug", "run", "--no-reload", "--port"]
UVICORN = ["uvicorn", "app:app", "--port"]


@pytest.mark.parametrize(
    ("program", "command"),
    [
        pytest.param(block("In Flask"), FLASK, id="Flask"),
        pytest.param((ROOT / "examples/flask_app/app.py").read_text(), FLASK, id="Flask's example"),
        pytest.param(block("In FastAPI"), UVICORN, id="FastAPI"),
        pytest.param((ROOT / "examples/fastapi_app/app.py").read_text(), UVICORN, id="FastAPI's example"),
    ],
)
def test_as_written(tmp_path: Path, program: str, command: list[str]) -> None:
    """Sign up by JSON, read the code from the terminal, prove, say hello, sign out."""
    (tmp_path / "app.py").write_text(program)
    run_and_converse(tmp_path, ["-m", *command])
    assert (tmp_path / "instance" / "nightlatch_key").stat().st_mode & 0o777 == 0o600


MANAGE = ["manage.py", "runserver", "--noreload"]


def test_django_as_written(tmp_path: Path) -> None:
    """The same in what `django-admin startproject` makes, with the README's lines added."""
    subprocess.run([sys.executable, "-m", "django", "startproject", "shop", str(tmp_path)], check=True)
    settings = tmp_path / "shop" / "settings.py"
    settings.write_text(settings.read_text() + block("In Django"))
    (tmp_path / "shop" / "urls.py").write_text(block("In Django", 1))
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=tmp_path, check=True)
    run_and_converse(tmp_path, MANAGE)
    assert (tmp_path / "nightlatch_key").stat().st_mode & 0o777 == 0o600


def test_djangos_example(tmp_path: Path) -> None:
    """As it is; and its own sign-in and sign-out, by Django's functions."""
    shutil.copytree(ROOT / "examples" / "django_project", tmp_path / "project")
    project = tmp_path / "project"
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity=0"], cwd=project, check=True)
    run_and_converse(project, MANAGE, then=by_djangos_functions)


def run_and_converse(folder: Path, command: list[str], then: Callable[[Call], None] = lambda _: None) -> None:
    """Start the application that is in a folder, and talk to it."""
    port, output = free_port(), folder / "output"
    with output.open("w") as file:
        running = subprocess.Popen(
            [sys.executable, *command, str(port)],
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        then(converse(port, output))
    finally:
        running.terminate()
        running.wait(10)


def by_djangos_functions(call: Call) -> None:
    """Sign in and out by the example's own views."""
    proof = {"identifier": "mia@example.org", "password": "correct horse battery"}
    assert call("POST", "/sign-in", {**proof, "password": "certainly not this"})[0] == 401
    assert call("POST", "/sign-in", proof) == (200, {"message": "Welcome, mia@example.org"})
    assert call("GET", "/hello")[0] == 200
    assert call("GET", "/reports")[0] == 403
    assert call("GET", "/admin/")[0] == 302
    assert call("POST", "/sign-out", {})[0] == 200
    assert call("GET", "/hello")[0] == 401


def converse(port: int, output: Path) -> Call:
    """Talk to the application; return what goes on talking."""
    cookies: dict[str, str] = {}

    def call(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("localhost", port, timeout=10)
        headers = {"Accept": "application/json", "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answered = connection.getresponse()
        raw = answered.read()
        for value in answered.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            cookies[name] = rest.partition(";")[0]
        connection.close()
        return answered.status, json.loads(raw) if raw[:1] == b"{" else None

    for _ in range(100):
        try:
            status, _ = call("GET", "/hello")
        except OSError:
            time.sleep(0.1)
            continue
        break
    assert status == 401
    status, begun = call("POST", "/auth/api/sign-up", {"email": "mia@example.org", "password": "correct horse battery"})
    assert status == 202
    for _ in range(60):
        code = re.search(r"\b\d{4} \d{4}\b", output.read_text())
        if code:
            break
        time.sleep(0.1)
    assert code
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": code.group()}
    assert call("POST", "/auth/api/attempt/answer", answer)[0] == 200
    assert call("GET", "/hello") == (200, {"message": "Hello, mia@example.org"})
    assert call("DELETE", "/auth/api/session")[0] == 204
    assert call("GET", "/hello")[0] == 401
    return call
