"""``nightlatch audit verify``: whether the audit log is what was written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TextIO

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, say
from nightlatch.flows.verify_audit import Verdict

__all__ = ["add_verify"]


def add_verify(group: click.Group, load: Callable[[], Nightlatch]) -> None:
    """Add the command.

    Args:
        group: ``audit``.
        load: builds the installation that it is about.
    """

    @group.command("verify", help="Verify every event and seal. Ends with 1 and says what where something fails.")
    @click.option("--roots", type=click.File(), help="Outside copies of seals: a file of lines as they were emitted.")
    @click.option("--key", "keys", multiple=True, help="A public key that signed under a secret key of the past.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def verify(*, roots: TextIO | None, keys: tuple[str, ...], as_json: bool) -> None:
        with plain_errors():
            verdict = load().verify_audit.run(roots=roots or (), keys=keys)
            say({"holds": verdict.holds, **asdict(verdict)}, _told(verdict), as_json=as_json)
            if not verdict.holds:
                sys.exit(1)


def _told(verdict: Verdict) -> str:
    lines = [f"wrong: {each}" for each in verdict.failures]
    lines.append(f"{verdict.seals} seals cover {verdict.sealed} events; retention dropped {verdict.dropped}.")
    notes = (
        (verdict.erased, "were emptied of what is personal, which their proof allows for"),
        (verdict.adopted, "were written before there were MACs, and are proven since the first seals only"),
        (verdict.unchecked, "bear a MAC under a secret key that is not here; their seals hold without it"),
    )
    lines += [f"{count} events {words}." for count, words in notes if count]
    if verdict.unsealed:
        since = f"{verdict.unsealed_since:%Y-%m-%d %H:%M:%S}" if verdict.unsealed_since else ""
        lines.append(f"Not covered yet: {verdict.unsealed} events since {since}; that none is gone is not proven.")
    if verdict.compared:
        lines.append(f"{verdict.compared} outside copies say the same.")
    else:
        lines.append("Without outside copies (--roots), who has database and keys could have written all of it anew.")
    lines.append(f"Key: {verdict.key}")
    lines.append("The audit log holds." if verdict.holds else "The audit log does not hold.")
    return "\n".join(lines)
