"""The example application under the servers that people use, as processes of their own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_app" / "app.py"
MIA = "mia@example.org"
PASSWORD = "correct horse battery staple"
SERVERS = {
    "uvicorn": ["-m", "uvicorn", "app:app", "--port", "{port}"],
    "granian": ["-m", "granian", "--interface", "asgi", "--port", "{port}", "app:app"],
}


def nightlatch(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``nightlatch ...`` in a folder to its end."""
    command = [str(Path(sys.executable).parent / "nightlatch"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


class Running:
    """The example under a server."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.cookies: dict[str, str] = {}
        command = [sys.executable, *(each.replace("{port}", str(self.port)) for each in SERVERS[server])]
        with (folder / "output").open("w") as file:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What was printed so far."""
        return (self.folder / "output").read_text()

    def stop(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"it did not stop: {self.output}") from None

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
        raise AssertionError(self.output)

    def code(self) -> str:
        """Return the code that was printed."""
        for _ in range(100):
            found = re.findall(r"\b\d{4} \d{4}\b", self.output)
            if found:
                return str(found[-1])
            time.sleep(0.1)
        raise AssertionError(f"no mail was printed: {self.output}")

    def raw(self, *pieces: bytes) -> bytes:
        """Send bytes on a connection of their own, piece by piece, and return the answer."""
        with socket.create_connection(("localhost", self.port), timeout=20) as connection:
            for each in pieces:
                connection.sendall(each)
                time.sleep(0.05)
            answered = b""
            while b"}" not in answered.partition(b"\r\n\r\n")[2]:
                received = connection.recv(65536)
                if not received:
                    break
                answered += received
            return answered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example in it, and nothing else."""
    (tmp_path / "app.py").write_text(EXAMPLE.read_text())
    return tmp_path


@pytest.fixture(params=list(SERVERS))
def running(folder: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """The example, answering."""
    started = Running(folder, request.param)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def test_the_example_with_its_roles(running: Running) -> None:
    """Sign up by JSON, be greeted, be given a role by the command line, sign out; the lifespan is the application's."""
    assert running.call("GET", "/")[1]["next"] == "/auth/sign-up"
    status, begun = running.call("POST", "/auth/api/sign-up", {"email": MIA, "password": PASSWORD})
    assert status == 202
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": running.code()}
    assert running.call("POST", "/auth/api/attempt/answer", answer)[0] == 200
    assert running.call("GET", "/hello") == (200, {"message": f"Hello, {MIA}"})
    assert running.call("GET", "/reports")[0] == 403
    given = nightlatch(running.folder, "--app", "app:app", "users", "roles", MIA, "editor")
    assert given.returncode == 0, given.stderr
    assert running.call("GET", "/reports") == (200, {"reports": []})
    assert running.call("DELETE", "/auth/api/session")[0] == 204
    assert running.call("GET", "/hello")[0] == 401
    for name in ("nightlatch_key", "nightlatch.db"):
        assert (running.folder / "instance" / name).stat().st_mode & 0o777 == 0o600
    running.stop()
    assert "closed" in running.output


def test_bodies_as_they_come(running: Running) -> None:
    """In chunks with a trailer, cut in the middle of a letter; too long, declared or not: 413, and the next is fine."""
    head = b"POST /auth/api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = json.dumps({"identifier": "mia@example.org", "password": "ä" * 20}, ensure_ascii=False).encode()
    cut = body.index("ä".encode()) + 1
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (body[:cut], body[cut:]))
    answered = running.raw(
        head + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n", chunks, b"0\r\nX-Sum: 1\r\n\r\n"
    )
    assert b" 401 " in answered.partition(b"\r\n")[0], answered
    assert b"invalid_credentials" in answered
    declared = running.raw(head + b"Content-Length: 1000000\r\n\r\n", b" " * 1000)
    assert b" 413 " in declared.partition(b"\r\n")[0], declared
    long = b"".join(b"%x\r\n%s\r\n" % (5000, b" " * 5000) for _ in range(4))
    undeclared = running.raw(head + b"Transfer-Encoding: chunked\r\n\r\n", long)
    assert b" 413 " in undeclared.partition(b"\r\n")[0], undeclared
    assert running.call("GET", "/auth/api/session")[0] == 401


def test_a_client_that_leaves(running: Running) -> None:
    """In the middle of a body, and without waiting for the answer: no fault is logged, and the next is fine."""
    head = b"POST /auth/api/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = json.dumps({"identifier": "nobody@example.org", "password": PASSWORD}).encode()
    for sent in (body[:20], body):
        with socket.create_connection(("localhost", running.port), timeout=20) as connection:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + sent)
    assert running.call("GET", "/auth/api/session")[0] == 401
    time.sleep(0.5)
    assert "Traceback" not in running.output


@pytest.mark.parametrize("server", list(SERVERS))
def test_outside_debug_mode_it_does_not_start(folder: Path, server: str) -> None:
    """The four settings are printed; nothing is left behind."""
    (folder / "app.py").write_text(EXAMPLE.read_text().replace("debug=True, ", ""))
    running = Running(folder, server)
    try:
        for _ in range(150):
            if "secret_keys" in running.output:
                break
            time.sleep(0.1)
    finally:
        running.stop()
    for name in ("base_url", "secret_keys", "database_url", "mail"):
        assert f'"{name}": ' in running.output
    assert not (folder / "instance").exists()


def test_the_commands(folder: Path) -> None:
    """On the application's own settings; every misuse is one sentence."""
    invited = nightlatch(folder, "--app", "app:app", "users", "add", "--email", MIA)
    assert "/auth/invitation?link=nll_" in invited.stdout, invited.stderr
    assert nightlatch(folder, "--app", "app:app", "migrate").stdout == "The schema is up to date.\n"
    assert "schema" in nightlatch(folder, "--app", "app:app", "doctor").stdout
    for words, told in (
        (["--app", "app", "users", "list"], "module:name"),
        (["--app", "apps:app", "users", "list"], "no module 'apps'"),
        (["--app", "app:application", "users", "list"], "has no 'application'"),
        (["--app", "app:hello", "users", "list"], "no application"),
        (["--app", "app:app", "serve"], "stand-alone server"),
        (["--app", "app:app", "--data", "data", "users", "list"], "--data"),
    ):
        refused = nightlatch(folder, *words)
        assert refused.returncode == 2, words
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr
    (folder / "app.py").write_text(EXAMPLE.read_text().replace("debug=True, ", ""))
    refused = nightlatch(folder, "--app", "app:app", "users", "list")
    assert refused.returncode == 2
    assert '"secret_keys": ' in refused.stderr


def test_the_example_is_short() -> None:
    """It is what an application's author reads first."""
    assert len(EXAMPLE.read_text().splitlines()) <= 40
