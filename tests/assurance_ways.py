"""Every way to a session, and what it comes to under every policy.

Authenticators are read from the registry: one without a row in `HOLDERS` fails a test, and so does a call that can
give a session and is no way here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from browsing import Browser
from house import HERE, PASSWORD, House
from nightlatch.errors import InvalidCredentials
from nightlatch.flows.outcome import Complete
from nightlatch.primitives.secret import Secret
from nightlatch.settings import Policy, Requirement, Sms
from nightlatch.storage.memory import MemoryStore
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.passkey import Passkey
from nightlatch.testing.sites import Site

__all__ = ["HOLDERS", "POLICIES", "WAYS", "Open", "Person", "Way", "outcome_of", "owners", "ways_of"]

UNVERIFYING = "passkey that sees no owner"
"""Somebody is there, and the authenticator did not look who (adversary 57: UV = 0)."""
MIA, LEO, ZOE = "mia@example.org", "leo@example.org", "zoe@example.org"
PHONE, TEXTS = "+4915123456789", Sms(enabled=True, countries=("DE",))
SECRET, NEW = PASSWORD.reveal(), "an entirely different sentence"

Open = Callable[[House], Site]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A policy, and what it comes to for Mia, who is an editor."""

    aal: int = 1
    sequence: tuple[str, ...] = ()
    policy: Policy = field(default_factory=Policy)
    of: Literal["everyone", "editors", "mia"] = "everyone"
    by_operator: int | None = None
    in_grace: bool = False


_FORTNIGHT = timedelta(days=14)
POLICIES: Mapping[str, Asked] = {
    "nothing": Asked(),
    "AAL2 of everyone": Asked(aal=2, policy=Policy(everyone=Requirement(aal=2))),
    "AAL2 of editors": Asked(aal=2, of="editors", policy=Policy(by_role={"editor": Requirement(aal=2)})),
    "AAL2 of this user": Asked(aal=2, of="mia", by_operator=2),
    "password, then an app": Asked(
        sequence=("password", "totp"), policy=Policy(everyone=Requirement(sequence=("password", "totp")))
    ),
    "AAL2, within its grace": Asked(aal=2, in_grace=True, policy=Policy(everyone=Requirement(aal=2, grace=_FORTNIGHT))),
}


# --- what people hold -----------------------------------------------------------------------------------------------


class Person:
    """Mia, an editor, in a house whose policy came after her: with a password, and what else she has bound."""

    def __init__(self, asked: Asked, owned: str | None, open_site: Open) -> None:
        store = MemoryStore()
        before = House(store, sms=TEXTS)
        done = before.member()
        self.user_id = done.user.id
        before.auth.operator.set_roles(self.user_id, ("editor",))
        self.codes: tuple[Secret, ...] = ()
        self.passkey: Passkey | None = None
        self._holder = HOLDERS[owned](self, before, done) if owned else None
        tokens = before.auth.sign_in.begin(HERE, identifier=MIA, password=PASSWORD, deliver="tokens")
        self.refresh = tokens.refresh if isinstance(tokens, Complete) else None
        self.old = before.auth.sessions.of_user(self.user_id)
        before.close()
        self.house = House(store, policy=asked.policy, sms=TEXTS)
        self.house.clock.advance(minutes=2)
        self.site = open_site(self.house)
        if asked.by_operator is not None:
            self.house.auth.operator.require(self.user_id, asked.by_operator)
        self.browser = Browser(self.site, peer="198.51.100.9")

    def call(self, path: str, **body: Any) -> Any:
        """Call, and return the document: done, more, or a problem."""
        return self.browser.call("POST", path, body)[1]

    def prove(self, step: Any, kind: str) -> Any:
        """Answer an attempt with what she holds of a kind."""
        proof: dict[str, Any]
        if kind == "password":
            proof = {"password": SECRET}
        elif kind == "recovery_code":
            proof = {"code": self.codes[0].reveal() if self.codes else "aaaaa-aaaaa-aaaaa"}
        else:
            proof = self._holder(self, step) if self._holder else {"code": "000000"}
        return self.call("/api/attempt/answer", attempt=step["attempt"], authenticator=kind, **proof)

    def close(self) -> None:
        """Let everything go."""
        self.site.close()
        self.house.auth.close()


Holder = Callable[[Person, Any], dict[str, Any]]


def _app(person: Person, house: House, done: Complete) -> Holder:
    assert done.session is not None
    proposal = house.auth.manage_authenticators.begin_totp(HERE, done.session)
    code = AuthenticatorApp(proposal.secret, house.clock).code()
    person.codes = house.auth.manage_authenticators.confirm_totp(HERE, done.session, proposal.id, code).recovery_codes
    return lambda mia, _: {"code": AuthenticatorApp(proposal.secret, mia.house.clock).code().reveal()}


def _passkey(person: Person, house: House, done: Complete) -> Holder:
    assert done.session is not None
    passkey = Passkey(origin=house.auth.settings.origin)
    proposal = house.auth.bind_passkey.begin(HERE, done.session)
    credential = passkey.register(proposal.options)
    person.codes = house.auth.bind_passkey.confirm(HERE, done.session, proposal.id, credential).recovery_codes

    def prove(mia: Person, step: Any) -> dict[str, Any]:
        asked = step
        if "options" not in step:
            asked = mia.call("/api/attempt/begin", attempt=step["attempt"], authenticator="passkey")
        return {"credential": passkey.sign(asked["options"]) if "options" in asked else {}}

    person.passkey = passkey
    return prove


def _phone(person: Person, house: House, done: Complete) -> Holder:
    assert done.session is not None
    proposal = house.auth.bind_phone.begin(HERE, done.session, number=PHONE)
    code = house.texts.code_for(PHONE)
    person.codes = house.auth.bind_phone.confirm(HERE, done.session, proposal.id, code).recovery_codes

    def prove(mia: Person, step: Any) -> dict[str, Any]:
        asked = mia.call("/api/attempt/begin", attempt=step["attempt"], authenticator="sms_code")
        return {"code": mia.house.texts.code_for(PHONE).reveal() if asked.get("status") == "more" else "000000"}

    return prove


def _unverifying(person: Person, house: House, done: Complete) -> Holder:
    prove = _passkey(person, house, done)
    assert person.passkey is not None
    person.passkey.user_verified = False
    return prove


HOLDERS: Mapping[str, Callable[[Person, House, Complete], Holder]] = {
    "totp": _app,
    "passkey": _passkey,
    UNVERIFYING: _unverifying,
    "sms_code": _phone,
}
"""For each authenticator that users bind: bind it, and return what proves it."""


# --- the ways -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to a session.

    Args:
        words: what is done, for the table.
        go: does it, and returns the last answer.
        owned: what Mia has bound besides her password.
        proven: the kinds that are proven on it, in order; None where the oracle has no word on it.
        calls: the calls of the API that can end it.
        who: whose it is: Mia's, an editor; somebody's who signs up; or somebody's who is invited to be an editor.
    """

    words: str
    go: Callable[[Person], Any]
    owned: str | None = None
    proven: tuple[str, ...] | None = None
    calls: tuple[str, ...] = ()
    who: Literal["mia", "newcomer", "invited"] = "mia"

    def is_asked(self, asked: Asked) -> bool:
        """Tell whether a policy is about whoever goes this way."""
        return asked.of == "everyone" or self.who == "mia" or (asked.of == "editors" and self.who == "invited")


def _sign_in(*kinds: str) -> Callable[[Person], Any]:
    def go(mia: Person) -> Any:
        if kinds[0] == "password":
            step = mia.call("/api/sign-in", identifier=MIA, password=SECRET)
        else:
            step = mia.prove(mia.call("/api/sign-in", identifier=MIA), kinds[0])
        for kind in kinds[1:]:
            if step.get("status") != "more":
                break
            step = mia.prove(step, kind)
        return step

    return go


def _mailed_code_alone(mia: Person) -> Any:
    step = mia.call("/api/sign-in", identifier=MIA)
    mia.call("/api/attempt/begin", attempt=step["attempt"], authenticator="email_code")
    return mia.call("/api/attempt/answer", attempt=step["attempt"], authenticator="email_code", code="12345678")


def _sign_up(mia: Person) -> Any:
    step = mia.call("/api/sign-up", email=ZOE, password=SECRET)
    code = mia.house.code(ZOE).reveal()
    return mia.call("/api/attempt/answer", attempt=step["attempt"], authenticator="email_code", code=code)


def _sign_up_by_link(mia: Person) -> Any:
    mia.call("/api/sign-up", email=ZOE, password=SECRET)
    step = mia.call("/api/attempt/link", link=mia.house.link(ZOE).reveal())
    return mia.call("/api/attempt/answer", attempt=step["attempt"], new_password=NEW)


def _sign_up_by_passkey(mia: Person) -> Any:
    step = mia.call("/api/sign-up", email=ZOE)
    code = mia.house.code(ZOE).reveal()
    step = mia.call("/api/attempt/answer", attempt=step["attempt"], authenticator="email_code", code=code)
    proposal = mia.call("/api/authenticators/passkey", attempt=step["attempt"])
    credential = Passkey(origin=mia.house.auth.settings.origin).register(proposal["options"])
    body = {"attempt": step["attempt"], "id": proposal["id"], "credential": credential}
    return mia.call("/api/authenticators/passkey/confirm", **body)


def _invitation(mia: Person) -> Any:
    link = mia.house.auth.invitations.invite(email=ZOE, roles=("editor",))
    assert link is not None
    return mia.house.auth.invitations.redeem(HERE, link, new_password=Secret(NEW))


def _recovery(mia: Person) -> Any:
    step = mia.call("/api/recover", identifier=MIA)
    code = mia.house.code(MIA).reveal()
    step = mia.call("/api/attempt/answer", attempt=step["attempt"], authenticator="email_code", code=code)
    if step.get("authenticators"):
        step = mia.prove(step, step["authenticators"][0])
    return mia.call("/api/attempt/answer", attempt=step["attempt"], new_password=NEW)


def _led_to_bind(mia: Person) -> Any:
    """Type the password and the mailed code: a session where nothing more is asked, else what is to be bound."""
    step = mia.call("/api/sign-in", identifier=MIA, password=SECRET)
    if step.get("status") != "more":
        return step
    mia.call("/api/attempt/begin", attempt=step["attempt"], authenticator="email_code")
    code = mia.house.code(MIA).reveal()
    return mia.call("/api/attempt/answer", attempt=step["attempt"], authenticator="email_code", code=code)


def _enrolment(mia: Person) -> Any:
    step = _led_to_bind(mia)
    if step.get("status") != "more":
        return step
    proposal = mia.call("/api/authenticators/totp", attempt=step["attempt"])
    code = AuthenticatorApp(proposal["secret"], mia.house.clock).code().reveal()
    return mia.call("/api/authenticators/totp/confirm", attempt=step["attempt"], id=proposal["id"], code=code)


def _enrolment_of_a_passkey(mia: Person) -> Any:
    step = _led_to_bind(mia)
    if step.get("status") != "more":
        return step
    proposal = mia.call("/api/authenticators/passkey", attempt=step["attempt"])
    if "options" not in proposal:
        return step
    credential = Passkey(origin=mia.house.auth.settings.origin).register(proposal["options"])
    body = {"attempt": step["attempt"], "id": proposal["id"], "credential": credential}
    return mia.call("/api/authenticators/passkey/confirm", **body)


def _enrolment_of_a_phone(mia: Person) -> Any:
    step = _led_to_bind(mia)
    if step.get("status") != "more":
        return step
    proposal = mia.call("/api/authenticators/sms_code", attempt=step["attempt"], number=PHONE)
    if "number" not in proposal:
        return step
    body = {"attempt": step["attempt"], "id": proposal["id"], "code": mia.house.texts.code_for(PHONE).reveal()}
    return mia.call("/api/authenticators/sms_code/confirm", **body)


def _nameless(mia: Person) -> Any:
    return mia.prove(mia.call("/api/sign-in"), "passkey")


def _refresh(mia: Person) -> Any:
    assert mia.refresh is not None
    return mia.call("/api/token/refresh", refresh_token=mia.refresh.reveal())


def _by_a_framework(mia: Person) -> Any:
    try:
        proven = mia.house.auth.sign_in.prove(HERE, identifier=MIA, password=PASSWORD)
    except InvalidCredentials:
        return {"code": "invalid_credentials"}
    return mia.house.auth.sign_in.start(HERE, proven)


def _change_password(mia: Person) -> Any:
    step = _sign_in("password", "totp")(mia)
    if step.get("status") != "complete":
        return step
    body = {"current_password": SECRET, "new_password": NEW}
    return mia.browser.call("PUT", "/api/account/password", body)[1]


WAYS: tuple[Way, ...] = (
    Way(words="password", go=_sign_in("password"), proven=("password",), calls=("sign-in",)),
    Way(words="code from a mail, nothing before it", go=_mailed_code_alone, proven=("email_code",)),
    Way(words="sign-up, with the code from the mail", go=_sign_up, calls=("sign-up", "attempt/answer"), who="newcomer"),
    Way(words="sign-up by the mailed link, elsewhere", go=_sign_up_by_link, calls=("attempt/link",), who="newcomer"),
    Way(
        words="sign-up, a passkey in place of a password",
        go=_sign_up_by_passkey,
        calls=("authenticators/passkey/confirm",),
        who="newcomer",
    ),
    Way(words="invitation, a password chosen", go=_invitation, who="invited"),
    Way(words="forgotten password", go=_recovery),
    Way(words="password, mailed code, an app bound", go=_enrolment, calls=("authenticators/totp/confirm",)),
    Way(
        words="password, mailed code, a passkey made",
        go=_enrolment_of_a_passkey,
        calls=("authenticators/passkey/confirm",),
    ),
    Way(
        words="password, mailed code, a phone added",
        go=_enrolment_of_a_phone,
        calls=("authenticators/sms_code/confirm",),
    ),
    Way(words="refresh token of a password", go=_refresh, calls=("token/refresh",)),
    Way(words="Django's `authenticate` and `login`", go=_by_a_framework, proven=("password",)),
    Way(words="signed in, password changed", go=_change_password, calls=("account/password",)),
)
"""What somebody does who has nothing but a password; the ways of those who have more come from the registry."""

NOT_A_WAY = {"authenticators/{id}": "removal: the session that acts stays, at what is left (048)"}
"""Calls that answer with a session and are no way to one."""


def owners(methods: Mapping[str, Any]) -> list[str]:
    """Return the kinds that users bind by themselves here."""
    return [kind for kind, method in methods.items() if method.enrolment and method.offered]


def ways_of(methods: Mapping[str, Any]) -> Iterator[Way]:
    """Return every way there is: those above, and for each authenticator that can be had, those with it."""
    yield from WAYS
    for owned in HOLDERS:
        kind = owned.partition(" ")[0]
        if kind not in owners(methods):
            continue
        for proven in (("password",), ("password", kind), ("password", "recovery_code"), (kind,), ("recovery_code",)):
            yield Way(words=", ".join(proven), go=_sign_in(*proven), owned=owned, proven=proven)
        if kind == "passkey":
            yield Way(words="passkey, no name typed", go=_nameless, owned=owned, proven=("passkey",))
        yield Way(words="forgotten password", go=_recovery, owned=owned)
        yield Way(words="Django's `authenticate` and `login`", go=_by_a_framework, owned=owned, proven=("password",))


@contextmanager
def person(asked: Asked, owned: str | None, open_site: Open) -> Iterator[Person]:
    """Return Mia, for one way."""
    mia = Person(asked, owned, open_site)
    yield mia
    mia.close()


def outcome_of(answer: Any, mia: Person) -> str:
    """Return in a few words what a way came to."""
    if isinstance(answer, Complete):
        return f"AAL{answer.session.aal}" if answer.session else "no session"
    if not isinstance(answer, dict):  # what is still to be done, from the core
        return _waits(answer.authenticators, answer.enrol, answer.set)
    if "code" in answer:
        return "refused"
    if answer.get("status") == "more":
        return _waits(answer["authenticators"], answer.get("enrol", ()), answer.get("set", ()))
    if "access_token" in answer and "session" not in answer:
        bearer = f"Bearer {answer['access_token']}"
        answer = mia.browser.call("GET", "/api/session", authorization=bearer)[1]
    return f"AAL{answer['session']['aal']}" if answer["session"] else "no session"


def _waits(authenticators: Any, enrol: Any, new: Any) -> str:
    if authenticators:
        return f"asks: {' or '.join(authenticators)}"
    return f"to bind: {' or '.join(enrol)}" if enrol else f"to set: {' or '.join(new)}"
