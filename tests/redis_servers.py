"""A Redis of our own: started from the installed binary on a free loopback port, for one test run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest
import redis

from free_ports import free_port

__all__ = ["RedisServer", "redis_server", "redis_url"]


class RedisServer:
    """One that tests may stop, hold and start again; it keeps nothing over a restart.

    Args:
        binary: the server.
    """

    def __init__(self, binary: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._binary = binary
        self._folder = tempfile.mkdtemp(prefix="nightlatch-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [self._binary, *options, "--dir", self._folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                with redis.Redis.from_url(self.url) as client:
                    client.ping()
                    return
            except redis.exceptions.ConnectionError:
                time.sleep(0.05)
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        """Kill it, as a machine that is lost does."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def hold(self) -> None:
        """Let it take connections and answer nothing."""
        self._signal(signal.SIGSTOP)

    def let_go(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def clear(self) -> None:
        """Forget every counter."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def counted(self) -> int:
        """Return the sum of all counters."""
        with redis.Redis.from_url(self.url) as client:
            return sum(int(client.hget(key, "count")) for key in client.scan_iter("nightlatch:throttle:*"))  # type: ignore[arg-type]

    def close(self) -> None:
        """End it for good."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal(self, how: int) -> None:
        if self._process is not None:
            self._process.send_signal(how)


def _binary() -> str:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin")
        if found:
            return found
    if os.environ.get("CI") == "true":
        pytest.fail("Redis is not installed")
    pytest.skip("Redis is not installed: redis-server was not found")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the address of a Redis of our own, which stays up."""
    server = RedisServer(_binary())
    server.start()
    yield server.url
    server.close()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Return a Redis for this test alone, which may be stopped."""
    server = RedisServer(_binary())
    server.start()
    yield server
    server.close()
