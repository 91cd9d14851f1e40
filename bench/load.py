"""Load: wrk with two small scripts, session checks and sign-ins."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Checks", "SignIns", "begin_sign_ins", "check_sessions", "ended", "require_wrk", "sign_in"]

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Checks:
    """What a run of session checks gave. Latencies in milliseconds, rates a second."""

    rate: float
    p50: float
    p99: float
    bad: int
    requests: int


@dataclass(frozen=True, slots=True)
class SignIns:
    """What a run of sign-ins gave: those granted (200), those refused (503), and anything else."""

    rate: float
    p50: float | None
    p99: float | None
    refused_rate: float
    refused_p50: float | None
    refused_p99: float | None
    bad: int
    sample: str


def require_wrk() -> None:
    """See that the load tool is there."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: install it (Debian, Ubuntu: apt install wrk; macOS: brew install wrk)")


def check_sessions(url: str, cookies: Path, *, clients: int, seconds: float) -> Checks:
    """Ask who is signed in, as fast as the clients can."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s"]
    command += ["-s", str(_HERE / "session.lua"), url, "--", str(cookies)]
    return Checks(**_result(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)))


def begin_sign_ins(url: str, bodies: Path, *, clients: int, seconds: float, wait: int = 0) -> subprocess.Popen[str]:
    """Begin to sign in, each client again as soon as it was answered.

    Args:
        url: of the sign-in call.
        bodies: file of JSON bodies.
        clients: how many.
        seconds: how long.
        wait: milliseconds a client waits after a 503.
    """
    command = ["wrk", f"-t{clients}", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s"]
    command += ["-s", str(_HERE / "sign_in.lua"), url, "--", str(bodies), str(wait)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(running: subprocess.Popen[str]) -> SignIns:
    """Return what the sign-ins gave, once they end."""
    return SignIns(**_result(running))


def sign_in(url: str, bodies: Path, *, clients: int, seconds: float, wait: int = 0) -> SignIns:
    """Sign in for a while."""
    return ended(begin_sign_ins(url, bodies, clients=clients, seconds=seconds, wait=wait))


def _result(running: subprocess.Popen[str]) -> dict[str, Any]:
    text, _ = running.communicate()
    lines = [line for line in text.splitlines() if line.startswith("JSON ")]
    if not lines:
        raise RuntimeError(f"wrk gave no result:\n{text}")
    found: dict[str, Any] = json.loads(lines[0][5:])
    return found
