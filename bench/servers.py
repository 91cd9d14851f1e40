"""Servers under test: started on free loopback ports, in sessions of their own, and ended whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.machine import tree

__all__ = ["Memory", "Server", "free_port"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one process, in MB (10^6 bytes).

    Args:
        resident: all of it now.
        anonymous: without files mapped.
        highest: the most that was ever resident.
    """

    resident: float
    anonymous: float
    highest: float


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server that runs as long as the ``with`` block.

    Args:
        command: its arguments; ``{port}`` is replaced.
        environment: added to the present one.
        ready: path that answers 200 once it is up.
        cookie: sent along.
        directory: where it runs.
        log: file for what it says.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        ready: str,
        cookie: str = "",
        directory: Path,
        log: Path,
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self._command = [each.replace("{port}", str(self.port)) for each in command]
        self._environment = {**os.environ, **{k: v.replace("{port}", str(self.port)) for k, v in environment.items()}}
        self._ready, self._cookie, self._directory, self._log = ready, cookie, directory, log
        self._process: subprocess.Popen[bytes] | None = None
        self.started_in = 0.0
        """Seconds from spawn to the first 200."""

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._directory,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait(self._process, began)
        except BaseException:
            self.stop()
            raise
        self.started_in = time.perf_counter() - began
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    def get(self, path: str, cookie: str = "") -> tuple[int, bytes]:
        """Return status and body of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers={"Cookie": cookie, "Accept": "application/json"} if cookie else {})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _wait(self, process: subprocess.Popen[bytes], began: float) -> None:
        while not self._answers():
            if process.poll() is not None or time.perf_counter() - began > 30:
                raise RuntimeError(f"{self._command[0]} did not come up; it said:\n{self._said()}")
            time.sleep(0.005)

    def _answers(self) -> bool:
        try:
            return self.get(self._ready, self._cookie)[0] == 200
        except OSError:
            return False

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]

    def workers(self) -> list[int]:
        """Return the processes that serve: those at the leaves of the tree."""
        assert self._process is not None
        everyone = tree(self._process.pid)
        return [pid for pid in everyone if len(tree(pid)) == 1 and "resource_tracker" not in _command_line(pid)]

    def memory(self) -> list[Memory]:
        """Return the memory of each worker."""
        return [_memory(pid) for pid in self.workers()]

    def stop(self) -> None:
        """End the server and everything it started."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _memory(pid: int) -> Memory:
    values: dict[str, float] = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"VmRSS", "RssAnon", "VmHWM"}:
            values[name] = int(rest.split()[0]) * 1024 / 1e6
    return Memory(values["VmRSS"], values["RssAnon"], values["VmHWM"])
