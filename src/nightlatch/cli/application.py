"""The application that a command is for: ``nightlatch --app module:name``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from nightlatch.errors import ConfigurationError
from nightlatch.hosting.installation import HostInstallation

__all__ = ["site_of"]


def site_of(target: str) -> HostInstallation:
    """Return what an application has of Nightlatch.

    Args:
        target: where it is: ``module:name``, or ``module:factory()``; the module is looked for in this folder as well.

    Raises:
        ConfigurationError: there is none.
    """
    found = _load(target.removesuffix("()"))
    app = found() if target.endswith("()") else found
    extension = getattr(getattr(app, "state", None), "nightlatch", None)
    site = getattr(extension, "site", None)
    if not isinstance(site, HostInstallation):
        raise ConfigurationError(f"--app {target} is no application with a Nightlatch(app)")
    return site


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    if not module or not name:
        raise ConfigurationError(f"--app is module:name, such as main:app, not {target!r}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # the module is there, and something that it needs is not
        raise ConfigurationError(f"--app {target}: there is no module {error.name!r} here") from None
    if not hasattr(found, name):
        raise ConfigurationError(f"--app {target}: {module} has no {name!r}")
    return getattr(found, name)
