"""``flask nightlatch ...``: the same commands, on the application's settings."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from nightlatch.auth import Nightlatch
from nightlatch.cli.commands import add_commands, core_for_command
from nightlatch.cli.sql import migrate_command, schema_findings

__all__ = ["group"]

group = click.Group("nightlatch", help="Users, sessions, schema and outbox of this application.")


def _load() -> Nightlatch:
    from nightlatch.flask.user import installation

    return core_for_command(installation())


add_commands(group, _load, schema_findings)
group.add_command(migrate_command(_load))


def _with_context(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _with_context(each)
    elif command.callback is not None:
        command.callback = with_appcontext(command.callback)


_with_context(group)
