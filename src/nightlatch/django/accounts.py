"""What Django and project code ask of a user instance, answered by the core: passwords, `save()`, `delete()`."""

from __future__ import annotations

from typing import Any, Self

from asgiref.sync import sync_to_async
from django.db import models
from django.utils.crypto import salted_hmac

from nightlatch.django.managers import ADMINISTRATOR, STAFF
from nightlatch.django.transactions import outside_transactions
from nightlatch.errors import InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import NOBODY

__all__ = ["Account"]

_BY_FLOWS = ("name", "roles", "is_active", "is_staff", "is_superuser")
"""What project code may change on an instance; `save()` brings it into force by the flow that it is changed by."""


class Account(models.Model):
    """A base of our user model: its passwords lie with the other authenticators, and flows change its row.

    What is set takes effect with `save()`, as in Django.
    """

    pk: Any
    roles: Any
    status: Any
    _new_password: Secret | None = None
    _drops_password = False
    _loaded: dict[str, Any]

    class Meta:
        """No table of its own."""

        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        """Bring into force what was changed on this instance, by the flows that such changes are made by.

        Columns are never written over: a stale instance must not undo a suspension, or what ended sessions.

        Raises:
            TypeError: the row is new, or a field was changed that project code has no say in.
            InvalidInput: a value does not do; `PasswordRejected` likewise.
            Busy: the hashing pool is full.
        """
        del args
        if self._state.adding:
            raise TypeError("make users with create_user(): an account is more than its row")
        only = options.get("update_fields")
        changed = {
            name: value
            for name, value in self._now().items()
            if (only is None or name in only) and name in self._loaded and value != self._loaded[name]
        }
        refused = changed.keys() - set(_BY_FLOWS)
        if refused:
            raise TypeError(
                f"{', '.join(sorted(refused))} cannot be saved: flows of nightlatch.django.core() change it"
            )
        self._act(changed)
        self._loaded |= changed

    # --- passwords --------------------------------------------------------------------------------------------------

    def set_password(self, raw_password: str | None) -> None:
        """Set a password, from the next `save()` on; None: none that could be typed."""
        self._new_password = None if raw_password is None else Secret(raw_password)
        self._drops_password = raw_password is None

    def set_unusable_password(self) -> None:
        """Take the password away, from the next `save()` on."""
        self.set_password(None)

    def check_password(self, raw_password: str) -> bool:
        """Tell whether a password is the user's: counted and throttled like any try.

        Raises:
            Throttled: too many tries.
            Busy: the hashing pool is full.
            ConfigurationError: a transaction is open, which would undo the counting.
        """
        from nightlatch.django.installation import core

        try:
            with outside_transactions("check_password()"):
                core().provision.verify_password(NOBODY, self.pk, Secret(raw_password))
        except InvalidCredentials:
            return False
        return True

    async def acheck_password(self, raw_password: str) -> bool:
        """Do the same, from asynchronous code."""
        return await sync_to_async(self.check_password)(raw_password)

    def has_usable_password(self) -> bool:
        """Tell whether the user has a password to sign in with."""
        from nightlatch.django.installation import core

        return core().provision.has_password(self.pk)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Return what Django's session compares: it changes whenever the user's sessions end."""
        epoch = getattr(self, "epoch", 0)
        keyed = salted_hmac("nightlatch.django.accounts", f"{self.pk}:{epoch}", secret=secret, algorithm="sha256")
        return str(keyed.hexdigest())

    # --- the row ----------------------------------------------------------------------------------------------------

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **more: Any) -> Self:
        """Make an instance of a row, and remember what it held."""
        made: Self = super().from_db(db, field_names, values, **more)
        made._loaded = made._now()
        return made

    def refresh_from_db(self, using: str | None = None, *args: Any, **options: Any) -> None:
        """Read again, from where this instance comes from and not a router's replica, and remember what was read."""
        super().refresh_from_db(using or self._state.db, *args, **options)
        self._loaded = {**getattr(self, "_loaded", {}), **self._now()}

    def _now(self) -> dict[str, Any]:
        names = {each.attname for each in self._meta.concrete_fields}
        return {name: value for name, value in self.__dict__.items() if name in names}

    def _act(self, changed: dict[str, Any]) -> None:
        from nightlatch.django.installation import core

        if "name" in changed:
            core().provision.rename(self.pk, name=changed["name"])
        if changed.keys() & {"roles", "is_staff", "is_superuser"}:
            self.roles = core().operator.set_roles(self.pk, _roles(tuple(self.roles), changed)).roles
            changed["roles"] = self.roles
        if "is_active" in changed:
            act = core().operator.restore if changed["is_active"] else core().operator.suspend
            self.status = changed["status"] = act(self.pk).status
        password, drops = self._new_password, self._drops_password
        self._new_password, self._drops_password = None, False
        if password is not None:
            core().provision.set_password(self.pk, password)
        elif drops:
            core().provision.remove_password(self.pk)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete the account and all that is theirs, as an operator does."""
        from nightlatch.django.installation import core

        del args, options
        core().operator.delete(self.pk)
        return 1, {self._meta.label: 1}


def _roles(roles: tuple[str, ...], changed: dict[str, Any]) -> tuple[str, ...]:
    """Return the roles that Django's two flags come to: each is a role."""
    chosen = set(roles)
    for flag, role in (("is_superuser", ADMINISTRATOR), ("is_staff", STAFF)):
        if flag in changed:
            chosen = chosen | {role} if changed[flag] else chosen - {role}
    return tuple(sorted(chosen))
