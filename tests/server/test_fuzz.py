"""The whole API under a fuzzer that goes by its own OpenAPI document: every check on, no 5xx, no undeclared answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nightlatch.settings import Throttle
from servers import Server

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
RAISED = {
    f"NIGHTLATCH_THROTTLE__{name.upper()}__{part}": value
    for name in Throttle.__struct_fields__
    for part, value in (("LIMIT", "1000000"), ("PER", "PT1H"))
}
"""Budgets that a fuzzer does not use up; what they refuse is tested elsewhere."""


def fuzz(server: Server, tmp_path: Path, *options: str, session: str = "") -> None:
    """Run schemathesis and show what it found."""
    config = (HERE / "schemathesis.toml").read_text()
    if session:
        config += f'\n[auth.openapi.session]\napi_key = "{session}"\n'
    (tmp_path / "schemathesis.toml").write_text(config)
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file",
        str(tmp_path / "schemathesis.toml"),
        "run",
        f"{server.url}/auth/api/openapi.json",
        "--checks=all",
        "--max-examples=25",
        "--seed=20261124",
        "--generation-database=none",
        "--no-color",
        *options,
    ]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=240)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def test_the_api_keeps_to_its_document(tmp_path: Path) -> None:
    """As a stranger, then as somebody who is signed in."""
    server = Server(tmp_path / "data", **RAISED)
    server.start()
    try:
        fuzz(server, tmp_path)
        secret = "correct horse battery staple"
        _, begun, _ = server.call("POST", "/auth/api/sign-up", {"email": "mia@example.org", "password": secret})
        answer = {
            "attempt": begun["attempt"],
            "authenticator": "email_code",
            "code": server.code("mia@example.org"),
        }
        _, _, headers = server.call("POST", "/auth/api/attempt/answer", answer)
        cookie = headers["set-cookie"].partition(";")[0]
        ends_itself = "^(DELETE /api/(session.*|account)|PUT /api/account/password|POST /api/account/close)$"
        fuzz(server, tmp_path, "--exclude-name-regex", ends_itself, session=cookie.partition("=")[2])
        assert server.call("GET", "/auth/api/session", cookie=cookie)[0] == 200
    finally:
        output = server.stop()
    assert '"level": "error"' not in output, output
