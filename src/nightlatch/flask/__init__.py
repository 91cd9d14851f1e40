"""Nightlatch in Flask.

    from nightlatch.flask import Nightlatch, current_user, login_required

The law of this folder: it translates, and holds no rule about who may sign in.
"""

from __future__ import annotations

from nightlatch.flask.extension import Nightlatch
from nightlatch.flask.guards import login_required, require
from nightlatch.flask.user import CurrentUser, current_user

__all__ = ["CurrentUser", "Nightlatch", "current_user", "login_required", "require"]
