"""Fixtures for every folder of tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["databases", "house", "receiver", "redis_servers", "servers", "sites"]


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Return the folder of published test vectors, beside the checkout."""
    for folder in Path(__file__).resolve().parents:
        found = folder / "shared" / "vectors"
        if found.is_dir():
            return found
    if os.environ.get("CI") == "true":
        pytest.fail("the folder of test vectors is missing")
    pytest.skip("the folder of test vectors is not beside this checkout")
