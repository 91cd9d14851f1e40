"""Aids for applications' tests: a clock to move, a mailbox to read, somebody who is signed in, a browser, a passkey.

The pytest plugin (``nightlatch.testing.plugin``) comes with the package and costs nothing until a fixture is asked for:
the names below are imported at first use (PEP 562), since pytest loads the plugin in every project. For those who write
a store or an adapter there are the contract suites: ``store_contract``, ``adapter_contract``, ``shared_database``.
``docs/testing.md`` tells how to use each.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightlatch.testing.browser import Browser
    from nightlatch.testing.clock import Clock
    from nightlatch.testing.household import Household
    from nightlatch.testing.mailbox import Mailbox
    from nightlatch.testing.passkey import Passkey

__all__ = ["Browser", "Clock", "Household", "Mailbox", "Passkey"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'nightlatch.testing' has no attribute {name!r}")
    return getattr(import_module(f"nightlatch.testing.{name.lower()}"), name)
