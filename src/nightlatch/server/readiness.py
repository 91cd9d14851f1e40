"""Whether this node can serve, and why not."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from nightlatch.auth import Nightlatch
from nightlatch.errors import NightlatchError
from nightlatch.storage.sql.schema import verify_schema
from nightlatch.storage.sql.store import SqlStore

__all__ = ["Readiness", "look"]

log = logging.getLogger("nightlatch.server")


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was found.

    Args:
        ready: whether requests should come here.
        causes: for the operator, a line each; some stop nothing.
    """

    ready: bool
    causes: tuple[str, ...] = ()


def look(auth: Nightlatch) -> Readiness:
    """Tell whether the database answers and takes writes and its schema fits; and what else is not as it should be.

    Mail that is late and a clock that is behind are told and stop nothing: another node would fare no better.
    """
    store = auth.store
    try:
        assert isinstance(store, SqlStore)
        verify_schema(store.engine)
        troubles = auth.health.troubles()
    except NightlatchError as error:
        log.warning("not ready: %s", error.reason)
        return Readiness(ready=False, causes=(error.reason,))
    causes = [f"{each.name} {each.state}: {each.detail}" for each in troubles]
    if auth.throttle.fallen_back:
        causes.append("redis is out of reach: budgets are counted in the store")
    return Readiness(ready=not any(each.stops for each in troubles), causes=tuple(causes))
