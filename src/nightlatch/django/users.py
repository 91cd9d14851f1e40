"""From our records to the project's user model, and back."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model

from nightlatch.django.installation import installation
from nightlatch.records import Session, User

__all__ = ["ours", "record_of", "user_of", "user_of_record"]

_CARRIED = ("id", "status", "epoch", "username", "email", "roles")
"""What a session's row tells of its user; any other field is a second read, at first use."""


def ours() -> bool:
    """Tell whether the project's user model is ours."""
    return bool(get_user_model() is apps.get_model("nightlatch", "User"))


def user_of(session: Session) -> Any | None:
    """Return the user of a living session, an instance of ``AUTH_USER_MODEL``; None where the project has none.

    Ours is made of the session's own row, without a second read: a session lives only while its user is active.
    """
    if not ours():
        from nightlatch.django.adoption import project_user

        return project_user(session.user_id)
    values = {
        "id": session.user_id,
        "status": "active",
        "epoch": session.epoch,
        "username": session.username,
        "email": session.email,
        "roles": session.roles,
    }
    return _instance(values)


def user_of_record(record: User) -> Any | None:
    """Return the same for a user whom the gate has let pass."""
    if not ours():
        from nightlatch.django.adoption import project_user

        return project_user(record.id)
    return _instance({name: getattr(record, name) for name in (*_CARRIED, "name", "external_id")})


def _instance(values: dict[str, Any]) -> Any:
    model = get_user_model()
    alias = installation().configuration.database
    # Django deals values out in the order of its fields, whatever the order of the names.
    names = tuple(each.attname for each in model._meta.concrete_fields if each.attname in values)
    return model.from_db(alias, names, tuple(values[name] for name in names))


def record_of(user: Any) -> User | None:
    """Return our record of an instance of ``AUTH_USER_MODEL``."""
    store = installation().core.store
    if ours():
        return store.get(User, user.pk)
    found = store.find(User, {"external_id": str(user.pk)}, limit=1)
    return found[0] if found else None
