"""Nightlatch in FastAPI, and in Starlette.

    from nightlatch.fastapi import Nightlatch, CurrentUser, require

The law of this folder: it translates, and holds no rule about who may sign in. Nothing synchronous is done on the event
loop: every hop to a thread is in ``threads.py``. Only ``dependencies.py`` imports FastAPI; all else needs Starlette.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nightlatch.errors import MissingExtra
from nightlatch.fastapi.answers import answer_error
from nightlatch.fastapi.extension import Nightlatch
from nightlatch.fastapi.guards import current_user
from nightlatch.fastapi.user import SignedInUser

if TYPE_CHECKING:
    from nightlatch.fastapi.dependencies import CurrentUser, OptionalUser, require

__all__ = ["CurrentUser", "Nightlatch", "OptionalUser", "SignedInUser", "answer_error", "current_user", "require"]

_DEPENDENCIES = {"CurrentUser", "OptionalUser", "require"}


def __getattr__(name: str) -> Any:
    if name not in _DEPENDENCIES:
        raise AttributeError(f"module 'nightlatch.fastapi' has no attribute {name!r}")
    try:
        from nightlatch.fastapi import dependencies
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"nightlatch.fastapi.{name} needs {error.name!r}, which is not installed: install nightlatch[fastapi];"
            " in Starlette write `await current_user(request)`"
        ) from None
    return getattr(dependencies, name)
