"""Nightlatch: authentication for Python web applications that is secure without being asked.

The public names, each imported at first use (PEP 562): the bare install is PyJWT and cryptography, enough for
``nightlatch.verify``; ``nightlatch[flask]``, ``[django]``, ``[fastapi]`` and ``[server]`` bring the core's parts.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nightlatch.auth import Nightlatch
    from nightlatch.errors import NightlatchError
    from nightlatch.settings import Settings

__all__ = ["Nightlatch", "NightlatchError", "Settings", "__version__"]

__version__ = "0.1.0"

_WHERE = {
    "Nightlatch": "nightlatch.auth",
    "NightlatchError": "nightlatch.errors",
    "Settings": "nightlatch.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'nightlatch' has no attribute {name!r}")
    try:
        return getattr(import_module(_WHERE[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nightlatch"):
            raise
        from nightlatch.errors import MissingExtra

        raise MissingExtra(
            f"nightlatch.{name} needs {error.name!r}, which is not installed: "
            "install nightlatch[flask], nightlatch[django], nightlatch[fastapi] or nightlatch[server]"
        ) from None
