"""What each extra brings, and what it does not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def brought(extra: str) -> set[str]:
    """Return the packages that an extra brings, through our own extras."""
    names: set[str] = set()
    for requirement in PROJECT["optional-dependencies"][extra]:
        own = re.fullmatch(r"nightlatch\[(\w+)\]", requirement)
        if own:
            names |= brought(own.group(1))
        else:
            names.add(re.split(r"[\[<>=!~ ]", requirement)[0].lower())
    return names


def test_the_bare_install_is_two_packages() -> None:
    """PyJWT and cryptography, for services that only verify."""
    assert sorted(re.split(r"[<>=]", each)[0] for each in PROJECT["dependencies"]) == ["PyJWT", "cryptography"]


def test_django_brings_no_sqlalchemy() -> None:
    """Nor Alembic: there the ORM is Django's."""
    assert not {"sqlalchemy", "alembic", "flask", "granian"} & brought("django")
    assert {"sqlalchemy", "alembic"} <= brought("flask")


def test_locks_pin_every_package_with_hashes() -> None:
    """And name no server."""
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        pinned = re.findall(r"^[a-z0-9][\w.\[\]-]*==\S+", text, re.MULTILINE | re.IGNORECASE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
        assert "://" not in text


def test_data_files_are_packaged() -> None:
    """Templates, styles, migrations: what the wheel needs lies inside the package."""
    package = ROOT / "src" / "nightlatch"
    for path in (
        "py.typed",
        "pages/templates/base.html",
        "pages/static/nightlatch.css",
        "storage/sql/migrations/env.py",
    ):
        assert (package / path).is_file(), path
