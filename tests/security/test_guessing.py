"""A month of guessing at one account, from every address there is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bench.guessing import month


@pytest.mark.slow
def test_081_a_month_of_guesses_gets_no_further_than_is_said() -> None:
    """At most a hundred between two sign-ins of the owner, who gets in on their own browser every time."""
    found = month(timedelta(days=7), "once a week")
    assert found.owner_in == found.owner_tried == 4
    assert 0 < found.looked_at <= 100 * (found.owner_tried + 1)
