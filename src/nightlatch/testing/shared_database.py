"""What installations on one database are to one another, whatever framework each runs in: one and the same.

class TestOurs(SharedDatabase):
    @pytest.fixture
    def neighbours(self):
        ...
        return (premises, site), (premises, site), (premises, site)
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nightlatch.testing.adapter_contract.conversation import SECRET, Premises, Talk
from nightlatch.testing.adapter_contract.transcript import Recorder
from nightlatch.testing.sites import Site

__all__ = ["Neighbours", "SharedDatabase"]

Neighbours = Sequence[tuple[Premises, Site]]
"""Three sites on one database, each with the premises it was made of: the same settings, each its own mailbox."""

NEW, WRONG = "an entirely different sentence", "wrong wrong wrong"


@pytest.mark.parametrize("turn", [0, 1, 2])
class SharedDatabase:
    """Stories that wander from one site to the next. A subclass gives the fixture ``neighbours``."""

    def test_one_account_at_three_doors(self, neighbours: Neighbours, turn: int) -> None:
        """Sign up at the first, in at the second; seen at the third and revoked there."""
        first, second, third = _talks(neighbours, turn)
        mia = f"mia{turn}@example.org"
        browser = first.browser()
        _, begun = browser.call("POST", "/api/sign-up", {"email": mia, "password": SECRET})
        # The outbox is shared: whoever looks first delivers. And an attempt is answered at whichever door.
        proof = {"attempt": begun["attempt"], "authenticator": "email_code", "code": third.code(mia)}
        here = second.browser()
        assert here.call("POST", "/api/attempt/answer", proof)[1]["status"] == "complete"
        there = second.signed_in(mia)

        # One host, one cookie: the session that the second gave is the third's as well, and the first's.
        everywhere = [talk.browser(cookies=dict(here.cookies)) for talk in (first, second, third)]
        assert [each.call("GET", "/api/session")[1]["user"]["email"] for each in everywhere] == [mia] * 3
        rows = everywhere[2].call("GET", "/api/sessions")[1]["sessions"]
        assert len(rows) == 2
        other = next(row["id"] for row in rows if not row["current"])
        assert everywhere[2].call("DELETE", f"/api/sessions/{other}")[0] == 204
        assert there.call("GET", "/api/session")[0] == 401

        changed = everywhere[0].call("PUT", "/api/account/password", {"current_password": SECRET, "new_password": NEW})
        assert changed[0] == 200
        assert [each.call("GET", "/api/session")[0] for each in everywhere] == [200, 401, 401]
        assert third.browser().call("POST", "/api/sign-in", {"identifier": mia, "password": SECRET})[0] == 401
        assert third.browser().call("POST", "/api/sign-in", {"identifier": mia, "password": NEW})[0] == 200

    def test_what_is_good_once_is_good_once_at_all_doors(self, neighbours: Neighbours, turn: int) -> None:
        """A link mailed by the first, shown by the second, pressed at the third: over everywhere."""
        first, second, third = _talks(neighbours, turn)
        leo = f"leo{turn}@example.org"
        first.browser().fill_in("/sign-up", email=leo)
        link = second.link(leo)
        assert second.browser().get(f"/verify?link={link}").status == 200
        browser = third.browser()
        assert browser.fill_in(f"/verify?link={link}").status == 303
        assert browser.fill_in("/set-password", new_password=SECRET).status == 303
        for talk in (first, second, third):
            assert talk.browser().get(f"/verify?link={link}").status == 410

    def test_who_is_out_at_one_is_out_at_all(self, neighbours: Neighbours, turn: int) -> None:
        """Suspended by one: signed out of all at once, and kept out of all, until one lets them in again."""
        talks = _talks(neighbours, turn)
        eva = f"eva{turn}@example.org"
        browsers = [talks[0].member(eva), *(talk.signed_in(eva) for talk in talks[1:])]
        operator = next(premises.core.operator for premises, _ in neighbours if premises.runs_here)
        person = operator.find_user(eva).id
        operator.suspend(person)
        proof = {"identifier": eva, "password": SECRET}
        for talk, browser in zip(talks, browsers, strict=True):
            assert browser.call("GET", "/api/session")[0] == 401
            assert talk.browser().call("POST", "/api/sign-in", proof)[0] == 401
        operator.restore(person)
        assert [talk.browser().call("POST", "/api/sign-in", proof)[0] for talk in talks] == [200] * 3
        # What a suspension ended stays so.
        assert [browser.call("GET", "/api/session")[0] for browser in browsers] == [401] * 3

    def test_guesses_are_counted_together(self, neighbours: Neighbours, turn: int) -> None:
        """Ten wrong passwords, spread over the doors, are ten."""
        talks = _talks(neighbours, turn)
        guess = {"identifier": f"ada{turn}@example.org", "password": WRONG}
        statuses = [talks[n % 3].browser().call("POST", "/api/sign-in", guess)[0] for n in range(13)]
        assert statuses == [401] * 10 + [429] * 3


def _talks(neighbours: Neighbours, turn: int) -> list[Talk]:
    """Return a talk at each site, beginning with another one each turn."""
    talks = [Talk(Recorder(site, lambda _, value: value), premises) for premises, site in neighbours]
    return talks[turn:] + talks[:turn]
