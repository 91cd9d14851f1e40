"""`flask run` and `flask nightlatch`, as processes of their own, on the example application."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "flask_app" / "app.py"
MIA = "mia@example.org"


def flask(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``flask ...`` in a folder to its end, outside debug mode unless it is asked for."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}
    command = [sys.executable, "-m", "flask", "--app", "app", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


class Running:
    """The example under ``flask --debug run``, the reloader and all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.cookies: dict[str, str] = {}
        command = [sys.executable, "-m", "flask", "--app", "app", "--debug", "run", "--port", str(self.port)]
        with (folder / "output").open("w") as file:
            self.process = subprocess.Popen(
                command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
            )

    def stop(self) -> None:
        """End it, with the child that the reloader made."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Call it, keeping cookies."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=20)
        headers = {"Accept": "application/json", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answered = connection.getresponse()
        raw = answered.read()
        for value in answered.headers.get_all("Set-Cookie") or []:
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        connection.close()
        return answered.status, json.loads(raw) if raw else None

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(200):
            try:
                self.call("GET", "/")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError((self.folder / "output").read_text())

    def code(self) -> str:
        """Return the code that was printed."""
        for _ in range(100):
            found = re.findall(r"\b\d{4} \d{4}\b", (self.folder / "output").read_text())
            if found:
                return str(found[-1])
            time.sleep(0.1)
        raise AssertionError("no mail was printed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example in it, and nothing else."""
    (tmp_path / "app.py").write_text(EXAMPLE.read_text())
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[Running]:
    """The example, answering."""
    started = Running(folder)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def test_the_example_with_its_roles(running: Running) -> None:
    """Sign up by JSON, be greeted, be given a role by the command line, sign out."""
    assert running.call("GET", "/")[1]["next"] == "/auth/sign-up"
    status, begun = running.call(
        "POST", "/auth/api/sign-up", {"email": MIA, "password": "correct horse battery staple"}
    )
    assert status == 202
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": running.code()}
    assert running.call("POST", "/auth/api/attempt/answer", answer)[0] == 200
    assert running.call("GET", "/hello") == (200, {"message": f"Hello, {MIA}"})
    assert running.call("GET", "/reports")[0] == 403
    given = flask(running.folder, "--debug", "nightlatch", "users", "roles", MIA, "editor")
    assert given.returncode == 0, given.stderr
    assert running.call("GET", "/reports") == (200, {"reports": []})
    assert running.call("DELETE", "/auth/api/session")[0] == 204
    assert running.call("GET", "/hello")[0] == 401
    for name in ("nightlatch_key", "nightlatch.db"):
        assert (running.folder / "instance" / name).stat().st_mode & 0o777 == 0o600


def test_outside_debug_mode_flask_run_does_not_start(folder: Path) -> None:
    """It ends at once, and prints the four settings; nothing is left behind."""
    refused = flask(folder, "run", "--port", str(free_port()))
    assert refused.returncode != 0
    for name in ("base_url", "secret_keys", "database_url", "mail"):
        assert f'"{name}": ' in refused.stderr
    assert not (folder / "instance").exists()


def test_the_commands_outside_debug_mode_say_what_to_write(folder: Path) -> None:
    """One sentence and the settings, no traceback; commands of the application's go on."""
    refused = flask(folder, "nightlatch", "users", "list")
    assert refused.returncode == 2
    assert '"secret_keys": ' in refused.stderr
    assert "Traceback" not in refused.stderr
    assert flask(folder, "routes").returncode == 0


def test_the_example_is_short() -> None:
    """It is what an application's author reads first."""
    assert len(EXAMPLE.read_text().splitlines()) <= 40
