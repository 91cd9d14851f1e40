"""``doctor``: what hashing costs here, and what is not as it should be."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from nightlatch.auth import Nightlatch
from nightlatch.cli.output import plain_errors, show
from nightlatch.cli.production import Finding, accepted, production_findings
from nightlatch.primitives.hashing import PROFILES, Argon2Profile, hash_password
from nightlatch.primitives.secret import Secret
from nightlatch.services.breaches import ListFile

__all__ = ["Examination", "Finding", "doctor_command", "measure"]

Examination = Callable[[Nightlatch], Iterator[Finding]]
"""Looks at one side of an installation: what was looked at, what was found, and a verdict."""

_TARGET_SECONDS = 0.25
"""A sign-in that hashes for longer feels slow; one that hashes for less costs a thief less."""


def measure(profile: Argon2Profile, rounds: int = 3) -> float:
    """Return the seconds that one hash takes here, the median of a few."""
    password, taken = Secret("the password of a measurement"), []
    for _ in range(rounds):
        began = time.perf_counter()
        hash_password(password, profile)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def suggest(costs: dict[str, float]) -> str:
    """Return the strongest profile that stays within the target."""
    stronger = "rfc9106_low_memory"
    return stronger if costs[stronger] <= _TARGET_SECONDS else "owasp_minimum"


def doctor_command(
    load: Callable[[], Nightlatch], schema: Examination, serving: Callable[[], Iterator[Finding]] | None = None
) -> click.Command:
    """Return the command, for an installation.

    Args:
        load: builds it.
        schema: tells how its schema stands.
        serving: tells how its own server runs, where there is one.
    """

    @click.command("doctor", help="Measure what a hash costs here, and look for what is not as it should be.")
    @click.option("--production", is_flag=True, help="Whatever is unsafe before the public is wrong.")
    @click.option("--accept", multiple=True, metavar="WHAT", help="With --production: a wrong that you answer for.")
    @click.option("--json", "as_json", is_flag=True, help="For programs.")
    def doctor(*, production: bool, accept: tuple[str, ...], as_json: bool) -> None:
        with plain_errors():
            auth = load()
            rows = [*_hashing(auth), *schema(auth), _settings(auth), *_breaches(auth)]
            sound = all(row["verdict"] != "wrong" for row in rows)
            if production:
                rows += accepted([*production_findings(auth), *(serving() if serving else ())], accept)
            elif accept:
                raise click.UsageError("--accept goes with --production.")
            if sound:
                rows += _health(auth)
            show(rows, as_json=as_json, empty="")
            if any(row["verdict"] == "wrong" for row in rows):
                sys.exit(1)

    return doctor


def _hashing(auth: Nightlatch) -> Iterator[Finding]:
    costs = {name: measure(profile) for name, profile in PROFILES.items() if name != "cheap_for_tests"}
    chosen, slots = auth.settings.hashing.profile, auth.hashing.slots
    for name, seconds in costs.items():
        profile = PROFILES[name]
        memory = profile.memory_kib * slots // 1024
        found = f"{seconds * 1000:.0f} ms a hash, {slots / seconds:.0f}/s at most, {memory} MiB in each process"
        yield {"what": name, "found": found, "verdict": "in use" if name == chosen else "note"}
    advice = suggest(costs)
    weak = chosen == "cheap_for_tests"
    yield {
        "what": "hashing.profile",
        "found": f"{chosen}; this machine can afford {advice}",
        "verdict": "wrong" if weak else "good" if chosen == advice else "note",
    }
    cores = os.cpu_count() or 1
    yield {
        "what": "hashing.slots",
        "found": f"{slots} on {cores} processors",
        "verdict": "good" if slots <= cores else "note",
    }


def _settings(auth: Nightlatch) -> Finding:
    if auth.settings.development:
        return {"what": "settings", "found": "development: never for the public", "verdict": "note"}
    return {"what": "settings", "found": auth.settings.base_url, "verdict": "good"}


def _breaches(auth: Nightlatch) -> Iterator[Finding]:
    named = auth.settings.breaches
    if named.file is not None:
        try:
            found = ListFile(Path(named.file)).open()
        except (OSError, ValueError) as error:
            yield {"what": "breaches.file", "found": f"every password passes: {error}", "verdict": "wrong"}
        else:
            yield {"what": "breaches.file", "found": f"{found.count:,} leaked passwords", "verdict": "good"}
    elif named.range_url is None:
        yield {"what": "breaches", "found": "no list of leaked passwords is asked", "verdict": "note"}


def _health(auth: Nightlatch) -> Iterator[Finding]:
    found = {each.name: each for each in auth.health.troubles()}
    for name, good in (("store", "takes writes"), ("mail", "goes out"), ("clock", "is not behind")):
        each = found.get(name)
        told = f"{each.state}: {each.detail}" if each else good
        yield {"what": name, "found": told, "verdict": "wrong" if each else "good"}
