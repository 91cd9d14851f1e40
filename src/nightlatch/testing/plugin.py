"""Pytest fixtures for applications that use Nightlatch. Nothing is imported or started until one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from nightlatch.flows.outcome import Complete
    from nightlatch.testing.clock import Clock
    from nightlatch.testing.household import Household
    from nightlatch.testing.mailbox import Mailbox


@pytest.fixture
def nightlatch_household() -> Iterator[Household]:
    """An installation on a store in memory; `.auth` is what an adapter or `HttpApp` takes."""
    from nightlatch.testing.household import Household

    household = Household()
    yield household
    household.close()


@pytest.fixture
def nightlatch_clock(nightlatch_household: Household) -> Clock:
    """The installation's clock: ``nightlatch_clock.advance(minutes=11)``."""
    return nightlatch_household.clock


@pytest.fixture
def nightlatch_mailbox(nightlatch_household: Household) -> Mailbox:
    """The installation's mail: ``nightlatch_mailbox.code_for("mia@example.org")``."""
    return nightlatch_household.mailbox


@pytest.fixture
def nightlatch_signed_in(nightlatch_household: Household) -> Callable[..., Complete]:
    """Sign somebody up and in: ``nightlatch_signed_in("mia@example.org").token`` is the session cookie's value."""

    def sign_in(email: str = "mia@example.org", **more: Any) -> Complete:
        return nightlatch_household.sign_up(email, **more)

    return sign_in
