"""The commands on signing keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, say, show
from nightlatch.records import SigningKey

__all__ = ["keys_command"]

as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def _row(key: SigningKey, state: str) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "state": state,
        "algorithm": key.algorithm,
        "signs_from_at": key.signs_from_at,
        "revoked_at": key.revoked_at,
        "created_at": key.created_at,
    }


def keys_command(load: Callable[[], Nightlatch]) -> click.Group:
    """Make the group of commands."""
    group = click.Group("keys", help="List, rotate and revoke the keys that sign access tokens.")

    @group.command("list", help="List keys, the newest first: next, signing, verifying, old, revoked.")
    @as_json
    def list_(*, as_json: bool) -> None:
        with plain_errors():
            rows = [_row(key, state) for key, state in load().operator.signing_keys()]
            show(rows, as_json=as_json, empty="There are no keys yet.", columns=("kid", "state", "signs_from_at"))

    @group.command("rotate", help="Let the next key sign, ahead of the schedule. Nobody is signed out.")
    @as_json
    def rotate(*, as_json: bool) -> None:
        with plain_errors():
            key = load().operator.rotate_signing_key()
            say(_row(key, "next"), f"{key.kid} signs from {key.signs_from_at:%Y-%m-%d %H:%M} UTC.", as_json=as_json)

    # One in 64 names of keys begins with a dash (base64url), and is no option.
    @group.command(
        "revoke",
        help="Stop believing a key that was lost, and every access token that it signed.",
        context_settings={"ignore_unknown_options": True},
    )
    @click.argument("kid")
    @as_json
    def revoke(*, kid: str, as_json: bool) -> None:
        with plain_errors():
            key = load().operator.revoke_signing_key(kid)
            say(_row(key, "revoked"), f"{key.kid} is revoked; clients refresh.", as_json=as_json)

    return group
