"""Can the time of an answer tell who has an account? ``python bench/timing.py``, or ``make timing``.

Everybody is asked in turns that are shuffled anew in each round, so that whatever else the machine does meets all
alike. A sample is an identifier: the quicker quartile of its rounds. What it finds goes to ``docs/timing.md``.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine
from bench.alike import Compared, compare, seen_from
from bench.town import CLASSES, OLD_SHARE, Profile, Town
from nightlatch.records import Session
from nightlatch.testing.household import PASSWORD

WRONG = "certainly not the password"
Ask = Callable[[Town, str], float]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "timing.md"
TEXT = Path(__file__).with_name("timing.txt")
# --- what takes an identifier ---


def sign_in(town: Town, address: str) -> float:
    """POST sign-in with a wrong password."""
    return town.timed("/api/sign-in", {"identifier": address, "password": WRONG})


def sign_in_in_full(town: Town, address: str) -> float:
    """POST sign-in with a wrong password, hashed in full."""
    return sign_in(town, address)


def sign_in_first_step(town: Town, address: str) -> float:
    """POST sign-in without a password."""
    return town.timed("/api/sign-in", {"identifier": address})


def sign_in_second_step(town: Town, address: str) -> float:
    """POST attempt/answer with a wrong password."""
    browser, attempt = town.begun("/api/sign-in", {"identifier": address})
    return town.timed(
        "/api/attempt/answer", {"attempt": attempt, "authenticator": "password", "password": WRONG}, browser
    )


def sign_in_page(town: Town, address: str) -> float:
    """The sign-in page's form with a wrong password."""
    return _form(town, "/sign-in", identifier=address, password=WRONG)


def sign_up(town: Town, address: str) -> float:
    """POST sign-up without a password."""
    return town.timed("/api/sign-up", {"email": address})


def sign_up_with_password(town: Town, address: str) -> float:
    """POST sign-up with a password."""
    return town.timed("/api/sign-up", {"email": address, "password": PASSWORD.reveal()})


def sign_up_page(town: Town, address: str) -> float:
    """The sign-up page's form."""
    return _form(town, "/sign-up", email=address)


def recover(town: Town, address: str) -> float:
    """POST recover."""
    return town.timed("/api/recover", {"identifier": address})


def recover_again(town: Town, address: str) -> float:
    """POST attempt/begin: another code for a recovery."""
    browser, attempt = town.begun("/api/recover", {"identifier": address})
    return town.timed("/api/attempt/begin", {"attempt": attempt, "authenticator": "email_code"}, browser)


def recover_guess(town: Town, address: str) -> float:
    """POST attempt/answer with a wrong code for a recovery."""
    browser, attempt = town.begun("/api/recover", {"identifier": address})
    wrong = {"attempt": attempt, "authenticator": "email_code", "code": "12345678"}
    return town.timed("/api/attempt/answer", wrong, browser)


def recover_page(town: Town, address: str) -> float:
    """The recovery page's form."""
    return _form(town, "/recover", identifier=address)


def new_address(town: Town, address: str) -> float:
    """POST account/email: somebody else's address, by who is signed in."""
    sessions = town.house.store.find(Session, {"email": "member@example.org"}, limit=1)
    evidence = tuple(_fresh(each, town) for each in sessions[0].evidence)
    town.house.store.update(Session, {"id": sessions[0].id}, {"evidence": evidence})
    return town.timed("/api/account/email", {"email": address}, town.member)


def _fresh(evidence: Any, town: Town) -> Any:
    return msgspec.structs.replace(evidence, verified_at=town.house.clock.now())


def _form(town: Town, path: str, **fields: str) -> float:
    browser = town.stranger()
    token = browser.get(path).body.decode().partition('csrf_token" value="')[2].partition('"')[0]
    began = perf_counter_ns()
    response = browser.post(path, csrf_token=token, **fields)
    took = (perf_counter_ns() - began) / 1000
    assert response.status in {303, 401}, (path, response.status)
    return took


HASHES: tuple[Ask, ...] = (sign_in, sign_in_second_step, sign_in_page, sign_up_with_password)
LIGHT: tuple[Ask, ...] = (
    sign_in_first_step, sign_up, sign_up_page, recover, recover_again, recover_guess, recover_page, new_address,
)  # fmt: skip


# --- measuring ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People of one class whose times are comparable.

    Args:
        what: what is asked of them.
        name: the class, and which hashes where that matters.
        served: whether all is as it is served; else hashes were made cheap.
        times: of each, in microseconds.
        unknown: of the unknown ones of the same kind.
        control: of the second draw of them.
    """

    what: str
    name: str
    served: bool
    times: list[float]
    unknown: list[float]
    control: list[float]


def measure(town: Town, ask: Ask, rounds: int, draw: random.Random) -> dict[str, dict[str, float]]:
    """Return, for each class, the time of each of its people."""
    turns = [(name, address) for name, addresses in town.addresses.items() for address in addresses]
    taken: dict[tuple[str, str], list[float]] = {turn: [] for turn in turns}
    for number in range(rounds + 1):
        draw.shuffle(turns)
        gc.collect()
        for turn in turns:
            town.house.clock.advance(seconds=1)
            took = ask(town, turn[1])
            if number:  # the first round warms everything
                taken[turn].append(took)
    return {name: {each: _quick(taken[name, each]) for each in people} for name, people in town.addresses.items()}


def _quick(times: list[float]) -> float:
    """Return the quicker quartile: what else runs on the machine only ever adds (Crosby et al. 2009)."""
    return sorted(times)[len(times) // 4]


def groups(town: Town, ask: Ask, times: Mapping[str, Mapping[str, float]], *, split: bool) -> Iterator[Group]:
    """Return what is compared: each class with the unknown ones, where hashes count those of each scheme apart."""
    what = (ask.__doc__ or "").rstrip(".")
    for name in CLASSES:
        if name == "unknown":
            continue
        for old in (False, True) if split else (None,):
            found = [
                [took for each, took in times[which].items() if old is None or (each in town.old(which)) == old]
                for which in (name, "unknown", "unknown too")
            ]
            called = name if old is None else f"{name}, {'bcrypt' if old else 'Argon2id'}"
            yield Group(what=what, name=called, served=not split, times=found[0], unknown=found[1], control=found[2])


Plan = tuple[Ask, Profile, bool]
PLANS: tuple[Plan, ...] = (
    *((ask, "cheap_for_tests", False) for ask in LIGHT),
    *((ask, "cheap_for_tests", True) for ask in HASHES),
    (sign_in_in_full, "owasp_minimum", False),
)
"""What is asked, under which profile, and whether each scheme is compared apart."""


def main() -> int:
    """Measure every endpoint; 1 where a class was told apart in what is served."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60, help="of each class")
    parser.add_argument("--rounds", type=int, default=7, help="fewer than ten: then failures bring delays")
    parser.add_argument("--only", help="the name of one endpoint's function")
    parser.add_argument("--write", action="store_true", help="write docs/timing.md")
    arguments = parser.parse_args()
    plans = [each for each in PLANS if arguments.only in {None, each[0].__name__}]
    draw, found = random.Random(20261126), []
    gc.disable()
    for ask, profile, split in plans:
        # A town for each: what one endpoint leaves behind does not slow the next, nor run an account into its delays.
        with tempfile.TemporaryDirectory() as folder:
            town = Town(Path(folder), arguments.people, profile)
            found += groups(town, ask, measure(town, ask, arguments.rounds, draw), split=split)
            town.house.close()
        print(f"{ask.__name__} is done", file=sys.stderr, flush=True)
    bound = 0.01 / len(found)
    judged = [(each, compare(each.times, each.unknown)) for each in found]
    rows = [(each.served, _row(each, told, bound)) for each, told in judged]
    print("\n".join(row for _, row in rows))
    apart = [(each, told) for each, told in judged if _apart(told, bound)]
    if arguments.write:
        PAGE.write_text(_page(rows, apart, bound, arguments.people, arguments.rounds))
    served = [(each.what, each.name) for each, _ in apart if each.served]
    print(f"told apart: {served or 'nobody'}")
    return 1 if served else 0


def _apart(told: Compared, bound: float) -> bool:
    return told.p < bound and not told.low <= 0 <= told.high


def _row(group: Group, told: Compared, bound: float) -> str:
    cells = (
        group.what,
        group.name,
        f"{statistics.median(group.unknown) / 1000:.2f} ms",
        f"{told.difference:+.0f} ({told.low:+.0f} to {told.high:+.0f}) µs",
        f"{told.auc:.2f}",
        f"{told.p:.3f}",
        f"{seen_from(group.control, group.unknown, bound):.0f} µs",
        "**told apart**" if _apart(told, bound) else "alike",
    )
    return f"| {' | '.join(cells)} |"


def _page(
    rows: Sequence[tuple[bool, str]], apart: Sequence[tuple[Group, Compared]], bound: float, people: int, rounds: int
) -> str:
    served = [each for each, _ in apart if each.served]
    magnified = [(each, told) for each, told in apart if not each.served]
    names = ", ".join(f"{each.name} ({each.what})" for each in served)
    kinds = sorted({each.name.partition(",")[0] for each, _ in magnified})
    most = max((told.difference for _, told in magnified), default=0.0)
    return TEXT.read_text().format(
        served="\n".join(row for is_served, row in rows if is_served),
        magnified="\n".join(row for is_served, row in rows if not is_served),
        verdict=f"Told apart: {names}." if served else "Nobody is told apart.",
        glass=f"Told apart: {', '.join(kinds)}, by {most:.0f} µs at the most."
        if magnified
        else "Nobody is told apart.",
        bound=bound,
        people=people,
        rounds=rounds,
        machine=machine.description(),
        busy=f"{os.getloadavg()[2]:.0f}",
        old=int(OLD_SHARE * 100),
    )


if __name__ == "__main__":
    sys.exit(main())
