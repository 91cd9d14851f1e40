"""The one entry of ``AUTHENTICATION_BACKENDS``: passwords through the gate, permissions as Django has them."""

from __future__ import annotations

from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model, load_backend
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from nightlatch.django.identity import auth_of
from nightlatch.django.installation import installation
from nightlatch.django.signals import ASSURANCE
from nightlatch.django.transactions import outside_transactions
from nightlatch.django.users import user_of_record
from nightlatch.errors import InvalidCredentials
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import NOBODY

__all__ = ["NightlatchBackend"]


class NightlatchBackend(ModelBackend):
    """Django's ``authenticate()``, with throttle, hashing pool and gate; and its permissions, by its own tables."""

    # --- who --------------------------------------------------------------------------------------------------------

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """Return the user, if the password is right and enough by itself; ``login()`` starts the session.

        Args:
            request: for the client's address and remembered device; without it the try counts as from nowhere.
            username: an address or a user name, as typed.
            password: as typed.
            kwargs: the user name under the name of the model's ``USERNAME_FIELD``.

        Raises:
            Throttled: too many tries.
            Busy: the hashing pool is full; nothing was verified.
            ConfigurationError: a transaction is open, which would undo the counting.
        """
        typed = username if username is not None else kwargs.get(get_user_model().USERNAME_FIELD)
        if typed is None or password is None:
            return None
        client = NOBODY if request is None else auth_of(request).exchange.client
        try:
            with outside_transactions("authenticate()"):
                assurance = installation().core.sign_in.prove(client, identifier=str(typed), password=Secret(password))
        except InvalidCredentials:
            return None
        user = user_of_record(assurance.user)
        if user is not None:
            user.__dict__[ASSURANCE] = assurance
        return user

    async def aauthenticate(self, request: HttpRequest | None, **kwargs: Any) -> Any:
        """Do the same, in a thread: nothing is hashed or asked for on the event loop."""
        return await sync_to_async(self.authenticate)(request, **kwargs)

    def get_user(self, user_id: Any) -> None:
        """Answer what asks by Django's session: it is nobody's authority here."""
        del user_id

    async def aget_user(self, user_id: Any) -> None:
        """Answer likewise."""
        del user_id

    # --- may --------------------------------------------------------------------------------------------------------

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what a user may by themselves, with what `permission_backends` say."""
        found: set[str] = super().get_user_permissions(user_obj, obj)
        return found.union(*(_asked(each, "get_user_permissions", user_obj, obj) for each in _others()))

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return what a user may by their groups, with what `permission_backends` say."""
        found: set[str] = super().get_group_permissions(user_obj, obj)
        return found.union(*(_asked(each, "get_group_permissions", user_obj, obj) for each in _others()))

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return all that a user may."""
        found: set[str] = super().get_all_permissions(user_obj, obj)
        return found.union(*(_asked(each, "get_all_permissions", user_obj, obj) for each in _others()))

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether a user may."""
        return bool(super().has_perm(user_obj, perm, obj)) or any(
            each.has_perm(user_obj, perm, obj) for each in _others() if hasattr(each, "has_perm")
        )

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell whether a user may anything in an app."""
        return bool(super().has_module_perms(user_obj, app_label)) or any(
            each.has_module_perms(user_obj, app_label) for each in _others() if hasattr(each, "has_module_perms")
        )


def _others() -> tuple[Any, ...]:
    return _loaded(installation().configuration.permission_backends)


@cache
def _loaded(paths: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(load_backend(path) for path in paths)


def _asked(backend: Any, question: str, user: Any, obj: Any) -> set[str]:
    answer = getattr(backend, question, None)
    return set(answer(user, obj)) if answer is not None else set()
