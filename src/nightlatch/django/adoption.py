"""A project's own user model: a row of ours for each of its users, and what happens there followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import router, transaction

from nightlatch.django.hasher import hash_in, marker
from nightlatch.django.installation import core, installation
from nightlatch.flows.adoption import Adopted, HostUser
from nightlatch.records import User

__all__ = ["adopt", "deleted", "project_user", "saved"]

_making: ContextVar[bool] = ContextVar("nightlatch_making", default=False)

_keys: dict[UUID, str] = {}
"""The key of the project's row for each of our users: never changed once given, so a request need not look it up."""
_MOST_KEYS = 100_000


def project_user(user_id: UUID) -> Any | None:
    """Return the project's own instance of a user; None where what was granted before stands no longer.

    One read, where nothing has changed: the column holds our mark, and the user is active.
    """
    key = _key_of(user_id)
    if key is None:
        return None
    row = _rows().filter(pk=get_user_model()._meta.pk.to_python(key)).first()
    if row is None:
        core().operator.delete(user_id)
        _keys.pop(user_id, None)
        return None
    if getattr(row, "is_active", True) and row.password == marker(user_id):
        return row
    return row if _follow(user_id, row) else None


def _key_of(user_id: UUID) -> str | None:
    key = _keys.get(user_id)
    if key is None:
        record = core().store.get(User, user_id)
        if record is None:
            return None
        key = record.external_id or _make_row(record)
        if key is None:
            return None
        if len(_keys) >= _MOST_KEYS:
            _keys.clear()
        _keys[user_id] = key
    return key


def _follow(user_id: UUID, row: Any) -> bool:
    """Take over what project code has written, and leave our mark where the password is in our table."""
    record = core().store.get(User, user_id)
    if record is None:
        return False
    if row.password == marker(user_id):
        stands = core().adoption.follow_status(record, active=bool(getattr(row, "is_active", True)))
    else:
        stands = core().adoption.follow(record, _read(row))
        _leave_mark(user_id, row)
    return stands


def _leave_mark(user_id: UUID, row: Any) -> None:
    """Put our mark into the project's column; the guard keeps what was written there meanwhile."""
    if hash_in(row.password) is None:
        return  # an unusable password says so by itself
    if _rows().filter(pk=row.pk, password=row.password).update(password=marker(user_id)):
        row.password = marker(user_id)


def adopt(row: Any) -> Adopted:
    """Give a row of the project's a row of ours; theirs is untouched."""
    return core().adoption.adopt(_read(row))


def saved(sender: Any, instance: Any, *, created: bool, raw: bool = False, **_: Any) -> None:
    """Follow a row that project code has saved (`post_save`)."""
    if raw or _making.get() or not isinstance(instance, get_user_model()):
        return
    del sender, created
    adopted = adopt(instance)
    if adopted.new:
        return
    host = _read(instance)
    core().adoption.rename(adopted.user, host)
    if instance.password != marker(adopted.user.id):
        core().adoption.follow(adopted.user, host)
    else:
        core().adoption.follow_status(adopted.user, active=host.active)


def deleted(sender: Any, instance: Any, **_: Any) -> None:
    """Delete our row with the project's (`post_delete`)."""
    del sender
    if isinstance(instance, get_user_model()):
        found = core().adoption.find(str(instance.pk))
        if found is not None:
            core().operator.delete(found.id)
            _keys.pop(found.id, None)


def _make_row(record: User) -> str | None:
    """Make the project's row for somebody who signed up by our pages; whoever is second finds the first one's."""
    model = get_user_model()
    fields: dict[str, Any] = {model.USERNAME_FIELD: _free_name(record), "password": marker(record.id)}
    email = model.get_email_field_name()
    if _has(email) and email not in fields:
        fields[email] = record.email or ""
    if _has("is_active"):
        fields["is_active"] = record.status == "active"
    with transaction.atomic(using=_alias()), _made_here():
        row = model(**fields)
        row.save(using=_alias(), force_insert=True)
        if core().adoption.claim(record.id, str(row.pk)):
            return str(row.pk)
        transaction.set_rollback(True, using=_alias())
    found = core().store.get(User, record.id)
    return found.external_id if found else None


def _free_name(record: User) -> str:
    """Return what the project's row is called: its own name, where nobody there has it; never another's."""
    model = get_user_model()
    name = record.email if model.get_email_field_name() == model.USERNAME_FIELD else record.username
    name = name or record.email or str(record.id)
    longest = model._meta.get_field(model.USERNAME_FIELD).max_length or len(name)
    taken = _rows().filter(**{model.USERNAME_FIELD: name[:longest]}).exists()
    return str(record.id)[:longest] if taken else name[:longest]


@contextmanager
def _made_here() -> Iterator[None]:
    token = _making.set(True)
    try:
        yield
    finally:
        _making.reset(token)


def _read(row: Any) -> HostUser:
    email = getattr(row, row.get_email_field_name(), None)
    full_name = getattr(row, "get_full_name", None)
    return HostUser(
        key=str(row.pk),
        username=str(row.get_username() or "") or None,
        email=email or None,
        vouched=installation().configuration.vouches,
        name=(full_name() if full_name is not None else None) or None,
        password_hash=hash_in(row.password),
        active=bool(getattr(row, "is_active", True)),
    )


def _has(field: str) -> bool:
    try:
        get_user_model()._meta.get_field(field)
    except FieldDoesNotExist:
        return False
    return True


def _alias() -> str:
    # Who is signed in is never asked of a replica, which may not know yet.
    return str(router.db_for_write(get_user_model()))


def _rows() -> Any:
    return get_user_model()._base_manager.using(_alias())
