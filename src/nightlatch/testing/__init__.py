"""Aids for applications' tests: a clock to move, a mailbox to read, somebody who is signed in.

The pytest plugin (``nightlatch.testing.plugin``) comes with the package and costs nothing until a fixture is asked for.
"""

from __future__ import annotations

from nightlatch.testing.clock import Clock
from nightlatch.testing.household import Household
from nightlatch.testing.mailbox import Mailbox

__all__ = ["Clock", "Household", "Mailbox"]
