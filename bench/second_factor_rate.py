"""How many second factors one process verifies a second: ``python -m bench.second_factor_rate [people]``.

What is timed is the whole answer: the attempt found, budgets spent and given back, the proof verified and used up,
the gate asked, the session started, events and notices written; on the store in memory, without the web. Each person
answers once, since what is proven is good once. The password before it is not timed: it costs what it is meant to cost.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from nightlatch.flows.outcome import Complete, More
from nightlatch.primitives.secret import Secret
from nightlatch.services.client import Client
from nightlatch.settings import Budget, Throttle
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.household import PASSWORD, Household

__all__ = ["second_factor_rate"]

_MUCH = Budget(limit=10**9, per=timedelta(hours=1))


@dataclass(slots=True)
class Member:
    """Somebody with an app and recovery codes, and the browser that they sign in with."""

    email: str
    client: Client
    app: AuthenticatorApp
    codes: tuple[Secret, ...]

    def code(self, kind: str) -> Secret:
        """Return a code that was not used yet."""
        return self.app.code() if kind == "totp" else self.codes[0]


def second_factor_rate(people: int) -> dict[str, tuple[float, float]]:
    """Return answers a second, and a second of this process's own time, for each kind of answer.

    Args:
        people: how many answer, once in each way.
    """
    house = Household(MemoryStore(), throttle=Throttle(**dict.fromkeys(Throttle.__struct_fields__, _MUCH)))
    members = [_member(house, number) for number in range(people)]
    rates = {
        "an app's code, in a new browser (its notice is written)": _rate(house, members, "totp"),
        "an app's code, in a known browser": _rate(house, members, "totp"),
        "a recovery code, in a known browser (its notice is written)": _rate(house, members, "recovery_code"),
    }
    house.close()
    return rates


def _member(house: Household, number: int) -> Member:
    email = f"p{number}@example.org"
    client = Client(ip=f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", user_agent="a browser")
    done = house.sign_up(email, client=client)
    assert done.session is not None
    flows = house.auth.manage_authenticators
    proposal = flows.begin_totp(client, done.session)
    app = AuthenticatorApp(proposal.secret, house.clock)
    codes = flows.confirm_totp(client, done.session, proposal.id, app.code()).recovery_codes
    return Member(email, client, app, codes)


def _rate(house: Household, members: Sequence[Member], kind: str) -> tuple[float, float]:
    house.clock.advance(minutes=2)
    asked = []
    for each in members:
        more = house.auth.sign_in.begin(each.client, identifier=each.email, password=PASSWORD)
        assert isinstance(more, More)
        asked.append((each, more.attempt, each.code(kind)))
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    answered = [
        house.auth.attempts.answer(each.client, attempt, authenticator=kind, code=code) for each, attempt, code in asked
    ]
    took, spent = time.perf_counter() - began, time.process_time() - worked
    for each, done in zip(members, answered, strict=True):
        assert isinstance(done, Complete)
        each.client = replace(each.client, device=done.device or each.client.device)
    return len(members) / took, len(members) / spent


if __name__ == "__main__":
    for way, (rate, own) in second_factor_rate(int((sys.argv[1:] or ["1000"])[0])).items():
        print(f"{way}: {rate:,.0f}/s, {own:,.0f} in each second of its own time")
