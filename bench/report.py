"""Figures and measurements as Markdown and JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from bench.figures import QUIET, Figure, Row

__all__ = ["as_json", "as_markdown"]


def as_markdown(heading: str, figures: list[Figure], rows: list[Row]) -> str:
    """Return two tables: the figures with their verdicts, and what was measured."""
    lines = [heading, "", "| figure | measured | wanted | |", "|---|--:|--:|---|"]
    for each in figures:
        wanted = f"at {'least' if each.at_least else 'most'} {_number(each.bound, each.unit)}"
        verdict = "PASS" if each.passes else "SHORT"
        spread = f"{_number(each.value, each.unit)} ({_bare(min(each.values))}-{_bare(max(each.values))})"
        lines.append(f"| {each.what} | {spread} | {wanted} | {verdict} |")
    loudest = max((row.other for row in rows), default=0.0)
    if loudest > QUIET:
        lines += ["", f"Others used up to {loudest:.2f} processors meanwhile: these figures are provisional."]
    lines += ["", "| measured | median (min-max) | runs | other CPU, most | bad |", "|---|--:|--:|--:|--:|"]
    for row in rows:
        lines.append(f"| {row.what} | {_spread(row)} | {len(row.values)} | {row.other:.2f} | {row.bad} |")
    return "\n".join(lines)


def as_json(machine: str, figures: list[Figure], rows: list[Row]) -> str:
    """Return everything that was measured."""
    value: dict[str, Any] = {
        "machine": machine,
        "figures": [{**asdict(each), "value": each.value, "passes": each.passes} for each in figures],
        "rows": [{**asdict(each), "median": each.median} for each in rows],
    }
    return json.dumps(value, indent=1)


def _number(value: float, unit: str) -> str:
    return _bare(value) if unit == "x" else f"{_bare(value)} {unit}"


def _bare(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.3g}"


def _spread(row: Row) -> str:
    if not row.values:
        return "none"
    return f"{_short(row.median)} ({_short(min(row.values))}-{_short(max(row.values))}) {row.unit}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
