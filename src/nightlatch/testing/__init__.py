"""Aids for applications' tests: a clock to move, a mailbox to read, somebody who is signed in, a browser.

The pytest plugin (``nightlatch.testing.plugin``) comes with the package and costs nothing until a fixture is asked for.
For those who write a store or an adapter there are the contract suites: ``store_contract``, ``adapter_contract``,
``shared_database``. ``docs/testing.md`` tells how to use each.
"""

from __future__ import annotations

from nightlatch.testing.browser import Browser
from nightlatch.testing.clock import Clock
from nightlatch.testing.household import Household
from nightlatch.testing.mailbox import Mailbox

__all__ = ["Browser", "Clock", "Household", "Mailbox"]
