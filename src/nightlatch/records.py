"""Everything that is stored, on one page: this is the data model.

One frozen struct for each table ``nightlatch_<record>``. Ids are UUIDv7 (throttle counters, whose id is derived from
their key, aside). Times are aware UTC datetimes whose names end in ``_at``. Names that end in ``_hash`` hold SHA-256
or HMAC-SHA-256 digests; names that begin with ``sealed_`` hold AES-256-GCM ciphertexts. Columns are derived from the
fields by ``storage/``: a tuple or a struct becomes JSON text.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

__all__ = [
    "RECORDS",
    "ApiKey",
    "Attempt",
    "Authenticator",
    "Binding",
    "Device",
    "Event",
    "Evidence",
    "Identifier",
    "Lease",
    "OneTimeSecret",
    "OutboxMessage",
    "Record",
    "SchemaStep",
    "Seal",
    "SecretKey",
    "Session",
    "SigningKey",
    "ThrottleCounter",
    "TokenFamily",
    "User",
]

Purpose = Literal["sign_up", "sign_in", "reauthenticate", "recover", "change_email", "first_administrator"]


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every record shares. None of them ever refers to itself, so the garbage collector need not look at them."""

    unique: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Sets of fields that no two rows share (rows with a None among them never clash)."""

    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Sets of fields that look-ups and sweeps go by."""

    references: ClassVar[dict[str, type[Record]]] = {}
    """Fields that name another record's id; its deletion deletes these rows."""

    id: UUID


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One proof that was accepted: the raw material of assurance (NIST SP 800-63B-4 2)."""

    authenticator: str
    """The authenticator's kind: ``password``, ``totp``, ``passkey`` ..."""
    authenticator_id: UUID | None
    factors: tuple[str, ...]
    """Of ``knowledge``, ``possession``, ``inherence``; empty for an e-mail code, which counts for none."""
    phishing_resistant: bool = False
    user_verified: bool = False
    backup_eligible: bool | None = None
    attested: bool = False
    amr: tuple[str, ...] = ()
    """RFC 8176 values (and ``email``) that this proof contributes."""
    verified_at: datetime


class Binding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The key a session or token family is bound to, if any (RFC 9449 DPoP, Device Bound Session Credentials)."""

    kind: Literal["none", "dpop", "dbsc"] = "none"
    thumbprint: str | None = None
    """RFC 7638 thumbprint of the key."""


class User(Record, frozen=True, kw_only=True, gc=False):
    """A person who has an account."""

    unique = (("external_id",),)
    indexes = (("created_at",),)

    status: Literal["active", "suspended", "closing"] = "active"
    epoch: int = 1
    """Raised by suspension, reset and removal: what was granted under an older epoch is worth nothing."""
    username: str | None = None
    """As shown; the key that is looked up is an `Identifier`."""
    email: str | None = None
    """The primary address as shown; the key that is looked up is an `Identifier`."""
    name: str | None = None
    roles: tuple[str, ...] = ()
    external_id: str | None = None
    """The key, as text, of the row in a host application's own user table."""
    required_aal: int | None = None
    """What this user's sign-ins must reach on an operator's word, whatever policy says of everyone and of roles."""
    enrolment_asked_at: datetime | None = None
    """When policy first asked for more than this user had bound: a grace period counts from here, once."""
    created_at: datetime
    updated_at: datetime


class Identifier(Record, frozen=True, kw_only=True, gc=False):
    """A proven name by which a user is found. Claims that are not proven live in their attempt, not here."""

    unique = (("kind", "key"),)
    indexes = (("user_id",),)
    references: ClassVar[dict[str, type[Record]]] = {"user_id": User}

    user_id: UUID
    kind: Literal["email", "username", "phone"]
    value: str
    """As the person wrote it: mail goes to this, never to what a stranger typed (CVE-2019-19844)."""
    key: str
    """Normalised; what look-ups compare."""
    primary: bool = False
    proven_at: datetime
    created_at: datetime


class Authenticator(Record, frozen=True, kw_only=True, gc=False):
    """A way to prove who you are that is bound to a user (NIST SP 800-63B-4 4.1)."""

    unique = (("lookup",),)
    indexes = (("user_id",),)
    references: ClassVar[dict[str, type[Record]]] = {"user_id": User}

    user_id: UUID
    kind: str
    name: str | None = None
    """What the user calls it."""
    lookup: str | None = None
    """What finds it without its user (a passkey's credential id). For a password the user's id: one each."""
    password_hash: str | None = None
    """PHC string, or a legacy form; may be sealed by the pepper."""
    stands_alone: bool = True
    """For a password: long enough (15 characters) to be the only factor."""
    must_change: bool = False
    """For a password: the next sign-in leads to setting a new one."""
    sealed_secret: bytes | None = None
    """A seed or key, sealed."""
    public_key: bytes | None = None
    counter: int = 0
    """TOTP: last step accepted; passkey: sign count. Moves forward only, by guarded update."""
    failures: int = 0
    """Consecutive failures from unknown devices (NIST SP 800-63B-4 3.2.2)."""
    retry_at: datetime | None = None
    """Not before this time from unknown devices: the growing delay."""
    details: str = "{}"
    """JSON that only the authenticator's own file reads (AAGUID, transports, backup flags ...)."""
    confirmed_at: datetime | None = None
    """None while enrolment is not finished: such a one never counts and never blocks."""
    last_used_at: datetime | None = None
    created_at: datetime


class Attempt(Record, frozen=True, kw_only=True, gc=False):
    """One sign-up, sign-in, reauthentication or recovery in progress."""

    unique = (("selector",),)
    indexes = (("expires_at",), ("user_id",))

    selector: str
    secret_hash: bytes
    """Changes with every accepted answer: the guarded update on it says who won."""
    purpose: str
    status: Literal["open", "complete", "dead"] = "open"
    user_id: UUID | None = None
    epoch: int | None = None
    """The user's epoch as the attempt saw it."""
    session_id: UUID | None = None
    """For a reauthentication: the living session it belongs to."""
    device_id: UUID | None = None
    identifier_kind: str | None = None
    identifier_key: str | None = None
    """What was typed, normalised. For a sign-up the address that is to be proven."""
    sealed_claims: bytes | None = None
    """What was typed before proof (address as written, name, password hash): counts only with this attempt's proof."""
    proven: bool = False
    """The address in `identifier_key` was proven, in this attempt."""
    evidence: tuple[Evidence, ...] = ()
    required_aal: int = 1
    required_phishing_resistant: bool | None = None
    """For a reauthentication: a proof that cannot be phished must be among those given."""
    sequence: tuple[str, ...] = ()
    step: str = "prove"
    """``prove`` (an authenticator), ``enrol`` (bind one), ``set`` (a new password)."""
    codes_sent: int = 0
    deliver: Literal["cookie", "tokens"] = "cookie"
    return_to: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    created_at: datetime
    expires_at: datetime


class OneTimeSecret(Record, frozen=True, kw_only=True, gc=False):
    """A mailed or texted code and the link that goes with it, or one for another host. Redeemed once."""

    unique = (("link_selector",),)
    indexes = (("attempt_id",), ("expires_at",), ("purpose", "destination_key"))
    references: ClassVar[dict[str, type[Record]]] = {"attempt_id": Attempt}

    purpose: str
    attempt_id: UUID | None = None
    user_id: UUID | None = None
    channel: Literal["email", "sms", "handed_over"]
    destination_key: str
    code_hash: bytes | None = None
    """HMAC-SHA-256 under a purpose key over purpose, attempt, destination and code: short codes resist a leak."""
    link_selector: str | None = None
    link_secret_hash: bytes | None = None
    tries: int = 0
    used_at: datetime | None = None
    created_at: datetime
    expires_at: datetime


class Session(Record, frozen=True, kw_only=True, gc=False):
    """A signed-in browser or client. This row alone says who, and how sure."""

    unique = (("selector",),)
    indexes = (("user_id",), ("expires_at",))
    references: ClassVar[dict[str, type[Record]]] = {"user_id": User}

    selector: str
    secret_hash: bytes
    user_id: UUID
    epoch: int
    deliver: Literal["cookie", "tokens"] = "cookie"
    aal: int
    amr: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    phishing_resistant: bool = False
    authenticated_at: datetime
    binding: Binding = Binding()
    device_id: UUID | None = None
    ip: str | None = None
    user_agent: str | None = None
    username: str | None = None
    """Copies of the user's fields, changed in the transaction that changes the user: no second read."""
    email: str | None = None
    roles: tuple[str, ...] = ()
    created_at: datetime
    last_seen_at: datetime
    enrol_by: datetime | None = None
    """Started within a grace period: it ends when that does, unless what policy asks for is bound."""
    remembered_until_at: datetime | None = None
    """Its browser is remembered: idle for too long, it is until then replaced on one factor of the two it holds."""
    idle_expires_at: datetime | None = None
    """None: no idle limit. Moved on with `last_seen_at`, never past `expires_at`."""
    expires_at: datetime


class TokenFamily(Record, frozen=True, kw_only=True, gc=False):
    """The refresh tokens that descend from one sign-in."""

    unique = (("selector",),)
    indexes = (("session_id",), ("user_id",), ("expires_at",))
    references: ClassVar[dict[str, type[Record]]] = {"session_id": Session}

    selector: str
    session_id: UUID
    user_id: UUID
    epoch: int
    secret_hash: bytes
    generation: int = 0
    binding: Binding = Binding()
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime
    expires_at: datetime


class Device(Record, frozen=True, kw_only=True, gc=False):
    """A browser that has signed in before as this user. It buys throttle budget, never evidence."""

    unique = (("selector",),)
    indexes = (("user_id",), ("expires_at",))
    references: ClassVar[dict[str, type[Record]]] = {"user_id": User}

    selector: str
    secret_hash: bytes
    user_id: UUID
    failures: int = 0
    user_agent: str | None = None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class ThrottleCounter(Record, frozen=True, kw_only=True, gc=False):
    """How much of one budget is spent in its window. The id is derived from the key (UUIDv8 of its HMAC)."""

    indexes = (("expires_at",),)

    count: int
    expires_at: datetime
    """The window ends here; after it the row is as good as absent."""


class Event(Record, frozen=True, kw_only=True, gc=False):
    """One security-relevant act, append-only (ASVS 16.2.1: who, what, when, from where, outcome)."""

    indexes = (("user_id", "at"), ("at",), ("action", "at"), ("seal_id", "at"))

    at: datetime
    action: str
    """OWASP logging vocabulary where it has a word (``authn_login_fail`` ...)."""
    outcome: Literal["success", "refused", "error"]
    reason: str | None = None
    """Private: for the operator, never for a client."""
    user_id: UUID | None = None
    actor_id: UUID | None = None
    """Who did it, where that is not the user: an operator."""
    session_id: UUID | None = None
    attempt_id: UUID | None = None
    identifier_hash: bytes | None = None
    """Keyed hash of what was typed, where no user is known: spraying can be seen, addresses cannot."""
    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    count: int = 1
    """Refusals of one kind and key may be gathered into one event a minute."""
    details: str = "{}"
    mac: bytes | None = None
    """Keyed MAC of the row, and the seal it was gathered into: for the audit log's proof (docs/audit.md)."""
    seal_id: UUID | None = None
    number: int | None = None
    """Of the events that a process wrote at one moment."""
    salt: bytes | None = None
    """Gone once what is personal was erased: then nobody can try out addresses on `personal_hash`."""
    personal_hash: bytes | None = None
    """What stands for `ip`, `user_agent`, `request_id` and `identifier_hash` in the proof."""


class Seal(Record, frozen=True, kw_only=True, gc=False):
    """The root of a Merkle tree over some events, signed together with the seal before it (docs/audit.md)."""

    unique = (("number",),)

    number: int
    """From 1, without a gap; unique, so that of two nodes that seal at once one does."""
    size: int
    """How many events it gathered."""
    newest_at: datetime
    root_hash: bytes
    previous_hash: bytes
    """Of the statement and signature of the seal before; zeros for the first."""
    public_key: bytes
    """Ed25519."""
    signature: bytes
    leaves: bytes | None
    """Their hashes, in order. None once retention dropped the events."""
    dropped_at: datetime | None = None
    drop_mac: bytes | None = None
    """Keyed MAC that says it was retention."""
    created_at: datetime


class OutboxMessage(Record, frozen=True, kw_only=True, gc=False):
    """A mail or text to be delivered, written in the transaction of what caused it."""

    indexes = (("due_at",), ("recipient_hash", "created_at"))

    channel: Literal["email", "sms"]
    template: str
    user_id: UUID | None = None
    recipient_hash: bytes
    """Keyed hash of the destination: caps per recipient without reading the body."""
    sealed_body: bytes | None
    """Recipient, subject, text, HTML as sealed JSON. Erased once delivered or expired."""
    decoy: bool = False
    """Written for an unknown address so that the same rows are written: dropped at delivery."""
    attempts: int = 0
    due_at: datetime | None
    """When to try (next). None: finished."""
    leased_until_at: datetime | None = None
    lease_id: UUID | None = None
    last_error: str | None = None
    delivered_at: datetime | None = None
    expires_at: datetime | None = None
    """An expired code is not delivered. None: a notice, which never expires."""
    created_at: datetime


class Lease(Record, frozen=True, kw_only=True, gc=False):
    """Who does a chore (sweep, seal) right now, among many processes. The id is derived from the chore's name."""

    holder_id: UUID
    expires_at: datetime


class SchemaStep(Record, frozen=True, kw_only=True, gc=False):
    """A numbered step of the schema that is done, whichever tool did it. The id is derived from the number."""

    unique = (("number",),)

    number: int
    name: str
    tool: str
    done_at: datetime


class SecretKey(Record, frozen=True, kw_only=True, gc=False):
    """That one of the secret keys is in use on this database. The id is derived from it and tells nothing of it."""

    indexes = (("created_at",),)

    created_at: datetime


class SigningKey(Record, frozen=True, kw_only=True, gc=False):
    """A key that signs access tokens. The next one is there, and published, before the one in use is old."""

    unique = (("generation",), ("kid",))

    generation: int
    """Unique, so that of many processes which make the next key at once one does."""
    kid: str
    algorithm: str
    sealed_private_key: bytes
    public_jwk: str
    signs_from_at: datetime
    """Until its successor does."""
    revoked_at: datetime | None = None
    created_at: datetime


class ApiKey(Record, frozen=True, kw_only=True, gc=False):
    """A key by which a program acts for its owner."""

    unique = (("selector",),)
    indexes = (("user_id",), ("expires_at",))
    references: ClassVar[dict[str, type[Record]]] = {"user_id": User}

    selector: str
    secret_hash: bytes
    user_id: UUID
    name: str
    scopes: tuple[str, ...] = ()
    last_used_at: datetime | None = None
    created_at: datetime
    expires_at: datetime | None = None


RECORDS: tuple[type[Record], ...] = (
    User,
    Identifier,
    Authenticator,
    Attempt,
    OneTimeSecret,
    Session,
    TokenFamily,
    Device,
    ThrottleCounter,
    Event,
    Seal,
    OutboxMessage,
    Lease,
    SchemaStep,
    SecretKey,
    SigningKey,
    ApiKey,
)
"""In an order in which each comes after those it references."""
