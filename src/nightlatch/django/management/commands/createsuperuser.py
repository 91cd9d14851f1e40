"""``manage.py createsuperuser`` for our user model, whose password is no column: Django's own would not ask for one."""

from __future__ import annotations

import os
from getpass import getpass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError, CommandParser

from nightlatch.django.installation import core
from nightlatch.django.users import ours
from nightlatch.errors import InvalidInput, NightlatchError, PasswordRejected

__all__ = ["Command"]


class Command(createsuperuser.Command):
    """Make an administrator. For a project's own user model this is Django's command."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what names an account here."""
        if not ours():
            super().add_arguments(parser)
            return
        parser.add_argument("--email", help="An address; whoever runs this vouches for it.")
        parser.add_argument("--username")
        parser.add_argument(
            "--noinput",
            "--no-input",
            action="store_false",
            dest="interactive",
            help="Ask nothing. DJANGO_SUPERUSER_EMAIL, _USERNAME and _PASSWORD stand for what is not given; without a"
            " password nobody signs in until one is set.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask for what is missing, and make the account by the core's own flow."""
        if not ours():
            super().handle(*args, **options)
            return
        asks = core().settings
        named = {"email": asks.asks_email, "username": asks.asks_username}
        values = {name: self._value(name, options) for name, asked in named.items() if asked}
        while not self._make(values, interactive=options["interactive"]):
            pass
        self.stdout.write("Superuser created successfully.")

    def _make(self, values: dict[str, str | None], *, interactive: bool) -> bool:
        """Make the account; False if another password is to be asked for."""
        password = self._password() if interactive else os.environ.get("DJANGO_SUPERUSER_PASSWORD")
        try:
            get_user_model().objects.create_superuser(**values, password=password)
        except InvalidInput as refusal:
            said = " ".join(refusal.fields.values()) or refusal.message
            if not (interactive and isinstance(refusal, PasswordRejected)):
                raise CommandError(said) from None
            self.stderr.write(said)
            return False
        except NightlatchError as refusal:
            raise CommandError(refusal.message) from None
        return True

    def _value(self, name: str, options: dict[str, Any]) -> str | None:
        value = options[name] or os.environ.get(f"DJANGO_SUPERUSER_{name.upper()}")
        if value is None and options["interactive"]:
            if not self.stdin.isatty():
                raise CommandError("There is no terminal to ask at: give --noinput, and DJANGO_SUPERUSER_PASSWORD.")
            value = input(f"{name.capitalize()}: ")
        return value or None

    def _password(self) -> str:
        while True:
            first = getpass("Password: ")
            if first == getpass("Password (again): "):
                return first
            self.stderr.write("The two are not the same.")
