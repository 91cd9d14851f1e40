"""The commands on users, sessions and the outbox, for whichever installation they are loaded for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.api_keys import api_keys_command
from nightlatch.cli.audit import audit_commands
from nightlatch.cli.doctor import Examination, Finding, doctor_command
from nightlatch.cli.explain import explain_command
from nightlatch.cli.import_export import add_import_export
from nightlatch.cli.keys import keys_command
from nightlatch.cli.output import plain_errors, say, show, show_one
from nightlatch.cli.recover import recover_command
from nightlatch.errors import NotFound
from nightlatch.hosting.installation import HostInstallation
from nightlatch.pages.devices import device_words
from nightlatch.records import Session, User

__all__ = ["Loader", "add_commands", "core_for_command"]

Loader = Callable[[], Nightlatch]

as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def add_commands(
    group: click.Group, load: Loader, schema: Examination, serving: Callable[[], Iterator[Finding]] | None = None
) -> None:
    """Add the commands to a group.

    Args:
        group: ``nightlatch``, ``flask nightlatch`` or ``manage.py nightlatch``.
        load: builds the installation that they are about; called when a command runs.
        schema: tells how its schema stands.
        serving: tells the doctor how its own server runs, where there is one.
    """
    for make in (_users, _sessions, keys_command, api_keys_command, _outbox, audit_commands):
        group.add_command(make(load))
    group.add_command(explain_command(load))
    group.add_command(doctor_command(load, schema, serving))


def core_for_command(site: HostInstallation) -> Nightlatch:
    """Return the core of a host application for the command that runs; two of them mend what others are refused for."""
    site.mends_the_schema = click.get_current_context().info_name in {"migrate", "doctor"}
    return site.core


def _user_row(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "name": user.name,
        "roles": user.roles,
        "required_aal": user.required_aal or 1,
        "status": user.status,
        "created_at": user.created_at,
    }


_USER_COLUMNS = ("email", "username", "name", "roles", "status", "created_at")
_SESSION_COLUMNS = ("id", "user", "device", "ip", "last_seen_at")


def _hint_at_more(found: int, limit: int) -> None:
    """Never let a cut list look whole; on standard error, out of programs' way."""
    if found == limit:
        click.echo(f"These are {limit}; there may be more: --limit.", err=True)


def _session_row(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "user": session.email or session.username or session.user_id,
        "device": device_words(session.user_agent),
        "ip": session.ip,
        "aal": session.aal,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
    }


# --- users ----------------------------------------------------------------------------------------------------------


def _users(load: Loader) -> click.Group:
    group = click.Group("users", help="Add, find, suspend, restore and delete users; import and export them.")

    @group.command("add", help="Invite somebody: prints a link that is good once, or mails it.")
    @click.option("--email", help="Their address.")
    @click.option("--username", help="Their user name.")
    @click.option("--role", "roles", multiple=True, help="What they will be; may be given more than once.")
    @click.option("--mail", is_flag=True, help="Mail the link instead of printing it.")
    @as_json
    def add(*, email: str | None, username: str | None, roles: tuple[str, ...], mail: bool, as_json: bool) -> None:
        with plain_errors():
            auth = load()
            secret = auth.invitations.invite(email=email, username=username, roles=roles, mail=mail)
            if secret is None:
                auth.outbox.run_once()
                say({"mailed": True}, f"An invitation is on its way to {email}.", as_json=as_json)
                return
            link = f"{auth.settings.base_url}{auth.settings.mount}/invitation?link={secret.reveal()}"
            say({"link": link}, f"Hand this over; it works once:\n{link}", as_json=as_json)

    @group.command("list", help="List users, oldest first.")
    @click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
    @as_json
    def list_(*, limit: int, as_json: bool) -> None:
        with plain_errors():
            rows = [_user_row(user) for user in load().operator.users(limit=limit)]
            show(rows, as_json=as_json, empty="There are no users yet.", columns=_USER_COLUMNS)
            _hint_at_more(len(rows), limit)

    @group.command("show", help="Show a user by address, user name or id.")
    @click.argument("user")
    @as_json
    def show_(*, user: str, as_json: bool) -> None:
        with plain_errors():
            show_one(_user_row(load().operator.find_user(user)), as_json=as_json)

    @group.command("roles", help="Set a user's roles: all of them, in place of those there are.")
    @click.argument("user")
    @click.argument("roles", nargs=-1)
    @as_json
    def roles_(*, user: str, roles: tuple[str, ...], as_json: bool) -> None:
        with plain_errors():
            operator = load().operator
            show_one(_user_row(operator.set_roles(operator.find_user(user).id, roles)), as_json=as_json)

    @group.command("require", help="Say what a user's sign-ins must reach, whatever their roles ask for; 1 lifts it.")
    @click.argument("user")
    @click.option("--aal", required=True, type=click.IntRange(1, 3), help="1: a password; 2: two factors.")
    @as_json
    def require(*, user: str, aal: int, as_json: bool) -> None:
        with plain_errors():
            operator = load().operator
            show_one(_user_row(operator.require(operator.find_user(user).id, aal)), as_json=as_json)

    group.add_command(recover_command(load))
    for name, past, text in (
        ("suspend", "suspended: every session has ended", "Suspend a user and end every session."),
        ("restore", "restored: they can sign in again", "Let a suspended user sign in again."),
        ("delete", "deleted", "Delete a user and all that is theirs."),
    ):
        group.add_command(_act(load, name, past, text))
    add_import_export(group, load)
    return group


def _act(load: Loader, name: str, past: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("user")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @as_json
    def act(*, user: str, yes: bool, as_json: bool) -> None:
        with plain_errors():
            operator = load().operator
            found = operator.find_user(user)
            called = found.email or found.username or str(found.id)
            if name == "delete" and not yes:
                click.confirm(f"Delete {called} and all that is theirs?", abort=True)
            getattr(operator, name)(found.id)
            say({"id": found.id, "done": name}, f"{called} is {past}.", as_json=as_json)

    return act


# --- sessions -------------------------------------------------------------------------------------------------------


def _sessions(load: Loader) -> click.Group:
    group = click.Group("sessions", help="List and revoke sessions.")

    @group.command("list", help="List living sessions, of one user or of all.")
    @click.option("--user", help="Address, user name or id.")
    @click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
    @as_json
    def list_(*, user: str | None, limit: int, as_json: bool) -> None:
        with plain_errors():
            operator = load().operator
            user_id = operator.find_user(user).id if user else None
            rows = [_session_row(each) for each in operator.sessions(user_id=user_id, limit=limit)]
            show(rows, as_json=as_json, empty="Nobody is signed in.", columns=_SESSION_COLUMNS)
            _hint_at_more(len(rows), limit)

    @group.command("revoke", help="End a session by its id, or all of a user's.")
    @click.argument("session_id", required=False)
    @click.option("--user", help="Address, user name or id: end all of theirs.")
    @as_json
    def revoke(*, session_id: str | None, user: str | None, as_json: bool) -> None:
        if bool(session_id) == bool(user):
            raise click.UsageError("Give a session's id, or --user.")
        with plain_errors():
            operator = load().operator
            if user:
                ended = operator.revoke_sessions(operator.find_user(user).id)
            else:
                try:
                    operator.revoke_session(UUID(session_id))
                except ValueError:
                    raise NotFound("no such session") from None
                ended = 1
            say({"revoked": ended}, f"{ended} session{'' if ended == 1 else 's'} ended.", as_json=as_json)

    return group


# --- outbox ---------------------------------------------------------------------------------------------------------


def _outbox(load: Loader) -> click.Group:
    group = click.Group("outbox", help="Deliver mail.")

    @group.command("run", help="Deliver what waits, and go on doing so (where threads do not run).")
    @click.option("--once", is_flag=True, help="Deliver what is due now, then end.")
    @as_json
    def run(*, once: bool, as_json: bool) -> None:
        with plain_errors():
            auth = load()
            auth.do_what_is_due()
            auth.seals.run_once()
            delivered = auth.outbox.run_once()
            with suppress(KeyboardInterrupt):
                if not once:
                    click.echo("Delivering; Ctrl-C ends it.", err=True)
                while not once:
                    time.sleep(auth.settings.outbox.poll.total_seconds())
                    auth.do_what_is_due()
                    auth.seals.run_due()
                    delivered += auth.outbox.run_once()
            say({"delivered": delivered}, f"{delivered} delivered.", as_json=as_json)

    return group
