"""The stand-alone server, started for real on a free loopback port."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from free_ports import free_port

__all__ = ["Server", "server"]


class Server:
    """A server process with a data folder of its own.

    Args:
        data: the folder.
        environment: variables besides those of development.
    """

    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.options = options
        self.environment = {
            "NIGHTLATCH_DEVELOPMENT": "1",
            "NIGHTLATCH_HASHING__PROFILE": "cheap_for_tests",
            "NIGHTLATCH_OUTBOX__POLL": "0.2",
            **environment,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait until it is ready."""
        command = [
            str(Path(sys.executable).parent / "nightlatch"),
            "--data", str(self.data), "serve", "--port", str(self.port), *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for _ in range(200):
            if self.process.poll() is not None:
                output = self.process.stdout.read() if self.process.stdout else ""
                raise AssertionError(f"the server ended: {output}")
            try:
                if urllib.request.urlopen(f"{self.url}/readyz", timeout=2).status == 200:
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise AssertionError("the server was not ready in time")

    def stop(self, how: int = signal.SIGTERM) -> str:
        """Stop it (all of it, for a kill -9) and return what it printed."""
        process = self.process
        if process is None:
            return ""
        self.process = None
        if how == signal.SIGKILL:
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        try:
            output, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            raise AssertionError(f"the server did not stop: {output}") from None
        return output

    def call(
        self, method: str, path: str, body: Any = None, *, cookie: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Call it and return status, document and headers."""
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if cookie:
            request.add_header("Cookie", cookie)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            answered = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            answered = error
        with answered:
            raw = answered.read()
            kind = answered.headers.get_content_type()
            document = json.loads(raw) if "json" in kind and raw else raw.decode()
            return answered.status, document, dict(answered.headers)

    def command(self, *words: str) -> Any:
        """Run a command on its settings and return what it says, as a document."""
        told = [str(Path(sys.executable).parent / "nightlatch"), "--data", str(self.data), *words]
        done = subprocess.run(told, env={**os.environ, **self.environment}, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def code(self, address: str) -> str:
        """Return the newest code in the dev mailbox."""
        for _ in range(50):
            _, mails, _ = self.call("GET", "/dev/mailbox.json")
            for mail in mails:
                found = re.search(r"\b\d{4} \d{4}\b", mail["text"])
                if mail["to"] == address and found:
                    return found.group()
            time.sleep(0.1)
        raise AssertionError("no code in the mailbox")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Start a development server."""
    running = Server(tmp_path / "data")
    running.start()
    yield running
    running.stop()
