"""The page of what the standards ask names code and tests that exist."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "asvs.md"
CONTRACT = ROOT / "src" / "nightlatch" / "testing" / "adapter_contract"


def rows() -> list[list[str]]:
    """Return the rows of every table: ids, what, verdict, code or why, tests."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.read_text().splitlines() if "|" in line
    ]
    return [row for row in cells if len(row) == 5 and row[2] not in {"", "---"}]


def named(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


@cache
def functions(path: Path) -> set[str]:
    """Return the functions of a file."""
    return {each.name for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.FunctionDef)}


def exists(symbol: str) -> bool:
    """Tell whether a dotted name leads to something below `nightlatch`."""
    parts = ["nightlatch", *symbol.split(".")]
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if isinstance(found, type) and issubclass(found, msgspec.Struct) and name in found.__struct_fields__:
                found = None
                continue
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return length > 1
    return False


def test_every_symbol_and_every_test_is_there() -> None:
    """What is met names both; what is open or cannot arise says why."""
    wrong = []
    for ids, what, verdict, code, tests in rows():
        if verdict == "met":
            dotted = [
                each
                for each in named(code)
                if (re.fullmatch(r"[a-z_]+(\.\w+)*", each) and "." in each) or each == "verify"
            ]
            wrong += [(what, each) for each in dotted if not exists(each)]
            if not dotted or not named(tests):
                wrong.append((what, "names no code, or no test"))
        elif verdict not in {"open", "n/a"} or not code:
            wrong.append((ids, what))
        for node in named(tests):
            file, _, name = node.partition("::")
            path = CONTRACT / file.removeprefix("contract/") if file.startswith("contract/") else ROOT / "tests" / file
            if not path.exists() or (name and name not in functions(path)):
                wrong.append((what, node))
    assert not wrong


def test_it_is_not_empty() -> None:
    """The tables are read: there are rows of each verdict."""
    verdicts = [row[2] for row in rows()]
    assert verdicts.count("met") > 150
    assert {"open", "n/a"} < set(verdicts)
