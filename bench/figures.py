"""The figures: what is compared, and how much of it is enough."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bench import load
from bench.hash_rate import hash_rate
from bench.import_rate import import_rate
from bench.load import Checks
from bench.machine import OtherLoad, wait_until_quiet
from bench.subjects import SUBJECTS, WORKERS, Subject
from nightlatch.primitives.hashing import PROFILES

__all__ = [
    "QUIET",
    "Figure",
    "Plan",
    "Row",
    "django",
    "fastapi",
    "flask",
    "flood",
    "imports",
    "session",
    "sign_in",
    "start",
    "users",
]

T = TypeVar("T")

QUIET = 0.25
"""Processors that others may use while something is measured."""

_ARGON2_MB = PROFILES["owasp_minimum"].memory_kib * 1024 / 1e6
_CLIENTS = 32
_BURST = 32
_IMPORTED = (20_000, 100_000)
_SIGN_IN_CLIENTS = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often.

    Args:
        seconds: of one run.
        rounds: how often everything is run, in turns.
        users: how many there are; the figure of sizes compares the first with the last.
    """

    seconds: float = 3.0
    rounds: int = 5
    users: tuple[int, ...] = (1000, 1_000_000)


@dataclass(slots=True)
class Row:
    """Measurements of one thing.

    Args:
        what: was measured.
        unit: of the values.
        values: one a round.
        other: processors that others used meanwhile, the most of all rounds.
        bad: answers that were not what was asked for.
    """

    what: str
    unit: str
    values: list[float] = field(default_factory=list)
    other: float = 0.0
    bad: int = 0

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values) if self.values else float("nan")

    def add(self, value: float | None, *, other: float = 0.0, bad: int = 0) -> None:
        """Add a round."""
        if value is not None:
            self.values.append(value)
        self.other = max(self.other, other)
        self.bad += bad


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that is wanted.

    Args:
        what: is compared.
        values: one a round; for a ratio, of what was measured next to one another: the machine's speed changes.
        bound: that is wanted.
        at_least: whether the bound is a least (or a most).
        unit: ``x`` for ratios.
    """

    what: str
    values: list[float]
    bound: float
    at_least: bool = True
    unit: str = "x"

    @property
    def value(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def passes(self) -> bool:
        """Whether it is good enough."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


Outcome = tuple[list[Row], list[Figure]]


def _over(above: Row, below: Row) -> list[float]:
    """Return the ratio of two measurements, round by round."""
    return [one / other for one, other in zip(above.values, below.values, strict=True)]


def _quietly(measure: Callable[[], T]) -> tuple[T, float]:
    """Measure once the machine is quiet, and again, twice at most, if it did not stay so.

    Returns:
        what was measured, and the processors that others used meanwhile.
    """
    best: tuple[T, float] | None = None
    for _ in range(3):
        wait_until_quiet()
        others = OtherLoad()
        found = measure()
        share = others.share()
        if best is None or share < best[1]:
            best = found, share
        if share < QUIET:
            break
    assert best is not None
    return best


def _up(stack: ExitStack, names: Sequence[str], users: int) -> list[Subject]:
    found = []
    for name in names:
        subject = SUBJECTS[name](users)
        stack.enter_context(subject.server)
        cookie = subject.cookies.read_text().partition("\n")[0]
        status, body = subject.server.get(subject.path, cookie)
        if status != 200 or b"@example.org" not in body:
            raise RuntimeError(f"{subject.name} does not know its own session: {status} {body[:200]!r}")
        found.append(subject)
    return found


def _check(subject: Subject, rows: tuple[Row, Row], plan: Plan, *, clients: int = _CLIENTS) -> None:
    url, cookies = subject.check_url, subject.cookies
    got, other = _quietly(lambda: load.check_sessions(url, cookies, clients=clients, seconds=plan.seconds))
    rate, p99 = rows
    rate.add(got.rate, other=other, bad=got.bad)
    p99.add(got.p99, other=other)


def _check_rows(name: str) -> tuple[Row, Row]:
    return Row(f"{name}: session checks", "/s"), Row(f"{name}: p99", "ms")


def _compared(names: Sequence[str], plan: Plan) -> tuple[list[Row], dict[str, Row]]:
    """Check sessions of several subjects in turns, and return every row, and the rates of each."""
    with ExitStack() as stack:
        subjects = dict(zip(names, _up(stack, names, plan.users[0]), strict=True))
        rows = {name: _check_rows(subject.name) for name, subject in subjects.items()}
        for subject in subjects.values():  # imports, caches and connections, once
            load.check_sessions(subject.check_url, subject.cookies, clients=_CLIENTS, seconds=1)
        for _ in range(plan.rounds):
            for name, subject in subjects.items():
                _check(subject, rows[name], plan)
    return [row for pair in rows.values() for row in pair], {name: pair[0] for name, pair in rows.items()}


def session(plan: Plan) -> Outcome:
    """Compare the stand-alone server's session check with the bare ceiling and the hand-written peer."""
    rows, rate = _compared(("ceiling", "nightlatch", "flask_hand"), plan)
    return rows, [
        Figure("session check / bare ceiling", _over(rate["nightlatch"], rate["ceiling"]), 0.35),
        Figure("session check / Flask-Login under gunicorn", _over(rate["nightlatch"], rate["flask_hand"]), 4.0),
    ]


def flask(plan: Plan) -> Outcome:
    """Compare a route inside Flask with the same under Flask-Login, on the same HTTP server."""
    rows, rate = _compared(
        ("flask_nightlatch", "flask_login", "flask_nightlatch_engine", "flask_nightlatch_name"), plan
    )
    return rows, [Figure("inside Flask / Flask-Login", _over(rate["flask_nightlatch"], rate["flask_login"]), 1.5)]


def django(plan: Plan) -> Outcome:
    """Compare a route inside Django with the same under Django's own sessions, on the same HTTP server."""
    rows, rate = _compared(("django_nightlatch", "django_hand", "django_nightlatch_name"), plan)
    return rows, [
        Figure(
            "inside Django / Django's session and login_required",
            _over(rate["django_nightlatch"], rate["django_hand"]),
            1.0,
        )
    ]


def fastapi(plan: Plan) -> Outcome:
    """Compare a route inside FastAPI with the same under FastAPI Users; and see how late the event loop gets."""
    rows, rate = _compared(("fastapi_nightlatch", "fastapi_users"), plan)
    late = Row(f"event loop in FastAPI, {_BURST} signing in: the latest", "ms")
    with ExitStack() as stack:
        (subject,) = _up(stack, ["fastapi_one_loop"], plan.users[0])
        for _ in range(plan.rounds):
            _, other = _quietly(lambda: _burst(subject, plan))
            late.add(_late(subject), other=other)
    return [*rows, late], [
        Figure("inside FastAPI / FastAPI Users", _over(rate["fastapi_nightlatch"], rate["fastapi_users"]), 2.0),
        Figure(f"latest beat of the event loop, {_BURST} signing in", late.values, 50, at_least=False, unit="ms"),
    ]


def _burst(subject: Subject, plan: Plan) -> None:
    _late(subject)  # from here on
    _see(load.sign_in(subject.sign_in_url, _bodies(subject), clients=_BURST, seconds=plan.seconds))


def _late(subject: Subject) -> float:
    return float(json.loads(subject.server.get("/late")[1])["late"])


def sign_in(plan: Plan) -> Outcome:
    """Compare sign-ins with the raw rate of the hash."""
    raw, whole = Row("raw Argon2id verifications, all processors", "/s"), Row("nightlatch serve: sign-ins", "/s")
    p50, refused = Row("nightlatch serve: sign-in p50", "ms"), Row("nightlatch serve: refused (503)", "/s")
    with ExitStack() as stack:
        (subject,) = _up(stack, ["nightlatch"], plan.users[0])
        load.sign_in(subject.sign_in_url, _bodies(subject), clients=_SIGN_IN_CLIENTS, seconds=1, wait=50)
        for _ in range(plan.rounds):
            verified, other = _quietly(lambda: hash_rate(plan.seconds))
            raw.add(verified, other=other)
            _sign_ins(subject, plan, (whole, p50, refused))
    rows = [raw, whole, p50, refused]
    return rows, [Figure("sign-ins / raw hash rate", _over(whole, raw), 0.93)]


def _sign_ins(subject: Subject, plan: Plan, rows: tuple[Row, Row, Row]) -> None:
    bodies = _bodies(subject)

    def measure() -> load.SignIns:
        # A client that is refused waits 50 ms: what is measured is how many get in, not how fast others are refused.
        url = subject.sign_in_url
        return load.sign_in(url, bodies, clients=_SIGN_IN_CLIENTS, seconds=plan.seconds, wait=50)

    got, other = _quietly(measure)
    _see(got)
    rate, p50, refused = rows
    rate.add(got.rate, other=other, bad=got.bad)
    p50.add(got.p50, other=other)
    refused.add(got.refused_rate, other=other)


def _bodies(subject: Subject) -> Path:
    assert subject.bodies is not None
    return subject.bodies


def _see(got: load.SignIns) -> None:
    if not got.rate or got.bad:
        raise RuntimeError(f"sign-ins went wrong: {got}")


def flood(plan: Plan) -> Outcome:
    """Check sessions while clients sign in without pause."""
    rows: list[Row] = []
    figures: list[Figure] = []
    with ExitStack() as stack:
        (subject,) = _up(stack, ["nightlatch"], plan.users[0])
        quiet = _check_rows("quiet")
        floods = {clients: _flood_rows(clients) for clients in (16, 64)}
        _check(subject, (Row("", ""), Row("", "")), plan)
        for _ in range(plan.rounds):
            _check(subject, quiet, plan, clients=16)
            for clients, found in floods.items():
                _flooded(subject, plan, clients, found)
    rows += quiet
    most = max(20.0, 5 * quiet[1].median)
    for clients, (rate, p99, *rest) in floods.items():
        refused = rest[2]
        rows += [rate, p99, *rest]
        figures += [
            Figure(f"session checks with {clients} signing in / quiet", _over(rate, quiet[0]), 0.6),
            Figure(f"p99 of session checks with {clients} signing in", p99.values, most, at_least=False, unit="ms"),
        ]
        if refused.values:
            what = f"refused sign-in, median, {clients} clients"
            figures.append(Figure(what, refused.values, 50, at_least=False, unit="ms"))
    return rows, figures


def _flood_rows(clients: int) -> tuple[Row, Row, Row, Row, Row]:
    name = f"{clients} signing in"
    return (
        *_check_rows(name),
        Row(f"{name}: sign-ins", "/s"),
        Row(f"{name}: refused (503)", "/s"),
        Row(f"{name}: refused after, median", "ms"),
    )


def _flooded(subject: Subject, plan: Plan, clients: int, rows: tuple[Row, Row, Row, Row, Row]) -> None:
    bodies = _bodies(subject)

    def measure() -> tuple[Checks, load.SignIns]:
        running = load.begin_sign_ins(subject.sign_in_url, bodies, clients=clients, seconds=plan.seconds + 2)
        try:
            load.check_sessions(subject.check_url, subject.cookies, clients=16, seconds=1)  # until the flood stands
            checked = load.check_sessions(subject.check_url, subject.cookies, clients=16, seconds=plan.seconds)
        finally:
            signed_in = load.ended(running)
        return checked, signed_in

    (got, flood_got), other = _quietly(measure)
    _see(flood_got)
    values = (got.rate, got.p99, flood_got.rate, flood_got.refused_rate, flood_got.refused_p50)
    for row, value in zip(rows, values, strict=True):
        row.add(value, other=other)
    rows[0].bad += got.bad


def start(plan: Plan) -> Outcome:
    """Measure cold start and memory."""
    began = Row("spawn to first 200", "s")
    idle, grown = Row("a worker, idle", "MB"), Row("a worker's growth under load", "MB")
    for _ in range(plan.rounds):
        wait_until_quiet()
        with ExitStack() as stack:
            (subject,) = _up(stack, ["nightlatch"], plan.users[0])
            began.add(subject.server.started_in)
            before = max(each.resident for each in subject.server.memory())
            idle.add(before)
            load.check_sessions(subject.check_url, subject.cookies, clients=_CLIENTS, seconds=plan.seconds)
            load.sign_in(subject.sign_in_url, _bodies(subject), clients=64, seconds=plan.seconds)
            grown.add(max(each.highest for each in subject.server.memory()) - before)
    bound = max(1, (os.cpu_count() or 1) // WORKERS) * _ARGON2_MB  # a slot for each processor, over all workers
    return [began, idle, grown], [
        Figure("cold start", began.values, 1.0, at_least=False, unit="s"),
        Figure("memory of an idle worker", idle.values, 75, at_least=False, unit="MB"),
        Figure("its growth under load (slots x memory cost)", grown.values, bound, at_least=False, unit="MB"),
    ]


def users(plan: Plan) -> Outcome:
    """Compare many users with few."""
    rows: list[Row] = []
    with ExitStack() as stack:
        sizes = sorted({plan.users[0], plan.users[-1]})
        subjects = {size: _up(stack, ["nightlatch"], size)[0] for size in sizes}
        checks = {size: _check_rows(f"{size:,} users") for size in sizes}
        signs = {size: (Row(f"{size:,} users: sign-ins", "/s"), Row("", ""), Row("", "")) for size in sizes}
        for size in sizes:
            _check(subjects[size], (Row("", ""), Row("", "")), plan)
        for _ in range(plan.rounds):
            for size in sizes:
                _check(subjects[size], checks[size], plan)
            for size in sizes:
                _sign_ins(subjects[size], plan, signs[size])
    for size in sizes:
        rows += [*checks[size], signs[size][0]]
    few, many = sizes[0], sizes[-1]
    return rows, [
        Figure(f"session check: {many:,} users / {few:,}", _over(checks[many][0], checks[few][0]), 0.85),
        Figure(f"sign-in: {many:,} users / {few:,}", _over(signs[many][0], signs[few][0]), 0.85),
    ]


def imports(plan: Plan) -> Outcome:
    """Measure `nightlatch users import` into a new SQLite database."""
    rows = {
        users: (
            Row(f"users import: {users:,} users, all of it", "/s"),
            Row(f"users import: {users:,} users, after parsing", "/s"),
        )
        for users in _IMPORTED
    }
    for _ in range(plan.rounds):
        for users, found in rows.items():
            rates, other = _quietly(lambda users=users: import_rate(users))
            for row, rate in zip(found, rates, strict=True):
                row.add(rate, other=other)
    written = rows[_IMPORTED[0]][1]
    figure = Figure(f"users import, {_IMPORTED[0]:,} users, after parsing", written.values, 20_000, unit="/s")
    return [row for pair in rows.values() for row in pair], [figure]
