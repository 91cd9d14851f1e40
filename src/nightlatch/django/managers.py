"""``User.objects``: accounts are made through the core, never by a bare row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_backends
from django.contrib.auth.base_user import BaseUserManager
from django.db import models

from nightlatch.errors import NotFound
from nightlatch.primitives.secret import Secret

__all__ = ["ADMINISTRATOR", "STAFF", "UserManager"]

ADMINISTRATOR, STAFF = "admin", "staff"
"""Roles that make Django's ``is_superuser`` and ``is_staff``."""


class UserManager(BaseUserManager):
    """Make and find users."""

    use_in_migrations = False

    def create_user(
        self, username: str | None = None, email: str | None = None, password: str | None = None, **more: Any
    ) -> Any:
        """Make an account. The caller vouches for the address: it counts as proven.

        Args:
            username: a user name, where settings know those; what has an ``@`` and stands alone is an address.
            email: an address, where settings know addresses. One of the two is needed.
            password: as chosen, held to the core's policy; without one nobody signs in until one is set.
            more: ``name``, ``roles``, ``is_staff`` and ``is_superuser``.

        Raises:
            InvalidInput: an identifier is missing, malformed or taken; `PasswordRejected`, `UsernameTaken` likewise.
            Busy: the hashing pool is full.
            TypeError: a field that an account is not made with.
        """
        from nightlatch.django.installation import core

        if email is None and username is not None and "@" in username:
            username, email = None, username
        roles: Iterable[str] = more.pop("roles", ())
        chosen = {
            *roles,
            *_roles_of(is_staff=more.pop("is_staff", False), is_superuser=more.pop("is_superuser", False)),
        }
        name = more.pop("name", None)
        if more:
            raise TypeError(f"create_user() knows no {', '.join(sorted(more))}")
        made = core().provision.create(
            email=email,
            username=username,
            name=name,
            roles=tuple(chosen),
            password=None if password is None else Secret(password),
        )
        return self._of_primary().get(pk=made.id)

    def create_superuser(
        self, username: str | None = None, email: str | None = None, password: str | None = None, **more: Any
    ) -> Any:
        """Make an account with every permission, likewise.

        Raises:
            InvalidInput: as `create_user`.
        """
        return self.create_user(username, email, password, **{"is_staff": True, "is_superuser": True, **more})

    async def acreate_user(self, *args: Any, **more: Any) -> Any:
        """Do the same as `create_user`, from asynchronous code."""
        return await sync_to_async(self.create_user)(*args, **more)

    async def acreate_superuser(self, *args: Any, **more: Any) -> Any:
        """Do the same as `create_superuser`, from asynchronous code."""
        return await sync_to_async(self.create_superuser)(*args, **more)

    def get_by_natural_key(self, username: str | None) -> Any:
        """Return the user with this address, user name or id.

        Raises:
            User.DoesNotExist: there is none.
        """
        from nightlatch.django.installation import core

        try:
            return self._of_primary().get(pk=core().operator.find_user(username or "").id)
        except NotFound:
            raise self.model.DoesNotExist("no such user") from None

    def _of_primary(self) -> models.QuerySet[Any]:
        """Look where the core writes: a router's replica may not know yet."""
        from nightlatch.django.installation import installation

        return self.using(installation().configuration.database)

    def create(self, **fields: Any) -> Any:
        """Refuse: a row alone is no account."""
        del fields
        raise TypeError("make users with create_user(): an account is more than its row")

    def with_perm(self, perm: Any, **options: Any) -> models.QuerySet[Any]:
        """Return the users who have a permission, as Django's own manager does."""
        options.pop("backend", None)
        found: models.QuerySet[Any] = get_backends()[0].with_perm(perm, **options)
        return found


def _roles_of(*, is_staff: bool, is_superuser: bool) -> set[str]:
    return ({STAFF} if is_staff else set()) | ({ADMINISTRATOR} if is_superuser else set())
