"""``users import``, ``users export``, ``users hashes``: an application's accounts in, and out again."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, say, show
from nightlatch.cli.user_files import open_lines, private_file, read_lines
from nightlatch.flows.import_users import ImportOptions, Outcome

__all__ = ["add_import_export"]

Loader = Callable[[], Nightlatch]


def add_import_export(group: click.Group, load: Loader) -> None:
    """Add the commands to ``users``."""
    for make in (_import, _export, _hashes):
        group.add_command(make(load))


def _import(load: Loader) -> click.Command:
    @click.command("import", help="Bring users in from JSON Lines or CSV, with hashes of other applications.")
    @click.argument("file")
    @click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="Of the file.  [by its name]")
    @click.option("--dry-run", is_flag=True, help="Write nothing; say what would be done.")
    @click.option("--trust-addresses", is_flag=True, help="Vouch for addresses whose rows have no email_verified.")
    @click.option("--update", is_flag=True, help="Change name, roles and external id of users that are there.")
    @click.option("--overwrite-passwords", is_flag=True, help="Replace their passwords too: it signs them out.")
    @click.option("--json", "as_json", is_flag=True, help="For programs: JSON Lines, the last one with the sums.")
    def import_(*, file: str, form: str | None, as_json: bool, **given: bool) -> None:
        with plain_errors():
            options = ImportOptions(**given)
            form = form or ("csv" if file.endswith(".csv") else "jsonl")
            auth = load()
            with open_lines(file) as (lines, size), _progress(size) as read:
                outcomes = auth.import_users.run(read_lines(lines, form, read), options)
                sums = _tell(outcomes, as_json=as_json)
            if as_json:
                click.echo(json.dumps(sums))
            else:
                _say(sums, options)
            if sums["refused"]:
                sys.exit(1)

    return import_


def _tell(outcomes: Iterable[Outcome], *, as_json: bool) -> dict[str, Any]:
    """Tell of each line that is not simply done, as it comes, and return the sums."""
    kinds: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    weak: Counter[str] = Counter()
    for each in outcomes:
        kinds[each.kind] += 1
        if each.kind == "created":
            notes.update(each.notes)
            weak.update([each.scheme] if each.weak and each.scheme else [])
        if each.kind in {"refused", "differs", "updated"}:
            if as_json:
                facts = {"line": each.number, "outcome": each.kind, "reason": each.reason, "fields": each.fields}
                click.echo(json.dumps({name: value for name, value in facts.items() if value}))
            else:
                click.echo(f"line {each.number}: {_words(each)}", err=True)
    sums = {kind: kinds[kind] for kind in ("created", "updated", "unchanged", "differs", "refused")}
    return {**sums, "notes": dict(notes), "weak_hashes": dict(weak)}


def _words(outcome: Outcome) -> str:
    if outcome.kind == "refused":
        return f"refused: {outcome.reason}"
    return f"{'updated' if outcome.kind == 'updated' else 'is there, and differs'}: {', '.join(outcome.fields)}"


def _say(sums: dict[str, Any], options: ImportOptions) -> None:
    click.echo(
        f"{sums['created']:,} {'to be created' if options.dry_run else 'created'}, {sums['updated']:,} updated, "
        f"{sums['unchanged']:,} there already, {sums['differs']:,} there and different, {sums['refused']:,} refused."
    )
    for text, count in sums["notes"].items():
        click.echo(f"{count:,} times: {text}")
    if sums["weak_hashes"]:
        schemes = ", ".join(f"{scheme} ({count:,})" for scheme, count in sorted(sums["weak_hashes"].items()))
        click.echo(f"Cheap to guess until their owners sign in: {schemes}")
    if sums["differs"] and not options.update:
        click.echo("Users that are there were left as they are: --update changes name, roles and external id.")
    if options.dry_run:
        click.echo("Nothing was written.")


@contextmanager
def _progress(size: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, by the bytes that were read."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Importing"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("import", total=size)
        yield lambda count: progress.advance(task, count)


def _export(load: Loader) -> click.Command:
    @click.command("export", help="Write all users to a new file, as `users import` reads it: with their hashes.")
    @click.argument("file")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def export(*, file: str, as_json: bool) -> None:
        with plain_errors():
            auth = load()
            count = 0
            with private_file(file) as out:
                for row in auth.export_users.rows():
                    out.write(msgspec.json.encode(row) + b"\n")
                    count += 1
            click.echo("It holds password hashes: whoever has it can guess them at leisure. Delete it soon.", err=True)
            if file != "-":
                say({"exported": count, "file": file}, f"{count:,} users written to {file}.", as_json=as_json)

    return export


def _hashes(load: Loader) -> click.Command:
    @click.command("hashes", help="Count the stored password hashes by scheme, and tell which are cheap to guess.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def hashes(*, as_json: bool) -> None:
        with plain_errors():
            rows = [
                {"scheme": scheme, "users": count, "verdict": verdict}
                for verdict, schemes in load().export_users.schemes().items()
                for scheme, count in schemes.most_common()
            ]
            show(rows, as_json=as_json, empty="Nobody has a password yet.")

    return hashes
