"""The disk fills up under a server that runs: nothing is lost, nobody is let in, it says so, and goes on afterwards."""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from servers import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="a limit on another process's files is Linux's"),
]

MIA, SECRET = "mia@example.org", "correct horse battery staple"


def processes(parent: int) -> list[int]:
    """Return a process and all that it started."""
    found = [parent]
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in children.read_text().split():
            found += processes(int(child))
    return found


def let_files_grow(server: Server, most: int) -> None:
    """Bound how long any file may be that a server's processes write."""
    assert server.process is not None
    for pid in processes(server.process.pid):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))


def ready(server: Server, expected: int) -> str:
    """Wait until the server says that it is ready, or is not, and return its words."""
    for _ in range(120):
        status, body, _ = server.call("GET", "/readyz")
        if status == expected:
            return str(body)
        time.sleep(0.1)
    raise AssertionError(f"/readyz never was {expected}")


def test_a_disk_that_is_full(server: Server) -> None:
    """503 for whatever would be written, `/readyz` says so, who is signed in stays so; then all goes on."""
    _, begun, _ = server.call("POST", "/auth/api/sign-up", {"email": MIA, "password": SECRET})
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": server.code(MIA)}
    _, _, headers = server.call("POST", "/auth/api/attempt/answer", answer)
    cookie = headers["set-cookie"].partition(";")[0]
    wrong = {"identifier": MIA, "password": "wrong wrong wrong"}
    assert server.call("POST", "/auth/api/sign-in", wrong)[0] == 401

    let_files_grow(server, 0)
    for path, body in (
        ("/auth/api/sign-in", {"identifier": MIA, "password": SECRET}),
        ("/auth/api/sign-in", wrong),
        ("/auth/api/sign-up", {"email": "leo@example.org"}),
        ("/auth/api/recover", {"identifier": MIA}),
    ):
        status, problem, headers = server.call("POST", path, body)
        assert (status, problem["code"]) == (503, "unavailable"), path
        assert "Retry-After" in headers or "retry-after" in headers
        assert not any(name.lower() == "set-cookie" for name in headers)
    assert server.call("GET", "/auth/api/session", cookie=cookie)[0] == 200
    assert ready(server, 503) == "not ready\n"

    let_files_grow(server, resource.RLIM_INFINITY)
    assert ready(server, 200) == "ready\n"
    assert server.call("POST", "/auth/api/sign-in", wrong)[0] == 401
    assert server.call("POST", "/auth/api/sign-in", {"identifier": MIA, "password": SECRET})[0] == 200
    log = server.stop()
    assert "store takes no writes" in log
    with sqlite3.connect(server.data / "nightlatch.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = database.execute("SELECT count(*) FROM nightlatch_user").fetchone()
    database.close()
    assert kept == (1,)
