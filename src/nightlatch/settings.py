"""Settings: typed, frozen, unknown keys refused with a suggestion, checked when they are built.

Durations are `timedelta`; from a file, an environment variable or a framework's configuration they are also read as a
number of seconds or an ISO 8601 duration (``PT15M``). Options that weaken security say so in their name: ``allow_...``.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from typing import Any, Literal, get_type_hints
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from nightlatch.errors import ConfigurationError
from nightlatch.primitives.keyring import strong_material
from nightlatch.primitives.origins import base_url_of, is_loopback, origin_of
from nightlatch.primitives.secret import Secret
from nightlatch.section import Budget, Section
from nightlatch.settings_audit import Audit
from nightlatch.settings_forward import Forward, ForwardRule
from nightlatch.settings_redis import Redis
from nightlatch.settings_sms import Sms

__all__ = [
    "Accounts",
    "ApiKeys",
    "Attempts",
    "Audit",
    "Budget",
    "Forward",
    "ForwardRule",
    "Hashing",
    "Mail",
    "Outbox",
    "Pages",
    "Passkeys",
    "Passwords",
    "Policy",
    "Redis",
    "Requirement",
    "Sessions",
    "Settings",
    "Sms",
    "Throttle",
    "Tokens",
    "Totp",
    "is_loopback",
    "settings_from",
]


_MAY_BE_ZERO = {"queue", "lingering"}
_MOST: dict[str, int | timedelta] = {
    "attempts.sign_in_life": timedelta(hours=1),
    "attempts.address_proof_life": timedelta(hours=24),
    "attempts.invitation_life": timedelta(days=30),
    "accounts.grace": timedelta(days=90),
    "attempts.code_tries": 10,
    "attempts.codes_per_attempt": 10,
    "mail.smtp_port": 65535,
    "tokens.access_life": timedelta(minutes=15),
    "sessions.remember_devices": timedelta(hours=24),
}
"""Past these a code could be guessed, or found in an old mailbox (NIST SP 800-63B-4 4.2.1.2: 24 hours by mail), and two
factors would be asked for less than once a day (2.2.3)."""
_LEAST_WAITS = {
    "grace": timedelta(days=7),
    "address_change_wait": timedelta(days=7),
    "operator_recovery_delay": timedelta(hours=72),
}
"""Under these somebody who is away for a weekend learns of it too late."""
_LONGEST_NAME = 100


class Hashing(Section, frozen=True, kw_only=True):
    """How passwords are hashed (ASVS 11.4.2, appendix C; RFC 9106 4)."""

    profile: Literal["owasp_minimum", "rfc9106_low_memory", "cheap_for_tests"] = "owasp_minimum"
    """`nightlatch doctor` measures what each costs on this machine."""
    slots: int | None = None
    """Hashes at once in each process; None: one for each processor. Memory is slots x the profile's."""
    queue: int = 6
    """How many more may wait. Past it a sign-in is answered 503."""
    lingering: int = 0
    """How many that find the queue full may wait 40 ms for a place before their 503, each holding a request thread.
    It slows clients that try again at once; `nightlatch serve`, whose threads are many, sets it."""
    pepper_keys: tuple[Secret, ...] = ()
    """Optional keyed step before hashing; the first is used for new hashes. At least 256 bits each."""


class Passwords(Section, frozen=True, kw_only=True):
    """What a new password must be (NIST SP 800-63B-4 3.1.1.2)."""

    min_length: int = 15
    """Code points, where a password alone signs in. Less than 15 needs `allow_short_passwords`."""
    max_length: int = 256
    allow_short_passwords: bool = False


class Requirement(Section, frozen=True, kw_only=True):
    """What a sign-in must prove: a level, or an explicit sequence of authenticators."""

    aal: Literal[1, 2, 3] = 1
    sequence: tuple[str, ...] = ()
    grace: timedelta | None = None
    """How long, from when it first met somebody who has bound nothing to meet it with, sign-in goes on without."""


class Policy(Section, frozen=True, kw_only=True):
    """Who needs what, as data. The strictest that applies to a user counts."""

    everyone: Requirement = Requirement()
    by_role: dict[str, Requirement] = {}  # noqa: RUF012 - a struct: each gets its own


class Totp(Section, frozen=True, kw_only=True):
    """Codes from authenticator apps (RFC 6238), and the recovery codes that go with them."""

    enabled: bool = True
    """Whether users may add one. Those that are there go on being asked for either way."""


class Passkeys(Section, frozen=True, kw_only=True):
    """Passkeys (Web Authentication Level 3). The RP ID is the host of `base_url`, which must be a name for it."""

    enabled: bool = True
    """Whether users may add one. Those that are there go on being asked for either way."""
    related_origins: tuple[str, ...] = ()
    """Further origins whose pages may use them."""
    aaguids: tuple[UUID, ...] = ()
    """The makes that may be added; empty for any."""


class Sessions(Section, frozen=True, kw_only=True):
    """How long a session lives. The presets are NIST SP 800-63B-4 2.1.3, 2.2.3 and 2.3.3."""

    preset: Literal["aal1", "aal2", "aal3"] = "aal1"
    absolute: timedelta | None = None
    """None: as the preset says (30 days, 24 hours, 12 hours)."""
    idle: timedelta | None = None
    """None: as the preset says (no limit, 1 hour, 15 minutes)."""
    remember_devices: timedelta | None = timedelta(hours=24)
    """For so long after a sign-in with two factors a browser that its owner lets be remembered asks for the password
    alone, where its session was idle for too long. None: no browser is remembered."""
    max_per_user: int = 100
    """Past it the one seen longest ago ends (ASVS 7.1.2)."""

    @property
    def limits(self) -> tuple[timedelta, timedelta | None]:
        """The absolute and the idle limit in force."""
        absolute, idle = {
            "aal1": (timedelta(days=30), None),
            "aal2": (timedelta(hours=24), timedelta(hours=1)),
            "aal3": (timedelta(hours=12), timedelta(minutes=15)),
        }[self.preset]
        return self.absolute or absolute, self.idle or idle

    @property
    def remembering(self) -> timedelta | None:
        """How long a browser may be remembered; None where nothing is softened by it.

        Without an idle limit there is nothing to soften, and AAL3 asks for both factors after either limit (NIST SP
        800-63B-4 2.3.3).
        """
        return None if self.preset == "aal3" or self.limits[1] is None else self.remember_devices


class Tokens(Section, frozen=True, kw_only=True):
    """What clients are given that ask for tokens in place of a cookie."""

    algorithm: Literal["EdDSA", "ES256", "RS256"] = "EdDSA"
    """What new signing keys are for. Old keys go on for as long as tokens that they signed may live."""
    allow_hs256_single_application: tuple[Secret, ...] = ()
    """Secrets shared with one application, which can then make access tokens as well as verify them: the first signs
    by HS256, in place of the keys in the store. Nothing of it is published."""
    audience: str | None = None
    """Who access tokens are for. None: `base_url`."""
    access_life: timedelta = timedelta(minutes=5)
    """How long a service without the store believes one that was revoked."""
    refresh_idle: timedelta = timedelta(days=14)
    """A refresh token that is not used for so long is worth nothing; none outlives its session."""
    key_life: timedelta = timedelta(days=30)
    """How long a key signs before its successor, which is published all the while, takes its place."""


class ApiKeys(Section, frozen=True, kw_only=True):
    """Keys by which programs act for their owners."""

    longest_life: timedelta = timedelta(days=366)
    """None lives longer, and one that asks for no end lives so long."""
    max_per_user: int = 50
    uses: Budget = Budget(limit=600, per=timedelta(minutes=1))
    """Of one key, in each process."""


class Attempts(Section, frozen=True, kw_only=True):
    """How long an attempt and its codes live, and how often they may be tried."""

    sign_in_life: timedelta = timedelta(minutes=10)
    address_proof_life: timedelta = timedelta(hours=1)
    invitation_life: timedelta = timedelta(hours=24)
    code_tries: int = 5
    codes_per_attempt: int = 3


class Accounts(Section, frozen=True, kw_only=True):
    """How accounts change hands and end: what each waits for."""

    grace: timedelta = timedelta(days=30)
    """Closed, until erased: it may still be called off."""
    address_change_wait: timedelta = timedelta(days=7)
    """A new address that neither a second factor nor the old mailbox speaks for."""
    operator_recovery_delay: timedelta = timedelta(hours=72)
    """A recovery that an operator started: somebody may object."""
    recovery_operators: Literal[1, 2] = 1
    """How many operators it takes to start one."""
    allow_short_waits: bool = False
    """Lets these waits be shorter than 7 days, 7 days and 72 hours: an owner then has less time to object."""


class Throttle(Section, frozen=True, kw_only=True):
    """Budgets. There is no switch that turns throttling off; raise a budget where it is too small for you."""

    sign_in_per_identifier: Budget = Budget(limit=10, per=timedelta(minutes=15))
    sign_in_per_address: Budget = Budget(limit=30, per=timedelta(minutes=5))
    sign_in_per_network: Budget = Budget(limit=150, per=timedelta(minutes=5))
    sign_in_per_device: Budget = Budget(limit=10, per=timedelta(minutes=15))
    sign_up_per_address: Budget = Budget(limit=10, per=timedelta(hours=1))
    sign_up_per_network: Budget = Budget(limit=60, per=timedelta(hours=1))
    recover_per_address: Budget = Budget(limit=10, per=timedelta(hours=1))
    recover_per_network: Budget = Budget(limit=60, per=timedelta(hours=1))
    address_changes_per_user: Budget = Budget(limit=5, per=timedelta(days=1))
    mail_per_recipient: Budget = Budget(limit=5, per=timedelta(hours=1))
    code_failures_per_destination: Budget = Budget(limit=20, per=timedelta(days=1))
    code_failures_per_address: Budget = Budget(limit=50, per=timedelta(hours=1))
    attempt_calls_per_address: Budget = Budget(limit=120, per=timedelta(minutes=5))
    passkey_asked_per_address: Budget = Budget(limit=600, per=timedelta(minutes=5))
    """Every sign-in page asks for a challenge as it loads, and many people may be behind one address."""


class Mail(Section, frozen=True, kw_only=True):
    """How mail is sent."""

    transport: Literal["smtp", "file", "console", "memory"] | None = None
    """None: chosen by the adapter (console in debug mode), or refused outside development."""
    sender: str | None = None
    """The From address. None: ``no-reply@`` the host of `base_url`."""
    smtp_host: str = "localhost"
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "allow_plaintext_to_loopback"] = "starttls"
    smtp_username: str | None = None
    smtp_password: Secret | None = None
    smtp_timeout: timedelta = timedelta(seconds=10)
    directory: str | None = None
    """For ``file``: each mail is a file here."""


class Outbox(Section, frozen=True, kw_only=True):
    """How messages are delivered."""

    poll: timedelta = timedelta(seconds=2)
    lease: timedelta = timedelta(seconds=60)
    first_retry: timedelta = timedelta(seconds=5)
    last_retry: timedelta = timedelta(hours=1)
    give_up_after: timedelta = timedelta(days=2)


class Pages(Section, frozen=True, kw_only=True):
    """How the hosted pages look and where they lead."""

    logo_url: str | None = None
    home_url: str = "/"
    """Where sign-in leads when nothing else was asked for: a path of this application."""
    theme: dict[str, str] = {}  # noqa: RUF012 - a struct: each gets its own
    """CSS custom properties without their dashes: ink, muted, line, paper, card, accent ..."""
    theme_dark: dict[str, str] = {}  # noqa: RUF012 - a struct: each gets its own
    locale: str = "en"


class Settings(Section, frozen=True, kw_only=True):
    """Everything an installation decides.

    Raises:
        ConfigurationError: a value cannot be used; the reason names it and says what to write.
    """

    base_url: str
    """The public address of the application's root, prefix included. https, except on loopback."""
    secret_keys: tuple[Secret, ...]
    """At least 256 bits each; the first is used for new things, every one still opens old ones."""
    service_name: str = "This service"
    mount: str = "/auth"
    identifiers: Literal["email", "username", "email_and_username"] = "email"
    sign_up: Literal["open", "closed"] = "open"
    cookie_name: str = "session"
    """Tells two installations on one host apart; over https ``__Host-Http-`` is put in front."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For`` is believed, and which may ask for others (`forward`)."""
    allowed_redirects: tuple[str, ...] = ()
    """Further origins that a sign-in may lead to (``https://shop.example.com``)."""
    allowed_origins: tuple[str, ...] = ()
    """Further origins whose pages may call the JSON API with a cookie."""
    development: bool = False
    """Turns on what helps a developer and must never meet the public."""
    hashing: Hashing = Hashing()
    passwords: Passwords = Passwords()
    policy: Policy = Policy()
    totp: Totp = Totp()
    passkeys: Passkeys = Passkeys()
    sessions: Sessions = Sessions()
    tokens: Tokens = Tokens()
    api_keys: ApiKeys = ApiKeys()
    attempts: Attempts = Attempts()
    accounts: Accounts = Accounts()
    throttle: Throttle = Throttle()
    redis: Redis = Redis()
    mail: Mail = Mail()
    outbox: Outbox = Outbox()
    sms: Sms = Sms()
    pages: Pages = Pages()
    forward: Forward = Forward()
    audit: Audit = Audit()

    def __post_init__(self) -> None:
        """Bring texts into their form and refuse what cannot be used."""
        msgspec.structs.force_setattr(self, "base_url", base_url_of(self.base_url))
        msgspec.structs.force_setattr(self, "mount", _mount(self.mount))
        msgspec.structs.force_setattr(self, "secret_keys", _secrets("secret_keys", self.secret_keys))
        _cookie_name(self.cookie_name)
        _proxies(self.trusted_proxies)
        for name in ("allowed_redirects", "allowed_origins"):
            secure = name == "allowed_origins"
            origins = tuple(origin_of(name, each, secure=secure) for each in getattr(self, name))
            msgspec.structs.force_setattr(self, name, origins)
        _numbers(self)
        _waits(self.accounts)
        _names(self)
        self.forward.stand_apart(self.host, secure=self.secure)
        _passwords(self.passwords)
        _shared(self.tokens, self.secret_keys)
        _sms(self)
        _sms(self)
        if not self.pages.home_url.startswith("/") or self.pages.home_url.startswith(("//", "/\\")):
            raise ConfigurationError("pages.home_url must be a path of this application, such as '/'")

    @property
    def origin(self) -> str:
        """Scheme, host and port of `base_url`."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """The host name of `base_url`."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def secure(self) -> bool:
        """Whether `base_url` is https: it decides about cookies, never the request's scheme."""
        return self.base_url.startswith("https://")

    @property
    def asks_email(self) -> bool:
        """Whether accounts have an e-mail address."""
        return self.identifiers != "username"

    @property
    def asks_username(self) -> bool:
        """Whether accounts have a user name."""
        return self.identifiers != "email"


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Build settings from plain values, as a file, the environment or a framework's configuration gives them.

    Args:
        values: names of fields; sections are mappings. Durations may be seconds or ISO 8601 texts.

    Returns:
        The settings, checked.

    Raises:
        ConfigurationError: an unknown name (with the nearest known one), a missing or an unusable value.
    """
    _known(values, Settings, "")
    for name in ("base_url", "secret_keys"):
        if not values.get(name):
            raise ConfigurationError(f"{name} is not set")
    try:
        return msgspec.convert(dict(values), Settings, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"settings: {error}") from None


def _known(values: Mapping[str, Any], section: type, path: str) -> None:
    hints = get_type_hints(section)
    for name, value in values.items():
        if name not in hints:
            near = difflib.get_close_matches(name, hints, n=1)
            hint = f"; did you mean {path}{near[0]}?" if near else ""
            raise ConfigurationError(f"unknown setting {path}{name}{hint}")
        if isinstance(value, Mapping) and isinstance(hints[name], type) and issubclass(hints[name], Section):
            _known(value, hints[name], f"{path}{name}.")


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is Secret and isinstance(value, Secret):
        return value
    raise NotImplementedError(kind)


def _secrets(name: str, values: Any) -> tuple[Secret, ...]:
    if isinstance(values, str | Secret):
        raise ConfigurationError(f"{name} is a list of keys, not one text: write [key]")
    secrets = tuple(each if isinstance(each, Secret) else Secret(str(each)) for each in values)
    if not secrets:
        raise ConfigurationError(f"{name} is empty: write at least one key of 32 random bytes, as text")
    return secrets


def _mount(path: str) -> str:
    clean = "/" + path.strip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", clean):
        raise ConfigurationError(f"mount must be a path such as /auth, not {path!r}")
    return clean


def _cookie_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        raise ConfigurationError("cookie_name is 1 to 40 letters, digits, '-' or '_'")


def _proxies(values: tuple[str, ...]) -> None:
    for value in values:
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ConfigurationError(f"trusted_proxies: {value!r} is not an address or network") from None
        if network.prefixlen == 0:
            raise ConfigurationError(f"trusted_proxies: {value} is everybody, who could then say to be anybody")


def _sms(settings: Settings) -> None:
    """Refuse texts that would be the only second factor, or could go anywhere."""
    sms = settings.sms
    if not sms.enabled:
        return
    if not settings.totp.enabled and not settings.passkeys.enabled:
        # NIST SP 800-63B-4 3.2.9: who is offered a restricted authenticator is offered another one too.
        raise ConfigurationError("sms.enabled needs apps or passkeys: texts are never the only second factor")
    if not sms.countries or not all(re.fullmatch("[A-Z]{2}", each) for each in sms.countries):
        raise ConfigurationError("sms.countries says where texts may go, such as ['DE', 'AT']: they cost money")
    if sms.least_used_percent > 100:  # noqa: PLR2004 - of a hundred
        raise ConfigurationError("sms.least_used_percent is at most 100")


def _passwords(passwords: Passwords) -> None:
    if passwords.min_length < 15 and not passwords.allow_short_passwords:  # noqa: PLR2004 - NIST's number
        raise ConfigurationError(
            "passwords.min_length is under 15, the least where a password alone signs in (NIST SP 800-63B-4 3.1.1.2);"
            " set passwords.allow_short_passwords to go under it knowingly"
        )
    if passwords.min_length < 8:  # noqa: PLR2004
        raise ConfigurationError("passwords have at least 8 characters (ASVS 6.2.1)")
    if passwords.max_length < max(64, passwords.min_length):
        raise ConfigurationError("passwords.max_length is at least 64 (NIST SP 800-63B-4 3.1.1.2), and min_length")


def _waits(accounts: Accounts) -> None:
    """Refuse waits that leave an owner no time to read the notice and object, unless that is asked for by name."""
    for name, least in _LEAST_WAITS.items():
        if getattr(accounts, name) < least and not accounts.allow_short_waits:
            raise ConfigurationError(
                f"accounts.{name} is under {least}, the time in which an owner may object;"
                " set accounts.allow_short_waits to go under it knowingly"
            )


def _numbers(section: Section, path: str = "") -> None:
    """Refuse durations and counts that would switch off what they bound."""
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Section):
            _numbers(value, f"{path}{name}.")
        elif isinstance(value, timedelta) and value <= timedelta(0):
            raise ConfigurationError(f"{path}{name} must be longer than nothing")
        elif isinstance(value, int) and not isinstance(value, bool) and value < (name not in _MAY_BE_ZERO):
            raise ConfigurationError(f"{path}{name} must be at least {int(name not in _MAY_BE_ZERO)}")
        most = _MOST.get(f"{path}{name}")
        if most is not None and value is not None and value > most:
            raise ConfigurationError(f"{path}{name} must be at most {most}")


def _shared(tokens: Tokens, secret_keys: tuple[Secret, ...]) -> None:
    """Refuse secrets that could be guessed, or that would hand everything else over as well."""
    name = "tokens.allow_hs256_single_application"
    for each in tokens.allow_hs256_single_application:
        strong_material(each, name)
        if any(each.reveal() == own.reveal() for own in secret_keys):
            raise ConfigurationError(f"{name} is one of secret_keys: whoever shares it would have that as well")


def _names(settings: Settings) -> None:
    """Refuse what would make every mail fail, or say nothing."""
    name, sender = settings.service_name, settings.mail.sender
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ConfigurationError(f"service_name is one line of 1 to {_LONGEST_NAME} characters, not {name[:120]!r}")
    try:
        usable = sender is None or (sender.isascii() and bool(Address(addr_spec=sender).domain))
    except (MessageError, ValueError, IndexError):
        usable = False
    if not usable:
        raise ConfigurationError(
            f"mail.sender must be an address such as no-reply@example.com, not {sender!r}"
            " (service_name is the name that stands before it)"
        )
