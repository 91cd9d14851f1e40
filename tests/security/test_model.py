"""No path leads to a new password but through a proof (adversary 34): any moves, in any order, against a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from house import ELSEWHERE, PASSWORD, House, signed_in
from nightlatch.errors import NightlatchError
from nightlatch.flows.outcome import More
from nightlatch.primitives.secret import Secret
from nightlatch.records import Session
from nightlatch.services.client import Client
from nightlatch.settings import Budget, Throttle
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.authenticator_app import AuthenticatorApp

MIA, LEO, NOBODY = "mia@example.org", "leo@example.org", "zoe@example.org"
WHO = st.sampled_from([MIA, LEO, NOBODY])
_MUCH = Budget(limit=10**6, per=Throttle().sign_in_per_identifier.per)


@dataclass
class Held:
    """An attempt that somebody holds, and what the model knows of it.

    Args:
        secret: as it was last answered.
        purpose: what was begun.
        email: whose account it is about.
        mailbox: its own code was typed, or its own link pressed.
        second: an app's code or recovery code was given in it.
    """

    secret: Secret
    purpose: str
    email: str
    mailbox: bool = False
    second: bool = False

    def may_set(self, *, has_app: bool) -> bool:
        """Tell whether the model lets it choose a password: a mailbox, and whatever else its owner has."""
        return self.purpose in {"recover", "sign_up"} and self.mailbox and (self.second or not has_app)


class Passwords(RuleBasedStateMachine):
    """Mia has a password; Leo has an app as well; of Zoe nobody knows. Everybody's moves are tried, in any order."""

    attempts = Bundle("attempts")

    @initialize()
    def open(self) -> None:
        """Build the house."""
        self.house = House(MemoryStore(), throttle=Throttle(**dict.fromkeys(Throttle.__struct_fields__, _MUCH)))
        self.sessions: dict[str, Session | None] = {MIA: signed_in(self.house.member()).session}
        done = signed_in(self.house.member(LEO))
        assert done.session is not None
        flows = self.house.auth.manage_authenticators
        proposal = flows.begin_totp(ELSEWHERE, done.session)
        self.app = AuthenticatorApp(proposal.secret, self.house.clock)
        bound = flows.confirm_totp(ELSEWHERE, done.session, proposal.id, self.app.code())
        self.sessions[LEO] = bound.complete.session
        self.codes = list(bound.recovery_codes)
        self.turn = 0
        self.hashes = self.stored()

    def stored(self) -> dict[str, str | None]:
        """Return each account's stored password."""
        found = {}
        for email in (MIA, LEO, NOBODY):
            user = self.house.auth.operator.users(limit=10)
            mine = next((each for each in user if each.email == email), None)
            rows = self.house.auth.operator.authenticators(mine.id) if mine else []
            found[email] = next((each.password_hash for each in rows if each.kind == "password"), None)
        return found

    def client(self) -> Client:
        """Return a browser that was never seen."""
        self.turn += 1
        return Client(ip=f"198.{self.turn // 250 % 250}.{self.turn % 250}.9")

    def try_(self, act: Any) -> Any:
        """Return what an act gives, or None where it is refused."""
        try:
            return act()
        except NightlatchError:
            return None

    # --- moves ------------------------------------------------------------------------------------------------------

    @rule(target=attempts, email=WHO, purpose=st.sampled_from(["recover", "sign_up", "sign_in"]))
    def begin(self, email: str, purpose: str) -> Held | None:
        """Begin something."""
        flow: Any = getattr(self.house.auth, purpose)
        named = {"email": email} if purpose == "sign_up" else {"identifier": email}
        more = self.try_(lambda: flow.begin(self.client(), **named))
        return Held(more.attempt, purpose, email) if isinstance(more, More) else None

    @rule(target=attempts, email=st.sampled_from([MIA, LEO]), what=st.sampled_from(["confirm", "change"]))
    def begin_signed_in(self, email: str, what: str) -> Held | None:
        """Begin something that goes with a session."""
        session = self.sessions[email]
        auth = self.house.auth
        if what == "confirm":
            more = self.try_(lambda: auth.reauthenticate.begin(self.client(), session))
        else:
            more = self.try_(lambda: auth.addresses.begin(self.client(), session, email="new@example.org"))
        return Held(more.attempt, what, email) if isinstance(more, More) else None

    @rule(held=attempts)
    def ask_for_a_code(self, held: Held | None) -> None:
        """Ask for another code."""
        if held is not None:
            self.try_(lambda: self.house.auth.attempts.begin(self.client(), held.secret, "email_code"))

    @rule(held=attempts, other=attempts, right=st.booleans())
    def type_a_code(self, held: Held | None, other: Held | None, *, right: bool) -> None:
        """Type a mailed code into an attempt: the newest to its own address, or to another's."""
        if held is None or other is None:
            return
        code = self.try_mail(other.email) if right else Secret("12345678")
        if code is not None:
            step = self.answered(held, authenticator="email_code", code=code)
            if step is not None:
                assert held.email == other.email, "a code of another mailbox was taken"
                held.mailbox = True
                self.follow(held, step)

    def try_mail(self, email: str) -> Secret | None:
        """Return the newest code in a mailbox, if there is any."""
        try:
            return self.house.code(email)
        except LookupError:
            return None

    @rule(target=attempts, held=attempts, holds=st.booleans())
    def press_a_link(self, held: Held | None, *, holds: bool) -> Held | None:
        """Press the newest link in a mailbox, with an attempt in hand or without."""
        if held is None:
            return None
        try:
            link = self.house.link(held.email)
        except LookupError:
            return None
        own = held.secret if holds else None
        step = self.try_(lambda: self.house.auth.attempts.link(self.client(), link, own))
        if not isinstance(step, More):
            return None
        return Held(step.attempt, step.purpose, held.email, mailbox=True)

    @rule(held=attempts, kind=st.sampled_from(["password", "totp", "recovery_code"]), right=st.booleans())
    def prove(self, held: Held | None, kind: str, *, right: bool) -> None:
        """Prove something else: the app's code and the paper are Leo's."""
        if held is None:
            return
        self.house.clock.advance(seconds=31)
        wrong = {"code": Secret("000000")} if kind != "password" else {"password": Secret("wrong wrong wrong")}
        rights: dict[str, Any] = {"password": {"password": PASSWORD}, "totp": {"code": self.app.code()}}
        rights["recovery_code"] = {"code": self.codes[0]}
        step = self.answered(held, authenticator=kind, **(rights[kind] if right else wrong))
        if step is not None and kind != "password":
            assert right
            assert held.email == LEO, "another person's code was taken"
            held.second = True
        if step is not None and kind == "recovery_code":
            self.codes.pop(0)
        self.follow(held, step)

    @rule(held=attempts)
    def set_a_password(self, held: Held | None) -> None:
        """Choose a new password, whatever the attempt is for and however far it is."""
        if held is None:
            return
        self.turn += 1
        done = self.answered(held, new_password=Secret(f"sentence number {self.turn} of very many"))
        if done is not None:
            assert held.may_set(has_app=held.email == LEO), "a password was set without its proof"
            self.hashes = self.stored()

    def answered(self, held: Held, **proof: Any) -> Any:
        """Answer an attempt."""
        session = self.sessions.get(held.email)
        return self.try_(lambda: self.house.auth.attempts.answer(self.client(), held.secret, session=session, **proof))

    def follow(self, held: Held, step: object) -> None:
        """Keep the attempt's next secret."""
        if isinstance(step, More):
            held.secret = step.attempt

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def no_password_changed_by_itself(self) -> None:
        """Nothing but a proven attempt's last step changes what is stored."""
        if hasattr(self, "hashes"):
            assert self.stored() == self.hashes

    def teardown(self) -> None:
        """Close the house."""
        if hasattr(self, "house"):
            self.house.auth.close()


def test_034_no_path_leads_to_a_password_round_the_proof() -> None:
    """Two hundred walks of fifty moves."""
    run_state_machine_as_test(
        Passwords,
        settings=settings(
            max_examples=200, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
