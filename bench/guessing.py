"""How many of a month's guesses at one account are ever looked at? ``python bench/guessing.py``.

Whoever guesses has every address there is, never repeats a password, and comes back in the very second in which a
budget begins anew. The clock is virtual, the throttle is the real one. What is refused unseen costs nothing: of a
hundred million passwords the rest are such.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nightlatch.errors import InvalidCredentials, Throttled
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator
from nightlatch.services.client import Client
from nightlatch.testing.household import PASSWORD, Household

MIA = "mia@example.org"
MONTH = timedelta(days=30)
PASSWORDS = 100_000_000


@dataclass(frozen=True)
class Month:
    """What a month came to.

    Args:
        owner: how often the owner signs in meanwhile.
        looked_at: guesses that would have got in, had they been right.
        refused: those that were sent in a budget that was used up, until its refusal was believed.
        owner_in: how often the owner, on the browser they always use, got in when they tried.
        owner_tried: how often they tried.
    """

    owner: str
    looked_at: int
    refused: int
    owner_in: int
    owner_tried: int


def addresses() -> Iterator[str]:
    """Yield addresses, each in a network of its own."""
    for number in range(1, 2**31):
        yield f"2001:{number >> 16:x}:{number & 0xFFFF:x}::1"


def month(every: timedelta | None, words: str) -> Month:
    """Guess for a month.

    Args:
        every: how long the owner stays away each time; None: all the while.
        words: the same, for the table.
    """
    house = Household()
    home = Client(ip="192.0.2.7", user_agent="Mia's own browser")
    device = house.sign_up(MIA, client=home).device
    home = Client(ip="192.0.2.7", user_agent="Mia's own browser", device=device)
    believed = _count_believed(house)
    begun, where = house.clock.now(), addresses()
    next_visit = begun + every if every else None
    refused = owner_in = owner_tried = 0
    number = 0
    while house.clock.now() < begun + MONTH:
        if next_visit is not None and every is not None and house.clock.now() >= next_visit:
            owner_tried += 1
            owner_in += _in(house, home)
            next_visit += every
        number += 1
        try:
            house.auth.sign_in.begin(
                Client(ip=next(where), user_agent="a guesser"),
                identifier=MIA,
                password=Secret(f"the guess of number {number}"),
            )
        except InvalidCredentials:
            if not believed[-1]:
                # Refused whatever is sent, until the delay is over. Delays follow a known rule: who guesses can wait
                # for the very second, and comes by every hour once no more is looked at until the owner comes.
                (password,) = house.store.find(Authenticator, {"kind": "password"})
                left = (password.retry_at or house.clock.now()) - house.clock.now()
                house.clock.advance(seconds=left.total_seconds() + 0.001 if left > timedelta(0) else 60 * 60)
        except Throttled as spent:
            refused += 1
            wait = spent.retry_after
            house.clock.advance(seconds=max(wait.total_seconds(), 1) if wait else 1)
    house.auth.close()
    return Month(words, sum(believed), refused, owner_in, owner_tried)


def _count_believed(house: Household) -> list[bool]:
    """Note of each verification whether a right password would have been believed."""
    # A measurement looks inside: what a refusal looks like from outside is the same either way.
    password: Any = house.auth.account._prove._core.password  # noqa: SLF001
    seen: list[bool] = []
    verify = password.verify

    def noted(subject: Any, proof: Any, client: Any, *, believed: bool) -> Any:
        if client.user_agent == "a guesser":
            seen.append(believed)
        return verify(subject, proof, client, believed=believed)

    password.verify = noted
    return seen


def _in(house: Household, home: Client) -> bool:
    try:
        house.auth.sign_in.begin(home, identifier=MIA, password=PASSWORD)
    except (InvalidCredentials, Throttled):
        return False
    return True


def main() -> None:
    """Print the table."""
    print("| the owner signs in | guesses looked at in 30 days | of 100 million, one in | the owner got in |")
    print("|---|---|---|---|")
    for every, words in ((None, "never"), (timedelta(days=7), "once a week"), (timedelta(days=1), "once a day")):
        found = month(every, words)
        share = PASSWORDS // max(found.looked_at, 1)
        owner = f"{found.owner_in} of {found.owner_tried}" if found.owner_tried else "-"
        print(f"| {words} | {found.looked_at:,} | {share:,} | {owner} |")


if __name__ == "__main__":
    main()
