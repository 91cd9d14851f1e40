"""The page of flaw classes tells of the tests that there are."""

from __future__ import annotations

from pathlib import Path

from security_classes import FLAWS, NOT_YET
from security_table import PAGE, collected, numbers_of, page


def test_the_page_is_current(tmp_path: Path) -> None:
    """Every number has a test or says why not, no test bears a number that means nothing, and the page tells it so."""
    tests = collected(tmp_path / "tests.json")
    borne = {number for node in tests for number in numbers_of(node.rpartition("::")[2])}
    assert borne <= set(FLAWS)
    assert set(FLAWS) - borne <= set(NOT_YET)
    assert PAGE.read_text() == page(tests), "write it anew: python tests/security_table.py"
