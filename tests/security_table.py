"""Write `docs/security-tests.md` from the tests that bear numbers: `python tests/security_table.py`.

Which tests there are, and through what they run, is asked of pytest itself: it collects, and this file is its plugin.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from security_classes import FLAWS, NOT_YET, PARTS

__all__ = ["PAGE", "collected", "numbers_of", "page"]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "security-tests.md"
_INTO = "NIGHTLATCH_SECURITY_TABLE"
_NAMES = {"direct": "direct", "server": "server", "flask": "Flask", "fastapi": "FastAPI", "django": "Django"}
_FOLDERS = {
    "tests/adapters/test_flask": "Flask",
    "tests/adapters/test_fastapi": "FastAPI",
    "tests/adapters/test_starlette": "FastAPI",
    "tests/adapters/test_django": "Django",
    "tests/server/": "server",
}

_HEAD = """\
# Flaw classes and their tests

How systems like this one were really broken, class by class, and the tests that would notice it here. A test bears the
number of its class (`test_042_...`); comments in the code name it too ("adversary 42"). *Through* says how a test asks:
through each way in to the web there is (direct is the web layer itself, server the stand-alone one), or at the core, on
each store there is.

This page is written by `python tests/security_table.py`; a test keeps it current.
"""


def numbers_of(name: str) -> tuple[int, ...]:
    """Return the numbers that a test's name bears."""
    found = re.match(r"test_((?:\d{3}_)+)", name)
    return tuple(int(each) for each in found.group(1).split("_") if each) if found else ()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down, as pytest's plugin, what was collected."""
    tests: dict[str, set[str]] = {}
    for item in session.items:
        node, _, _ = item.nodeid.partition("[")
        if numbers_of(node.rpartition("::")[2]):
            tests.setdefault(node, set()).update(_through(item, node))
    Path(os.environ[_INTO]).write_text(json.dumps({node: sorted(through) for node, through in tests.items()}))


def _through(item: Any, node: str) -> set[str]:
    params = getattr(item, "callspec", None)
    values: Mapping[str, Any] = params.params if params else {}
    if "open_site" in values:
        return {_NAMES[values["open_site"]]}
    folder = next((name for start, name in _FOLDERS.items() if node.startswith(start)), None)
    if folder:
        return {folder}
    stores = {values[name] for name in ("make_store", "store") if isinstance(values.get(name), str)}
    return stores or {"core"}


def collected(into: Path) -> dict[str, list[str]]:
    """Return every numbered test by its node id, and what it runs through.

    Args:
        into: a file that may be written.
    """
    command = [sys.executable, "-m", "pytest", "tests", "--collect-only", "-q", "-p", "security_table"]
    environment = {**os.environ, _INTO: str(into), "PYTHONPATH": str(Path(__file__).parent)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, list[str]] = json.loads(into.read_text())
    return found


def page(tests: Mapping[str, list[str]]) -> str:
    """Return the page."""
    by_number: dict[int, list[str]] = {}
    for node in sorted(tests):
        for number in numbers_of(node.rpartition("::")[2]):
            by_number.setdefault(number, []).append(node)
    lines = [_HEAD]
    for number, flaw in FLAWS.items():
        if number in PARTS:
            lines += [f"\n## {PARTS[number]}\n", "| | what goes wrong | tests, and through what |", "|---|---|---|"]
        told = "<br>".join(_line(node, tests[node]) for node in by_number.get(number, ())) or NOT_YET[number]
        lines.append(f"| {number} | {flaw} | {told} |")
    return "\n".join(lines) + "\n"


def _line(node: str, through: list[str]) -> str:
    order = [*_NAMES.values(), "core", "memory", "sqlite", "pool of one", "postgresql", "mariadb"]
    named = sorted(through, key=lambda each: (order.index(each) if each in order else len(order), each))
    return f"`{node.removeprefix('tests/')}` ({', '.join(named)})"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(collected(Path(folder) / "tests.json")))
