"""Passwords that others have lost: not to be set, and not to be kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from house import ELSEWHERE, PASSWORD, House, signed_in
from nightlatch.auth import Nightlatch
from nightlatch.errors import AttemptInvalid, InvalidCredentials, PasswordRejected
from nightlatch.flows.outcome import More
from nightlatch.primitives.hash_list import hash_of, write_hash_list
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event
from nightlatch.services.client import Client
from nightlatch.settings import Breaches

LOST = Secret("seven herons over the weir")
BETTER = Secret("an entirely different sentence")
MIA = "mia@example.org"


def leak(path: Path, *passwords: Secret) -> None:
    """Put a list of passwords where the installation looks for it, as the command does."""
    begun = path.with_suffix(".new")
    with begun.open("wb") as file:
        write_hash_list(file, (hash_of(each.reveal()) for each in passwords))
    begun.replace(path)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Return the place of a list that knows one password."""
    path = tmp_path / "breaches.list"
    leak(path, LOST)
    return path


@pytest.fixture
def watched(make_house: Callable[..., House], listed: Path) -> House:
    """Return a house that looks passwords up in that list."""
    return make_house(breaches=Breaches(file=str(listed)))


def events(house: House, action: str) -> list[Event]:
    """Return the events of one kind."""
    return house.store.find(Event, {"action": action})


def code_asked(house: House, more: object) -> More:
    """Have the code mailed that a sign-in waits for."""
    assert isinstance(more, More)
    assert (more.authenticators, more.set) == (("email_code",), ())
    house.auth.attempts.begin(ELSEWHERE, more.attempt, "email_code")
    house.deliver()
    return more


def test_a_leaked_password_cannot_be_set(watched: House) -> None:
    """Neither at sign-up nor later, and the refusal says why (NIST SP 800-63B-4 3.1.1.2, ASVS 6.2.12)."""
    with pytest.raises(PasswordRejected, match="breached"):
        watched.auth.sign_up.begin(ELSEWHERE, email=MIA, password=LOST)
    mia = signed_in(watched.member())
    assert mia.session is not None
    with pytest.raises(PasswordRejected, match="breached"):
        watched.auth.account.change_password(ELSEWHERE, mia.session, current_password=PASSWORD, new_password=LOST)
    with pytest.raises(PasswordRejected, match="breached"):
        watched.auth.provision.set_password(mia.user.id, LOST)


def test_one_that_leaked_since_leads_to_another_on_a_known_device(watched: House, listed: Path) -> None:
    """The right password is not enough any longer; who sits at a known browser chooses the next one at once."""
    mia = signed_in(watched.member())
    leak(listed, PASSWORD)
    mine = Client(ip="192.0.2.7", device=mia.device)
    more = watched.sign_in(mine)
    assert isinstance(more, More)
    assert (more.authenticators, more.set) == ((), ("password",))
    assert [each.user_id for each in events(watched, "authn_password_breached")] == [mia.user.id]
    with pytest.raises(PasswordRejected, match="unchanged"):
        watched.auth.attempts.answer(mine, more.attempt, new_password=PASSWORD)
    signed_in(watched.auth.attempts.answer(mine, more.attempt, new_password=BETTER))
    signed_in(watched.sign_in(ELSEWHERE, password=BETTER))


def test_elsewhere_a_mailed_code_comes_first(watched: House, listed: Path) -> None:
    """Else a thief of the leaked password would choose the next one, and keep the owner out."""
    watched.member()
    leak(listed, PASSWORD)
    more = code_asked(watched, watched.sign_in(ELSEWHERE))
    with pytest.raises(AttemptInvalid):
        watched.auth.attempts.answer(ELSEWHERE, more.attempt, new_password=BETTER)
    proven = watched.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="email_code", code=watched.code())
    assert isinstance(proven, More)
    assert proven.set == ("password",)
    signed_in(watched.auth.attempts.answer(ELSEWHERE, proven.attempt, new_password=BETTER))


def test_once_seen_it_stays_noted(watched: House, listed: Path) -> None:
    """A list that is taken away again makes no leaked password good, and one event tells of it."""
    watched.member()
    leak(listed, PASSWORD)
    code_asked(watched, watched.sign_in(ELSEWHERE))
    listed.unlink()
    code_asked(watched, watched.sign_in(ELSEWHERE))
    assert len(events(watched, "authn_password_breached")) == 1


def test_a_framework_that_takes_passwords_alone_refuses_it(watched: House, listed: Path) -> None:
    """Django's ``authenticate`` cannot lead on to another password: it looks like a wrong one."""
    watched.member()
    leak(listed, PASSWORD)
    with pytest.raises(InvalidCredentials):
        watched.auth.sign_in.prove(ELSEWHERE, identifier=MIA, password=PASSWORD)


def test_a_list_that_cannot_be_read_locks_nobody_out(watched: House, listed: Path) -> None:
    """It fails open, and the audit log says so, once a minute."""
    listed.write_bytes(listed.read_bytes()[:-1])
    watched.member(password=LOST)
    signed_in(watched.sign_in(ELSEWHERE, password=LOST))
    (event,) = events(watched, "breach_list_unavailable")
    assert "cut short" in (event.reason or "")
    assert LOST.reveal() not in repr(event)


class Forgetful:
    """An application's own list, whose database is gone."""

    def contains(self, password: str) -> bool:
        """Fail."""
        raise ConnectionError(password[:0] or "no answer")


class Knowing:
    """An application's own list."""

    def contains(self, password: str) -> bool:
        """Know one password."""
        return password == LOST.reveal()


@pytest.fixture
def own_lists(house: House) -> Iterator[Nightlatch]:
    """Return a core with lists of the application's."""
    auth = Nightlatch(
        house.settings,
        house.store,
        mailer=house.mailbox,
        clock=house.clock,
        background=False,
        breach_lists=(Forgetful(), Knowing()),
    )
    yield auth
    auth.close()


def test_an_application_brings_lists_of_its_own(house: House, own_lists: Nightlatch) -> None:
    """Each is asked, also after one that failed."""
    with pytest.raises(PasswordRejected, match="breached"):
        own_lists.sign_up.begin(ELSEWHERE, email=MIA, password=LOST)
    assert len(events(house, "breach_list_unavailable")) == 1


def test_who_proved_a_second_factor_needs_no_mailed_code(watched: House, listed: Path) -> None:
    """Password and app together are more than a thief of the password has."""
    from nightlatch.testing.authenticator_app import AuthenticatorApp

    mia = signed_in(watched.member())
    assert mia.session is not None
    proposal = watched.auth.manage_authenticators.begin_totp(ELSEWHERE, mia.session)
    app = AuthenticatorApp(proposal.secret.reveal(), watched.clock)
    watched.auth.manage_authenticators.confirm_totp(ELSEWHERE, mia.session, proposal.id, app.code())
    leak(listed, PASSWORD)
    watched.clock.advance(minutes=1)
    more = watched.sign_in(ELSEWHERE)
    assert isinstance(more, More)
    assert "totp" in more.authenticators
    after = watched.auth.attempts.answer(ELSEWHERE, more.attempt, authenticator="totp", code=app.code())
    assert isinstance(after, More)
    assert after.set == ("password",)
    signed_in(watched.auth.attempts.answer(ELSEWHERE, after.attempt, new_password=BETTER))
    assert watched.store.find(Authenticator, {"kind": "password"})[0].must_change is False
