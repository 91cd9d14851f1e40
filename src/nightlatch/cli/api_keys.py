"""The commands on API keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, say, show
from nightlatch.errors import NotFound
from nightlatch.records import ApiKey

__all__ = ["api_keys_command"]

as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "created_at": key.created_at,
    }


def api_keys_command(load: Callable[[], Nightlatch]) -> click.Group:
    """Make the group of commands. None of them makes a key: only its owner does."""
    group = click.Group("api-keys", help="List and revoke API keys.")

    @group.command("list", help="List a user's API keys, the newest first.")
    @click.option("--user", required=True, help="Address, user name or id.")
    @as_json
    def list_(*, user: str, as_json: bool) -> None:
        with plain_errors():
            operator = load().operator
            rows = [_row(each) for each in operator.api_keys(operator.find_user(user).id)]
            show(
                rows, as_json=as_json, empty="They have no API keys.", columns=("id", "name", "scopes", "last_used_at")
            )

    @group.command("revoke", help="End an API key by its id.")
    @click.argument("key_id")
    @as_json
    def revoke(*, key_id: str, as_json: bool) -> None:
        with plain_errors():
            try:
                load().operator.revoke_api_key(UUID(key_id))
            except ValueError:
                raise NotFound("no such API key") from None
            say({"revoked": 1}, "The API key is revoked.", as_json=as_json)

    return group
