"""Signing up: a claim, its proof, and only then an account."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from house import ELSEWHERE, HERE, PASSWORD, House
from nightlatch.errors import (
    AttemptInvalid,
    InvalidCode,
    InvalidInput,
    LinkInvalid,
    PasswordRejected,
    SignUpClosed,
    Throttled,
    UsernameTaken,
)
from nightlatch.flows.outcome import Complete, More
from nightlatch.ports import after
from nightlatch.primitives.secret import Secret
from nightlatch.records import Attempt, Identifier, OutboxMessage, Session, User


def everybody(house: House) -> list[User]:
    """Return every user there is."""
    return house.store.find(User, {"epoch": after(-1)})


def test_nothing_exists_until_the_address_is_proven(house: House) -> None:
    """A sign-up leaves no user and no identifier; the typed code makes both, and a session."""
    more = house.auth.sign_up.begin(HERE, email="Mia@Example.org", password=PASSWORD, name="Mia")
    assert isinstance(more, More)
    assert more.authenticators == ("email_code",)
    assert everybody(house) == []

    done = house.auth.attempts.answer(
        HERE, more.attempt, authenticator="email_code", code=house.code("Mia@example.org")
    )

    assert isinstance(done, Complete)
    assert done.session is not None
    assert (done.user.name, done.session.aal, done.session.amr) == ("Mia", 1, ("email", "pwd"))
    assert [each.key for each in house.store.find(Identifier, {"user_id": done.user.id})] == ["mia@example.org"]
    assert house.auth.sessions.recognise(done.token or Secret("")).user_id == done.user.id


def test_pages_ask_for_the_password_after_proof(house: House) -> None:
    """Without a password the proof leads to setting one, and that leads in."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org")
    assert isinstance(more, More)
    proven = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(proven, More)
    assert proven.set == ("password",)

    done = house.auth.attempts.answer(HERE, proven.attempt, new_password=PASSWORD)

    assert isinstance(done, Complete)
    assert isinstance(house.sign_in(), Complete)


def test_a_password_is_not_set_before_proof(house: House) -> None:
    """The step is a fact of the server: sending a new password early is refused (adversary 34, 51)."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org")
    assert isinstance(more, More)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, more.attempt, new_password=PASSWORD)
    assert everybody(house) == []


def test_the_link_pressed_where_it_began_goes_on_there(house: House) -> None:
    """The link with its own attempt is as good as the code: signed in, with the password typed before."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    done = house.auth.attempts.link(HERE, house.link(), more.attempt)
    assert isinstance(done, Complete)
    assert isinstance(house.sign_in(), Complete)


def test_an_address_with_an_account_gets_another_mail_and_the_same_answer(house: House) -> None:
    """Known and unknown: the same answer, the same rows; the mail says the rest, to the stored address."""
    house.member()
    before_rows = {
        kind: len(house.store.find(kind, {"created_at": after(house.clock.now().replace(year=2000))}))
        for kind in (Attempt, OutboxMessage)
    }

    known = house.auth.sign_up.begin(ELSEWHERE, email="MIA@example.org", password=PASSWORD)
    unknown = house.auth.sign_up.begin(ELSEWHERE, email="leo@example.org", password=PASSWORD)

    assert isinstance(known, More)
    assert isinstance(unknown, More)
    assert (known.authenticators, known.set, known.purpose) == (unknown.authenticators, unknown.set, unknown.purpose)
    rows = {
        kind: len(house.store.find(kind, {"created_at": after(house.clock.now().replace(year=2000))}))
        for kind in before_rows
    }
    assert {kind: rows[kind] - before_rows[kind] for kind in rows} == {Attempt: 2, OutboxMessage: 2}
    mail = house.newest("mia@example.org")
    assert "already" in mail.text
    assert "nll_" not in mail.text
    with pytest.raises(InvalidCode):
        house.auth.attempts.answer(ELSEWHERE, known.attempt, authenticator="email_code", code=Secret("00000000"))


def test_a_code_is_good_once_and_five_times_to_try(house: House) -> None:
    """The sixth try of a code is refused, be it right (adversary 44); a used one is dead."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    right = house.code()
    wrong = Secret("00000000" if right.reveal().replace(" ", "") != "00000000" else "11111111")
    for _ in range(5):
        with pytest.raises(InvalidCode):
            house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=wrong)
    with pytest.raises(InvalidCode):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=right)


def test_a_code_that_was_guessed_at_five_times_is_dead_whatever_is_sent_after_it(house: House) -> None:
    """A new code is no new life for the old one: five tries each, not five more with every resend (adversary 44)."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org")
    assert isinstance(more, More)
    old = house.code()
    wrong = Secret("00000000" if old.reveal().replace(" ", "") != "00000000" else "11111111")
    for _ in range(5):
        with pytest.raises(InvalidCode):
            house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=wrong)
    house.auth.attempts.begin(HERE, more.attempt, "email_code")
    with pytest.raises(InvalidCode):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=old)
    proven = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(proven, More)
    assert proven.set == ("password",)


def test_a_code_expires(house: House) -> None:
    """An hour later the code and its attempt are gone."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    code = house.code()
    house.clock.advance(minutes=61)
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code)
    with pytest.raises(LinkInvalid):
        house.auth.attempts.link(HERE, house.link())


def test_a_code_is_resent_three_times_at_most(house: House) -> None:
    """Every newer code works beside the older ones, and the fourth is refused."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    first = house.code()
    house.auth.attempts.begin(HERE, more.attempt, "email_code")
    house.auth.attempts.begin(HERE, more.attempt, "email_code")
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.begin(HERE, more.attempt, "email_code")
    assert isinstance(house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=first), Complete)


def test_sign_ups_from_one_address_are_bounded(house: House) -> None:
    """The eleventh in an hour is told to wait."""
    for turn in range(10):
        house.auth.sign_up.begin(HERE, email=f"u{turn}@example.org")
    with pytest.raises(Throttled) as refusal:
        house.auth.sign_up.begin(HERE, email="u99@example.org")
    assert 0 < refusal.value.retry_after.total_seconds() <= 3600


def test_passwords_are_held_to_policy_wherever_they_are_set(house: House) -> None:
    """Too short is refused at sign-up and after proof alike (ASVS 6.2.1)."""
    with pytest.raises(PasswordRejected):
        house.auth.sign_up.begin(HERE, email="mia@example.org", password=Secret("fourteen chars"))
    more = house.auth.sign_up.begin(HERE, email="mia@example.org")
    assert isinstance(more, More)
    proven = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(proven, More)
    with pytest.raises(PasswordRejected):
        house.auth.attempts.answer(HERE, proven.attempt, new_password=Secret("mia@example.org"))
    assert isinstance(house.auth.attempts.answer(HERE, proven.attempt, new_password=PASSWORD), Complete)


def test_user_names_only(make_house: Callable[..., House]) -> None:
    """Where settings ask for no address the user exists at once, and a taken name is told."""
    house = make_house(identifiers="username")
    done = house.auth.sign_up.begin(HERE, username="Mia", password=PASSWORD)
    assert isinstance(done, Complete)
    assert done.session is not None
    assert isinstance(house.sign_in(identifier="mia"), Complete)
    with pytest.raises(UsernameTaken):
        house.auth.sign_up.begin(HERE, username="MIA", password=PASSWORD)
    with pytest.raises(InvalidInput):
        house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)


def test_both_identifiers(make_house: Callable[..., House]) -> None:
    """With both, the user name may be chosen after proof, and either signs in."""
    house = make_house(identifiers="email_and_username")
    more = house.auth.sign_up.begin(HERE, email="mia@example.org")
    assert isinstance(more, More)
    proven = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(proven, More)
    assert proven.set == ("username", "password")
    with pytest.raises(InvalidInput):
        house.auth.attempts.answer(HERE, proven.attempt, new_password=PASSWORD)
    done = house.auth.attempts.answer(HERE, proven.attempt, new_password=PASSWORD, username="mia")
    assert isinstance(done, Complete)
    assert isinstance(house.sign_in(identifier="mia"), Complete)
    assert isinstance(house.sign_in(identifier="mia@example.org"), Complete)


def test_a_name_taken_between_sign_up_and_proof_is_chosen_anew(make_house: Callable[..., House]) -> None:
    """Losing the name does not lose the sign-up."""
    house = make_house(identifiers="email_and_username")
    more = house.auth.sign_up.begin(HERE, email="mia@example.org", username="mia", password=PASSWORD)
    other = house.auth.sign_up.begin(ELSEWHERE, email="leo@example.org", username="mia", password=PASSWORD)
    assert isinstance(more, More)
    assert isinstance(other, More)
    house.auth.attempts.answer(ELSEWHERE, other.attempt, authenticator="email_code", code=house.code("leo@example.org"))
    proven = house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    assert isinstance(proven, More)
    assert proven.set == ("username", "password")


def test_closed_sign_up_is_closed_everywhere(make_house: Callable[..., House]) -> None:
    """085: it is the flow that refuses, not a hidden button."""
    house = make_house(sign_up="closed")
    with pytest.raises(SignUpClosed):
        house.auth.sign_up.begin(HERE, email="mia@example.org")


def test_an_attempts_secret_is_spent_by_an_accepted_answer(house: House) -> None:
    """The secret that was sent is dead; only the new one goes on."""
    more = house.auth.sign_up.begin(HERE, email="mia@example.org")
    assert isinstance(more, More)
    house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=house.code())
    with pytest.raises(AttemptInvalid):
        house.auth.attempts.look(HERE, more.attempt)


def test_one_of_many_parallel_proofs_wins(house: House) -> None:
    """031: the same code answered from sixteen threads makes one account and one session."""
    from concurrent.futures import ThreadPoolExecutor

    more = house.auth.sign_up.begin(HERE, email="mia@example.org", password=PASSWORD)
    assert isinstance(more, More)
    code = house.code()

    def answer(_: int) -> bool:
        try:
            return isinstance(
                house.auth.attempts.answer(HERE, more.attempt, authenticator="email_code", code=code), Complete
            )
        except (InvalidCode, AttemptInvalid, LinkInvalid):
            return False

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(answer, range(16)))
    assert won.count(True) == 1
    assert len(everybody(house)) == 1
    assert len(house.store.find(Session, {"user_id": everybody(house)[0].id})) == 1
