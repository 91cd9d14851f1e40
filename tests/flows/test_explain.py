"""An operator asks why somebody does not get in, and is told which rule it was and what would pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from house import ELSEWHERE, HERE, PASSWORD, WRONG, House
from nightlatch.errors import InvalidCredentials, NightlatchError
from nightlatch.records import Event, ThrottleCounter
from nightlatch.services.client import Client
from nightlatch.settings import Budget, Policy, Requirement, Throttle

MIA = "mia@example.org"


def refused(house: House, client: Client = ELSEWHERE, **typed: Any) -> None:
    """Fail to sign in."""
    with pytest.raises(NightlatchError):
        house.sign_in(client, **typed)


def test_a_wrong_password_and_nothing_else(house: House) -> None:
    """The refusal is told with its rule, and a password passes."""
    mia = house.member()
    refused(house, password=WRONG)
    found = house.auth.explain.sign_in(MIA)
    assert found.user is not None
    assert found.user.id == mia.user.id
    assert (found.blocks, found.ways) == ((), (("password",),))
    (last,) = found.refused
    assert (last.ip, last.reason, last.remedy) == (ELSEWHERE.ip, "wrong password", "the password, or recovery")
    assert house.auth.explain.sign_in(str(mia.user.id)) == found
    assert house.auth.explain.sign_in("  MIA@Example.org ").refused == found.refused


def test_an_identifier_that_nobody_has(house: House) -> None:
    """A misspelt address: its refusals are found by their keyed hash, and no user is made up."""
    house.member()
    refused(house, identifier="mja@example.org")
    refused(house, identifier="mja@example.org")
    found = house.auth.explain.sign_in("mja@example.org")
    assert (found.user, found.ways, len(found.refused)) == (None, (), 2)
    assert [block.rule for block in found.blocks] == ["nobody has this identifier, proven"]
    assert house.auth.explain.sign_in("no address at all").refused == ()


def test_a_budget_that_is_used_up(make_house: Callable[..., House]) -> None:
    """It says which, until when, and looking spends none of it."""
    house = make_house(throttle=Throttle(sign_in_per_identifier=Budget(limit=2, per=timedelta(minutes=15))))
    house.member()
    for _ in range(4):
        refused(house, password=WRONG)
    counters = house.store.find(ThrottleCounter, {"expires_at": after_all(house)}, order_by="id")
    events = house.auth.audit_trail.search(limit=1000)
    found = house.auth.explain.sign_in(MIA)
    (block,) = found.blocks
    assert "2 in 15 minutes" in block.rule
    assert "identifier:email:mia@example.org" in block.rule
    assert block.until == house.clock.now() + timedelta(minutes=15)
    assert house.store.find(ThrottleCounter, {"expires_at": after_all(house)}, order_by="id") == counters
    assert house.auth.audit_trail.search(limit=1000) == events
    house.clock.advance(minutes=16)
    assert house.auth.explain.sign_in(MIA).blocks == ()


def after_all(house: House) -> Any:
    """Match every counter whose window has not ended."""
    from nightlatch.ports import after

    return after(house.clock.now())


def test_a_growing_delay_and_a_hundred_failures(make_house: Callable[..., House]) -> None:
    """The authenticator's own limits are told apart from budgets, with what lifts them."""
    plenty = Budget(limit=10_000, per=timedelta(minutes=15))
    house = make_house(
        throttle=Throttle(sign_in_per_identifier=plenty, sign_in_per_address=plenty, sign_in_per_network=plenty)
    )
    house.member()
    for _ in range(11):
        refused(house, password=WRONG)
    house.clock.advance(seconds=1)
    refused(house)
    found = house.auth.explain.sign_in(MIA)
    (block,) = found.blocks
    assert "growing delay" in block.rule
    assert block.until == house.clock.now() + timedelta(seconds=29)
    assert found.refused[0].remedy == "a known device, waiting, recovery, or users restore"
    for _ in range(89):
        house.clock.advance(hours=2)
        refused(house, password=WRONG)
    (block,) = house.auth.explain.sign_in(MIA).blocks
    assert "100 failures in a row" in block.rule
    assert block.until is None


def test_somebody_suspended_or_closing(house: House) -> None:
    """No proof passes, and what lifts it is a command or a link."""
    mia = house.member()
    house.auth.operator.suspend(mia.user.id)
    refused(house)
    found = house.auth.explain.sign_in(MIA)
    assert (found.ways, [block.remedy for block in found.blocks]) == ((), ["users restore"])
    assert found.refused[0].rule.startswith("the user is suspended")


def test_what_would_pass_is_what_the_gate_says(make_house: Callable[..., House]) -> None:
    """Policy that asks for two factors shows as a step, and so does a password that must be changed."""
    house = make_house(policy=Policy(by_role={"admin": Requirement(aal=2)}))
    mia = house.member()
    house.auth.operator.set_roles(mia.user.id, ("admin",))
    (way,) = house.auth.explain.sign_in(MIA).ways
    assert way[0] == "password"
    assert way[1].startswith("bind one of: ")
    with pytest.raises(InvalidCredentials):
        house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)
    assert house.auth.explain.sign_in(MIA).refused[0].remedy == "a sign-in by the pages or the API"
    assert house.store.find(Event, {"action": "authn_login_success", "ip": "203.0.113.1"}) == []


def test_every_private_reason_has_its_words(house: House) -> None:
    """What the authenticators and the gate refuse with is known here: none of it is told as it stands."""
    import re
    from pathlib import Path

    import nightlatch
    from nightlatch.flows.explain_words import rule_of

    del house
    root = Path(nightlatch.__file__).parent
    files = [root / "authenticators" / f"{name}.py" for name in ("password", "totp", "recovery_code")]
    files.append(root / "services" / "gate.py")
    reasons = [
        reason
        for file in files
        for reason in re.findall(r"raise Invalid(?:Credentials|Code)\(\s*f?\"([^\"]+)\"", file.read_text())
    ]
    assert len(reasons) > 10
    for reason in reasons:
        for status in ("suspended", "closing"):
            told = reason.replace("{user.status}", status)
            assert told.startswith("wrong code at enrolment") or rule_of(told)[0] != told, told
