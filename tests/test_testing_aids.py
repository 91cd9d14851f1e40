"""What applications' own tests are given."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nightlatch.errors import NotAuthenticated
from nightlatch.flows.outcome import Complete
from nightlatch.testing import Clock, Household, Mailbox


def test_time_and_mail_are_in_the_tests_hands(
    nightlatch_household: Household,
    nightlatch_clock: Clock,
    nightlatch_mailbox: Mailbox,
    nightlatch_signed_in: Callable[..., Complete],
) -> None:
    """Sign somebody in, read the mail, move the clock until the session has ended."""
    done = nightlatch_signed_in("mia@example.org")
    assert done.token is not None
    sessions = nightlatch_household.auth.sessions
    assert sessions.recognise(done.token).email == "mia@example.org"
    assert "Confirm" in nightlatch_mailbox.newest("mia@example.org").subject
    nightlatch_clock.advance(days=31)
    with pytest.raises(NotAuthenticated):
        sessions.recognise(done.token)
    with pytest.raises(LookupError):
        nightlatch_mailbox.code_for("nobody@example.org")


@pytest.mark.slow
def test_the_example_as_written(tmp_path: Path) -> None:
    """What docs/testing.md shows of an application's tests passes in an empty folder."""
    text = (Path(__file__).parent.parent / "docs" / "testing.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "test_shop.py").write_text(blocks[0])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
