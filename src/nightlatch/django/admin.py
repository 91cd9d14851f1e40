"""Users, sessions, authenticators and events in Django's admin: to look at, and to act on by flows alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from nightlatch.django.installation import core, installation
from nightlatch.django.models import Authenticator, Event, Identifier, Session, User
from nightlatch.django.users import ours
from nightlatch.errors import NightlatchError

__all__: list[str] = []


def _each(
    model_admin: admin.ModelAdmin, request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], object], done: str
) -> None:
    """Act on each of the chosen rows, and tell how many it was done to."""
    count = 0
    for row in rows:
        try:
            act(row)
            count += 1
        except NightlatchError as error:
            model_admin.message_user(request, f"{row}: {error.message}", messages.ERROR)
    model_admin.message_user(request, f"{count} {done}.", messages.SUCCESS)


class ReadOnly(admin.ModelAdmin):
    """Rows to look at. What is secret is not shown, not even to a superuser: hashes and sealed texts stay out."""

    hidden: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows where the core writes them: whoever revokes must see what there is."""
        found: QuerySet[Any] = super().get_queryset(request)
        return found.using(installation().configuration.database)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return what is shown."""
        del request, obj
        return [each.name for each in self.model._meta.fields if each.name not in self.hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return what may not be changed: all of it."""
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody make a bare row."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody change a bare row: the pages show it, without a button to save it."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody delete a bare row."""
        del request, obj
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Let those act by flows who have Django's permission to change such rows."""
        return bool(super().has_change_permission(request))


class IdentifierInline(admin.TabularInline):
    """What a user is found by."""

    model = Identifier
    fields = ("kind", "value", "primary", "proven_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody add one here: it would be proven by nobody."""
        del request, obj
        return False


@admin.register(User)
class UserAdmin(ReadOnly):
    """Users. Groups and permissions are Django's, and changed here; everything else by what the core offers."""

    list_display = ("email", "username", "name", "status", "roles", "created_at")
    list_filter = ("status",)
    search_fields = ("email", "username", "name", "external_id")
    ordering = ("-created_at",)
    inlines = (IdentifierInline,)
    actions = ("suspend", "restore", "revoke_sessions")
    filter_horizontal = ("groups", "user_permissions") if ours() else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return what is shown."""
        shown = super().get_fields(request, obj)
        return [*shown, "groups", "user_permissions"] if ours() else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Return what may not be changed here."""
        return [each for each in self.get_fields(request, obj) if each not in {"groups", "user_permissions"}]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let groups and permissions be changed, where they are ours."""
        del obj
        return ours() and self.has_act_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Save nothing of the row itself: none of it may be changed here."""

    @admin.action(description="Suspend: every session ends at once", permissions=["act"])
    def suspend(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Suspend users."""
        _each(self, request, rows, lambda row: core().operator.suspend(row.pk), "suspended")

    @admin.action(description="Restore: let them sign in again", permissions=["act"])
    def restore(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Let users sign in again."""
        _each(self, request, rows, lambda row: core().operator.restore(row.pk), "restored")

    @admin.action(description="Sign out everywhere", permissions=["act"])
    def revoke_sessions(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """End every session of users."""
        _each(self, request, rows, lambda row: core().operator.revoke_sessions(row.pk), "signed out everywhere")


@admin.register(Session)
class SessionAdmin(ReadOnly):
    """Who is signed in, and where."""

    hidden = ("selector", "secret_hash", "binding", "evidence")
    list_display = ("email", "username", "aal", "ip", "user_agent", "last_seen_at", "expires_at")
    search_fields = ("email", "username", "ip")
    ordering = ("-last_seen_at",)
    actions = ("revoke",)

    @admin.action(description="Revoke: sign this browser out", permissions=["act"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """End sessions."""
        _each(self, request, rows, lambda row: core().operator.revoke_session(row.pk), "revoked")


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnly):
    """What users prove themselves with."""

    hidden = ("lookup", "password_hash", "sealed_secret", "public_key", "details")
    list_display = ("kind", "user", "name", "confirmed_at", "last_used_at", "failures")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__username")
    ordering = ("-created_at",)


@admin.register(Event)
class EventAdmin(ReadOnly):
    """What has happened."""

    hidden = ("identifier_hash", "mac", "seal_id", "salt", "personal_hash")
    list_display = ("at", "action", "outcome", "reason", "user_id", "ip", "count")
    list_filter = ("outcome", "action")
    search_fields = ("action", "ip", "=user_id")
    ordering = ("-at",)
