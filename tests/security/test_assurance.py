"""042, 049: every way to a session under every policy, by the table that `docs/assurance.md` shows."""

from __future__ import annotations

from typing import Any

import pytest

import assurance_ways
from assurance_table import PAGE, page
from assurance_ways import HOLDERS, NOT_A_WAY, POLICIES, TEXTS, UNVERIFYING, Asked, Open, Way, ways_of
from house import House
from nightlatch.http.api.shapes import BoundStepShape, SignedIn, StepShape
from nightlatch.http.api.token_shapes import TokensShape
from nightlatch.http.routes import API

METHODS = House(sms=TEXTS).auth.manage_authenticators._core.methods
EVERY_WAY = list(ways_of(METHODS))


def test_049_every_authenticator_and_every_call_has_its_row() -> None:
    """A new one without a row fails here."""
    bound = {kind for kind, method in METHODS.items() if method.enrolment}
    assert bound == {each.partition(" ")[0] for each in HOLDERS}
    gives = {SignedIn, StepShape, BoundStepShape, TokensShape}
    calls = {route.path.removeprefix("/api/") for route in API if any(each in gives for each in route.answers.values())}
    assert calls == {call for way in EVERY_WAY for call in way.calls} | set(NOT_A_WAY)


@pytest.mark.parametrize("name", POLICIES)
def test_042_every_way_gives_exactly_what_policy_says(open_site: Open, name: str) -> None:
    """At every way in to the web: never a session of less than is asked, and never less told than what is missing."""
    for way in EVERY_WAY:
        asked = POLICIES[name]
        with assurance_ways.person(asked, way.owned, open_site) as mia:
            found = assurance_ways.outcome_of(way.go(mia), mia)
        needed = max(asked.aal if way.is_asked(asked) else 1, 2 if way.owned else 1)
        if found.startswith("AAL") and not asked.in_grace:
            assert int(found[3:]) >= needed, (way.words, way.owned)
        if way.proven is not None:
            assert (found in {"AAL1", "AAL2"}) == _enough(way, asked), (way.words, way.owned, found)
            assert not found.startswith("AAL") or found == f"AAL{_level(way)}", (way.words, found)


def _level(way: Way) -> int:
    """Return what proofs amount to, counted from the registry and by nothing that the gate uses."""
    factors: set[Any] = set()
    for kind in way.proven or ():
        if kind == "passkey" and way.owned == UNVERIFYING:
            factors |= {"possession"}
        elif kind in METHODS:
            factors |= set(METHODS[kind].factors)
    return min(len(factors), 2)


def _enough(way: Way, asked: Asked) -> bool:
    """Tell whether a way ends in a session: enough is proven, in an order that begins with what may begin."""
    assert way.proven is not None
    first = METHODS.get(way.proven[0])
    may_begin = first is not None and (first.kind == "password" or first.phishing_resistant)
    needed = max(1 if asked.in_grace else asked.aal, 2 if way.owned else 1)
    in_order = [kind for kind in way.proven if kind in asked.sequence] == list(asked.sequence)
    return may_begin and in_order and _level(way) >= needed


def test_049_the_page_is_current() -> None:
    """What the table tells is what was seen just now."""
    assert PAGE.read_text() == page(), "write it anew: python tests/assurance_table.py"
