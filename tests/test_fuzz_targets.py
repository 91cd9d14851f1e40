"""What `make fuzz` runs is kept in order: every target holds over its seeds, and over a few odd bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))

from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_over_its_seeds(name: str) -> None:
    """Without atheris: what coverage it would see is not looked at."""
    target = TARGETS[name]
    for data in (*target.seeds, b"", b"\x00", b"\xff" * 40, b"[" * 4000, b'{"a":' * 900):
        target.run(data)
