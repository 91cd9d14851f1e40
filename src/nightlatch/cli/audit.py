"""The commands on the audit log: its end, a search, all of it, and its proof."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.audit_verify import add_verify
from nightlatch.cli.output import plain_errors, show
from nightlatch.pages.devices import device_words
from nightlatch.records import Event

__all__ = ["audit_commands"]

_COLUMNS = ("at", "action", "outcome", "reason", "user_id", "ip", "device", "count")

_as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
_limit = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
_since = click.option("--since", type=click.DateTime(), help="From this time on, in UTC.")


def audit_commands(load: Callable[[], Nightlatch]) -> click.Group:
    """Return the group ``audit``.

    Args:
        load: builds the installation that the commands are about; called when one runs.
    """
    group = click.Group("audit", help="Read the audit log, and verify it.")
    for add in (_tail, _search, _export):
        add(group, load)
    add_verify(group, load)
    return group


def _tail(group: click.Group, load: Callable[[], Nightlatch]) -> None:
    @group.command("tail", help="Show the last events, the newest at the end.")
    @_limit
    @_as_json
    def tail(*, limit: int, as_json: bool) -> None:
        with plain_errors():
            rows = [_row(event) for event in reversed(load().audit_trail.search(limit=limit))]
            show(rows, as_json=as_json, empty="Nothing has happened yet.", columns=_COLUMNS)


def _search(group: click.Group, load: Callable[[], Nightlatch]) -> None:
    @group.command("search", help="Find events, newest first. Every option narrows what is found.")
    @click.option("--user", help="Whose account they are about: address, user name or id.")
    @click.option("--action", help="What was done or tried, such as authn_login_fail.")
    @click.option("--outcome", type=click.Choice(["success", "refused", "error"]))
    @click.option("--ip", help="The address of the client.")
    @_since
    @_limit
    @_as_json
    def search(*, user: str | None, since: datetime | None, limit: int, as_json: bool, **asked: str | None) -> None:
        with plain_errors():
            auth = load()
            user_id = auth.operator.find_user(user).id if user else None
            found = auth.audit_trail.search(user_id=user_id, since=_utc(since), limit=limit, **asked)
            show([_row(event) for event in found], as_json=as_json, empty="No event matches.", columns=_COLUMNS)
            if len(found) == limit:
                click.echo(f"These are {limit}; there may be more: --limit.", err=True)


def _export(group: click.Group, load: Callable[[], Nightlatch]) -> None:
    @group.command("export", help="Write every event to standard output, oldest first: one JSON object a line.")
    @_since
    @click.option("--until", type=click.DateTime(), help="Before this time, in UTC.")
    def export(*, since: datetime | None, until: datetime | None) -> None:
        with plain_errors():
            for event in load().audit_trail.every(since=_utc(since), until=_utc(until)):
                click.echo(json.dumps(_row(event), default=_plain))


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "action": event.action,
        "outcome": event.outcome,
        "reason": event.reason,
        "user_id": event.user_id,
        "actor_id": event.actor_id,
        "session_id": event.session_id,
        "attempt_id": event.attempt_id,
        "identifier_hash": event.identifier_hash.hex() if event.identifier_hash else None,
        "ip": event.ip,
        "device": device_words(event.user_agent),
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "count": event.count,
        "details": json.loads(event.details),
        "number": event.number,
        "seal_id": event.seal_id,
    }


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)


def _plain(value: Any) -> str:
    # To the microsecond: an export is evidence, and order within a second matters.
    return value.isoformat() if isinstance(value, datetime) else str(value)
