"""``users recover``: start a recovery for somebody who cannot get back in."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, say
from nightlatch.primitives.secret import Secret

__all__ = ["recover_command"]


def recover_command(load: Callable[[], Nightlatch]) -> click.Command:
    """Return the command, for an installation.

    Args:
        load: builds it.
    """

    @click.command("recover", help="Start a recovery for somebody who cannot get back in.")
    @click.argument("user")
    @click.option("--to", help="An address of theirs, proven a week ago or longer, to mail the link to in its time.")
    @click.option("--hand-over", is_flag=True, help="Print the link instead, to be handed over in person.")
    @click.option("--lost-everything", is_flag=True, help="Their other authenticators are lost too, and are removed.")
    @click.option("--confirm", is_flag=True, help="Confirm what another operator asked for, where it takes two.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def recover(
        *, user: str, to: str | None, hand_over: bool, lost_everything: bool, confirm: bool, as_json: bool
    ) -> None:
        if [bool(to), hand_over, confirm].count(True) != 1 or (confirm and lost_everything):
            raise click.UsageError("Give --to ADDRESS, or --hand-over; or --confirm alone.")
        with plain_errors():
            auth, operator = load(), getpass.getuser()
            found, flow = auth.operator.find_user(user), auth.operator_recovery
            if confirm:
                _tell(auth, flow.confirm(found, by=operator), as_json=as_json)
            elif auth.settings.accounts.recovery_operators > 1:
                until = flow.request(found, to=to, lost_everything=lost_everything, by=operator)
                how = f"Another operator confirms it until {until:%Y-%m-%d %H:%M} UTC: users recover {user} --confirm"
                say({"confirm_until": until}, how, as_json=as_json)
            else:
                begun = flow.start(found, to=to, lost_everything=lost_everything, by=operator)
                _tell(auth, begun, as_json=as_json)

    return recover


def _tell(auth: Nightlatch, begun: tuple[datetime, Secret | None], *, as_json: bool) -> None:
    works_at, secret = begun
    auth.outbox.run_once()
    link = secret and f"{auth.settings.base_url}{auth.settings.mount}/verify?link={secret.reveal()}"
    told = f"It works from {works_at:%Y-%m-%d %H:%M} UTC on, once; every address was told and can stop it."
    text = f"Hand this over in person:\n{link}\n{told}" if link else f"A link is mailed then. {told}"
    say({"works_at": works_at, "link": link}, text, as_json=as_json)
