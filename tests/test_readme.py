"""The README's applications, as written, from an empty folder."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


def block(heading: str) -> str:
    """Return the first Python block below a heading."""
    text = (ROOT / "README.md").read_text().partition(f"## {heading}\n")[2]
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    return found.group(1)


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
    port, output = free_port(), tmp_path / "output"
    with output.open("w") as file:
        running = subprocess.Popen(
            [sys.executable, "-m", *command, str(port)],
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        converse(port, output)
    finally:
        running.terminate()
        running.wait(10)
    assert (tmp_path / "instance" / "nightlatch_key").stat().st_mode & 0o777 == 0o600


def converse(port: int, output: Path) -> None:
    """Talk to the application."""
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
        return answered.status, json.loads(raw) if raw else None

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
