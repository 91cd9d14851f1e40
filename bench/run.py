"""Measure Nightlatch against its ceiling, its peers and itself: ``python -m bench`` or ``python bench/run.py``.

Everything runs on this machine, in turns (A B C A B C ...), on free loopback ports. Results go to ``bench/work``.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import figures, load, machine, report, subjects

_FIGURES = {
    each.__name__: each
    for each in (
        figures.session,
        figures.flask,
        figures.django,
        figures.fastapi,
        figures.sign_in,
        figures.flood,
        figures.start,
        figures.users,
        figures.imports,
    )
}


def main() -> int:
    """Run what is asked for; 0 even where a figure falls short, which the table says."""
    arguments = _arguments()
    load.require_wrk()
    subjects.WORK.mkdir(parents=True, exist_ok=True)
    subjects.prepare_peers()
    plan = figures.Plan(users=tuple(map(int, arguments.users.split(","))))
    if arguments.quick:
        plan = figures.Plan(seconds=2, rounds=3, users=plan.users if arguments.users_given else (1000, 50_000))
    print(f"Throttle budgets raised for load from one address: {subjects.BUDGETS}\n", flush=True)
    found: list[figures.Figure] = []
    rows: list[figures.Row] = []
    for name in arguments.only:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            more_rows, more = _FIGURES[name](plan)
        except (RuntimeError, OSError) as error:
            print(f"{name}: not measured: {error}\n", file=sys.stderr, flush=True)
            continue
        print(report.as_markdown(f"## {name}", more, more_rows) + "\n", flush=True)
        rows += more_rows
        found += more
    about = machine.description()
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    (subjects.WORK / "results.json").write_text(report.as_json(about, found, rows))
    (subjects.WORK / "results.md").write_text(report.as_markdown(f"{stamp}, {about}", found, rows) + "\n")
    print(f"{about}\n\nbench/work/results.md and results.json hold all of it.")
    print(report.as_json(about, found, []) if arguments.json else "", end="")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 2 seconds, 50,000 users as many")
    parser.add_argument("--only", default=",".join(_FIGURES), help=f"of {', '.join(_FIGURES)}")
    parser.add_argument("--users", default="", help="few and many users, such as 1000,1000000")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    unknown = set(arguments.only) - set(_FIGURES)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    arguments.users_given = bool(arguments.users)
    arguments.users = arguments.users or "1000,1000000"
    return arguments


if __name__ == "__main__":
    sys.exit(main())
