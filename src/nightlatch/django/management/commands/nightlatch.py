"""``manage.py nightlatch ...``: the same commands as everywhere, on the project's settings, and ``adopt``."""

from __future__ import annotations

from argparse import REMAINDER
from collections.abc import Iterator
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandParser

from nightlatch.auth import Nightlatch
from nightlatch.cli.commands import add_commands, core_for_command
from nightlatch.cli.doctor import Finding
from nightlatch.cli.output import plain_errors, say
from nightlatch.django.installation import installation
from nightlatch.django.schema import verify_schema
from nightlatch.errors import NightlatchError

__all__ = ["Command"]

group = click.Group("nightlatch", help="Users, sessions and outbox of this project.")


def _schema_findings(auth: Nightlatch) -> Iterator[Finding]:
    """Tell the doctor how the schema stands; it is Django's to change (`manage.py migrate nightlatch`)."""
    del auth
    try:
        verify_schema(installation().configuration.database)
    except NightlatchError as error:
        yield {"what": "schema", "found": error.reason, "verdict": "wrong"}
    else:
        yield {"what": "schema", "found": "up to date", "verdict": "good"}
    yield {
        "what": "system checks",
        "found": "manage.py check --deploy looks at the project's settings",
        "verdict": "note",
    }


def _load() -> Nightlatch:
    return core_for_command(installation())


add_commands(group, _load, _schema_findings)


@group.command("adopt", help="Give each user of the project's own model a row of Nightlatch's. Run it again at will.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def adopt(*, as_json: bool) -> None:
    """Adopt every user of the project's own model."""
    from django.contrib.auth import get_user_model

    from nightlatch.django.adoption import adopt as adopt_one
    from nightlatch.django.users import ours
    from nightlatch.errors import ConfigurationError

    with plain_errors():
        if ours():
            raise ConfigurationError("AUTH_USER_MODEL is nightlatch.User: there is nobody to adopt")
        new = seen = 0
        left_out: list[str] = []
        for row in get_user_model()._default_manager.order_by("pk").iterator(chunk_size=1000):
            adopted = adopt_one(row)
            seen, new = seen + 1, new + adopted.new
            left_out += [f"{row.pk}: {reason}" for reason in adopted.left_out]
        for each in left_out:
            click.echo(f"nightlatch: user {each}", err=True)
        facts = {"users": seen, "adopted": new, "left_out": left_out}
        say(facts, f"{seen} users, {new} adopted now.", as_json=as_json)


class Command(BaseCommand):
    """Hand what follows to the commands that every adapter has."""

    help = "Users, sessions and outbox of Nightlatch; and adopt."
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take everything: click reads it."""
        parser.add_argument("words", nargs=REMAINDER)

    def run_from_argv(self, argv: list[str]) -> None:
        """Let click read the command line, so that its help and its errors are the same everywhere."""
        group(args=argv[2:], prog_name="manage.py nightlatch")

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer `call_command("nightlatch", "users", "list")`."""
        del args
        group.main(args=list(options["words"]), prog_name="manage.py nightlatch", standalone_mode=False)
