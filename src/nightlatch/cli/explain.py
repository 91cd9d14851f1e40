"""``nightlatch explain``: why somebody does not get in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, printable, say
from nightlatch.flows.explain import Explanation
from nightlatch.pages.devices import device_words

__all__ = ["explain_command"]


def explain_command(load: Callable[[], Nightlatch]) -> click.Command:
    """Return the command, for an installation.

    Args:
        load: builds it.
    """

    @click.command("explain", help="Say why the last sign-ins were refused, which rule, and what would pass.")
    @click.argument("identifier")
    @click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="So many refusals.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def explain(*, identifier: str, limit: int, as_json: bool) -> None:
        with plain_errors():
            found = load().explain.sign_in(identifier, limit=limit)
            say(_facts(identifier, found), _told(identifier, found), as_json=as_json)

    return explain


def _facts(identifier: str, found: Explanation) -> dict[str, Any]:
    return {
        "identifier": identifier,
        "user_id": found.user and found.user.id,
        "status": found.user and found.user.status,
        "blocks": [asdict(each) for each in found.blocks],
        "ways": found.ways,
        "refused": [asdict(each) for each in found.refused],
    }


def _told(identifier: str, found: Explanation) -> str:
    who = f"user {found.user.id}, {found.user.status}" if found.user else "nobody"
    lines = [f"{identifier}: {who}"]
    lines += ["", "In the way now:"] if found.blocks else ["", "Nothing is in the way now."]
    for block in found.blocks:
        until = f", until {block.until:%Y-%m-%d %H:%M:%S} UTC" if block.until else ""
        lines += [f"  {block.rule}{until}", f"    lifted by: {block.remedy}"]
    if found.ways:
        lines += ["", "What passes otherwise:", *(f"  {', then '.join(way)}" for way in found.ways)]
    lines += ["", "Refused last:" if found.refused else "No sign-in was refused."]
    for each in found.refused:
        place = f"{each.ip or 'unknown'}, {device_words(each.user_agent)}"
        lines += [
            f"  {each.at:%Y-%m-%d %H:%M:%S} UTC from {place}",
            f"    {each.rule}",
            f"    would pass: {each.remedy}",
        ]
    return "\n".join(printable(line) for line in lines)
