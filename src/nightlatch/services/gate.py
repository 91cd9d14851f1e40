"""The one gate. Every way in (password, code, link, passkey, key, refresh, recovery, operator) ends here.

It alone looks at a user's status and at what policy asks; it alone makes an `Assurance`; and a session can be started
only from an `Assurance`. "A second factor is required" is therefore a state before a session exists, never a flag on
one (adversary 42, 51).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, final

import msgspec

from nightlatch.errors import AttemptInvalid, ConfigurationError, InvalidCredentials, InvalidInput
from nightlatch.ports import Clock
from nightlatch.primitives.assurance import Level, level_of, next_in_sequence
from nightlatch.records import Authenticator, Evidence, User
from nightlatch.services.clock import SystemClock
from nightlatch.settings import Policy, Requirement

__all__ = ["Assurance", "Gate", "Missing", "needed_by"]

_SEAL = object()


@final
class Assurance:
    """The gate's word that this user has proven enough. Nothing else can make one.

    Args:
        user: as the gate saw it; its ``status`` and ``epoch`` are matched again when access is written.
        evidence: what was proven.
        level: what it amounts to.
        authenticated_at: when the newest proof was accepted.
        enrol_by: until when it is enough, where policy asks for more and grants a grace period.
    """

    __slots__ = ("authenticated_at", "enrol_by", "evidence", "level", "user")

    def __init__(
        self,
        seal: object,
        *,
        user: User,
        evidence: tuple[Evidence, ...],
        level: Level,
        at: datetime,
        enrol_by: datetime | None = None,
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("only the gate makes an Assurance")
        self.user = user
        self.evidence = evidence
        self.level = level
        self.authenticated_at = at
        self.enrol_by = enrol_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Not enough yet, and what would help now.

    Args:
        authenticators: kinds, of those the user has, to prove.
        enrol: kinds to bind, where the user has none that would help.
        set: what must be set anew: ``password``.
    """

    authenticators: tuple[str, ...] = ()
    enrol: tuple[str, ...] = ()
    set: tuple[str, ...] = ()

    @property
    def step(self) -> Literal["set", "prove", "enrol"]:
        """What an attempt waits for that lacks this."""
        return "set" if self.set else "prove" if self.authenticators else "enrol"


def needed_by(bound: Sequence[Authenticator]) -> int:
    """Return the level that a user's own authenticators ask for: 2 as soon as one of them is no password."""
    second = any(each.kind != "password" and each.confirmed_at is not None for each in bound)
    return 2 if second else 1


class Gate:
    """Decide whether evidence is enough.

    Args:
        policy: who needs what.
        factors: for each authenticator that this installation knows, the factors it proves.
        enrolled: those of them that users may bind by themselves, when policy asks for more than they have. None: all.
        closed: those that nobody comes to have any longer; who has one is asked for it all the same.
        restricted: those of them that are never a user's only second factor.
        clock: tells the time, for grace periods.

    Raises:
        ConfigurationError: the policy asks for what no authenticator here can reach.
    """

    def __init__(
        self,
        policy: Policy,
        factors: Mapping[str, tuple[str, ...]],
        enrolled: Sequence[str] | None = None,
        *,
        closed: Sequence[str] = (),
        restricted: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> None:
        self._policy = policy
        self._clock = clock or SystemClock()
        self._factors = dict(factors)
        self._enrolled = tuple(factors if enrolled is None else enrolled)
        self._closed = frozenset(closed)
        self._restricted = frozenset(restricted)
        if self._enrolled and self._restricted.issuperset(self._enrolled):
            # NIST SP 800-63B-4 3.2.9; passkeys need a base_url with a name, so that settings alone cannot tell.
            raise ConfigurationError("users could bind nothing but texts, which are never the only second factor")
        for requirement in (policy.everyone, *policy.by_role.values()):
            self._reachable(requirement)

    def _reachable(self, requirement: Requirement) -> None:
        unknown = [kind for kind in requirement.sequence if kind not in self._factors or kind in self._closed]
        if unknown:
            raise ConfigurationError(f"policy names {unknown[0]!r}, which is no authenticator of this installation")
        if requirement.aal == 3:  # noqa: PLR2004 - NIST's number
            # Design section 3: out of reach without attestation, so asking for it would lock everyone out.
            raise ConfigurationError("policy asks for AAL3, which needs passkeys with verified attestation")
        # A password, and what users bind: recovery codes, which come with that, bring nobody further.
        every = {"knowledge", *(factor for kind in self._enrolled for factor in self._factors[kind])}
        if requirement.aal > len(every):
            raise ConfigurationError("policy asks for AAL2, but no second factor is switched on")

    def see_reachable(self, aal: int) -> None:
        """See that users can reach a level here, before it is asked of one of them.

        Raises:
            InvalidInput: they cannot.
        """
        try:
            self._reachable(msgspec.convert({"aal": aal}, Requirement))
        except (ConfigurationError, msgspec.ValidationError) as error:
            raise InvalidInput(str(error), fields={"aal": "Nobody can reach that level here."}) from None

    @property
    def enrolled(self) -> tuple[str, ...]:
        """The kinds that users may bind by themselves."""
        return self._enrolled

    def unmet(self, user: User, evidence: Sequence[Evidence]) -> Requirement | None:
        """Return what policy asks of a user that the evidence does not meet, graces aside; None where it is enough."""
        return next(iter(self._every_unmet(user, evidence)), None)

    def _every_unmet(self, user: User, evidence: Sequence[Evidence]) -> list[Requirement]:
        """Return each requirement that is not met: none of everyone's, a role's and one's own stands in for another."""
        applying = [
            self._policy.everyone,
            *(self._policy.by_role[each] for each in user.roles if each in self._policy.by_role),
        ]
        if user.required_aal is not None:
            applying.append(msgspec.convert({"aal": user.required_aal}, Requirement))
        aal = level_of(evidence).aal
        return [
            each for each in applying if aal < max(each.aal, 1) or next_in_sequence(evidence, each.sequence) is not None
        ]

    def _asked(
        self, user: User, evidence: Sequence[Evidence], bound: Sequence[Authenticator]
    ) -> tuple[Missing | None, datetime | None]:
        """Return what is missing now, and until when what is missing besides may wait.

        A grace period excuses from binding what one has not; never from proving what one has.
        """
        enrol_by: datetime | None = None
        for each in self._every_unmet(user, evidence):
            missing, until = self._what_helps(each, evidence, bound), self._until(user, each)
            if until is None or missing.authenticators or level_of(evidence).aal == 0:
                return missing, None
            enrol_by = until if enrol_by is None else min(enrol_by, until)
        if level_of(evidence).aal < needed_by(bound):
            # A second factor raises what its owner's sign-ins need (design, section 3): a password alone, which may
            # be stolen, never passes it by.
            # What one has is proven first: only then may one bind more.
            return replace(self._what_helps(Requirement(aal=2), evidence, bound), enrol=()), None
        return None, enrol_by

    def _until(self, user: User, requirement: Requirement) -> datetime | None:
        if requirement.grace is None:
            return None
        now = self._clock.now()
        until = (user.enrolment_asked_at or now) + requirement.grace
        return until if until > now else None

    def admit(
        self, user: User, evidence: Sequence[Evidence], authenticators: Sequence[Authenticator]
    ) -> Assurance | Missing:
        """Decide on a sign-in: `decide`, and whoever has come to have texts alone binds something better first.

        It is asked only of who has proven enough, so that nobody is locked out; and not of who is signed in already.
        """
        found = self.decide(user, evidence, authenticators)
        if isinstance(found, Assurance) and self.is_restricted(authenticators):
            return Missing(enrol=tuple(kind for kind in self._enrolled if kind not in self._restricted))
        return found

    def is_restricted(self, bound: Sequence[Authenticator]) -> bool:
        """Tell whether all that somebody has bound besides a password is restricted (NIST SP 800-63B-4 3.2.9)."""
        kinds = {each.kind for each in bound if each.kind != "password" and each.confirmed_at is not None}
        return bool(kinds) and kinds <= self._restricted

    def decide(
        self, user: User, evidence: Sequence[Evidence], authenticators: Sequence[Authenticator]
    ) -> Assurance | Missing:
        """Decide.

        Args:
            user: whose proof it is, as the store has it now.
            evidence: the proofs accepted in this attempt.
            authenticators: what the user has bound; unconfirmed ones count for nothing.

        Returns:
            an `Assurance`, or what is `Missing`.

        Raises:
            InvalidCredentials: the user may not sign in; told only after a right proof, and then like a wrong one.
        """
        if user.status != "active":
            # ASVS 6.3.8: a suspended account looks like any wrong proof.
            raise InvalidCredentials(f"user is {user.status}")

        level = level_of(evidence)
        bound = [each for each in authenticators if each.confirmed_at is not None]

        missing, enrol_by = self._asked(user, evidence, bound)
        if missing is not None:
            return missing

        used = {each.authenticator_id for each in evidence}
        weak = [a for a in bound if a.id in used and a.kind == "password" and (a.must_change or not a.stands_alone)]
        if any(a.must_change for a in weak) or (weak and level.aal == 1):
            # A password under 15 characters may never stand alone (NIST SP 800-63B-4 3.1.1.2), and one known to be
            # lost not at all: the only way on is to set another.
            return Missing(set=("password",))

        at = max(each.verified_at for each in evidence)
        return Assurance(_SEAL, user=user, evidence=tuple(evidence), level=level, at=at, enrol_by=enrol_by)

    def delegate(self, user: User) -> None:
        """Let somebody else act for a user, by an API key: no proof is asked for, and none is made.

        Raises:
            InvalidCredentials: the user may not sign in.
        """
        if user.status != "active":
            raise InvalidCredentials(f"user is {user.status}")

    def grant_or_refuse(
        self, user: User, evidence: Sequence[Evidence], authenticators: Sequence[Authenticator]
    ) -> Assurance:
        """Decide where nothing more can be asked any longer.

        Raises:
            AttemptInvalid: it is not enough: sign in anew.
        """
        granted = self.decide(user, evidence, authenticators)
        if isinstance(granted, Missing):
            raise AttemptInvalid("policy asks for more")
        return granted

    def reweigh(self, user: User, evidence: Sequence[Evidence]) -> Assurance:
        """Weigh anew what a living session holds, after its user's authenticators changed: it stays signed in.

        Raises:
            InvalidCredentials: the user may not be signed in any longer.
        """
        level = level_of(evidence)
        excused = [self._until(user, each) for each in self._every_unmet(user, evidence)]
        if user.status != "active" or level.aal == 0 or any(until is None for until in excused):
            raise InvalidCredentials(f"user is {user.status}, and holds less than policy asks for")
        at = max(each.verified_at for each in evidence)
        enrol_by = min((until for until in excused if until is not None), default=None)
        return Assurance(_SEAL, user=user, evidence=tuple(evidence), level=level, at=at, enrol_by=enrol_by)

    def _what_helps(
        self, requirement: Requirement, evidence: Sequence[Evidence], bound: Sequence[Authenticator]
    ) -> Missing:
        proven = {factor for each in evidence for factor in each.factors}
        due = next_in_sequence(evidence, requirement.sequence)
        if due is not None:
            following = [due]
        else:
            following = [kind for kind, factors in self._factors.items() if set(factors) - proven]
        owned = {each.kind for each in bound}
        help_now = tuple(kind for kind in following if kind in owned)
        if help_now:
            return Missing(authenticators=help_now)
        return Missing(enrol=tuple(kind for kind in following if kind in self._enrolled))
