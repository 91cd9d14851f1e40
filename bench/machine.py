"""What machine this is, and what else is running on it."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

__all__ = ["OtherLoad", "description", "tree", "wait_until_quiet"]

_TICKS = os.sysconf("SC_CLK_TCK")


def description() -> str:
    """Return processor, memory, system and Python in one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} x {cpu}, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def _fields(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """Return a process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _own() -> float:
    """Return the processor seconds of this process and all below it, dead ones included."""
    total = 0.0
    for pid in tree(os.getpid()):
        if (fields := _fields(pid)) is not None:
            total += sum(map(int, fields[11:15])) / _TICKS
    return total


def _busy() -> float:
    values = list(map(int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]))
    return (sum(values) - values[3] - values[4]) / _TICKS


class OtherLoad:
    """Measures how many processors others used between two moments."""

    def __init__(self) -> None:
        self._began = (time.monotonic(), _busy(), _own())

    def share(self) -> float:
        """Return processors used by others since the beginning, 0 to the number there are."""
        at, busy, own = self._began
        return max(0.0, (_busy() - busy) - (_own() - own)) / max(1e-6, time.monotonic() - at)


def wait_until_quiet(*, below: float = 0.25, at_most: float = 10.0) -> float:
    """Wait until others use little of the machine.

    Args:
        below: processors.
        at_most: seconds, then go on whatever the load.

    Returns:
        the share that was left.
    """
    end = time.monotonic() + at_most
    while True:
        load = OtherLoad()
        time.sleep(0.4)
        share = load.share()
        if share < below or time.monotonic() > end:
            return share
