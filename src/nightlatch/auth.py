"""Wiring of settings, store, services and flows. No logic."""

from __future__ import annotations

from collections.abc import Sequence

from nightlatch.authenticators.base import Method
from nightlatch.authenticators.passkey import Passkey
from nightlatch.authenticators.password import Password
from nightlatch.authenticators.recovery_code import RecoveryCode
from nightlatch.authenticators.sms_code import SmsCode
from nightlatch.authenticators.totp import Totp
from nightlatch.flows.account import Account
from nightlatch.flows.addresses import Addresses
from nightlatch.flows.adoption import Adoption
from nightlatch.flows.api_keys import ApiKeys
from nightlatch.flows.attempts import Attempts
from nightlatch.flows.audit_trail import AuditTrail
from nightlatch.flows.bind_passkey import BindPasskey
from nightlatch.flows.bind_phone import BindPhone
from nightlatch.flows.binding import Binding
from nightlatch.flows.close_account import CloseAccount
from nightlatch.flows.core import Core
from nightlatch.flows.explain import Explain
from nightlatch.flows.export_account import ExportAccount
from nightlatch.flows.export_users import ExportUsers
from nightlatch.flows.forward import Forward
from nightlatch.flows.import_users import ImportUsers
from nightlatch.flows.invitations import Invitations
from nightlatch.flows.manage_authenticators import ManageAuthenticators
from nightlatch.flows.operator import Operator
from nightlatch.flows.operator_recovery import OperatorRecovery
from nightlatch.flows.prove import Prove
from nightlatch.flows.prove_address import ProveAddress
from nightlatch.flows.provision import Provision
from nightlatch.flows.reauthenticate import Reauthenticate
from nightlatch.flows.recover import Recover
from nightlatch.flows.sign_in import SignIn
from nightlatch.flows.sign_up import SignUp
from nightlatch.flows.sign_up_by_passkey import SignUpByPasskey
from nightlatch.flows.stop import Stop
from nightlatch.flows.take_back import TakeBack
from nightlatch.flows.text_codes import TextCodes
from nightlatch.flows.tokens import Tokens
from nightlatch.flows.verify_audit import VerifyAudit
from nightlatch.ports import Clock, EventSink, Mailer, Store, TextSender
from nightlatch.primitives.hashing import PROFILES, Pepper
from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.passwords import PasswordPolicy
from nightlatch.primitives.webauthn import RelyingParty
from nightlatch.services import api_keys, attempts, one_time, tokens
from nightlatch.services.audit import Audit
from nightlatch.services.background import Background
from nightlatch.services.challenges import Challenges
from nightlatch.services.clock import SystemClock
from nightlatch.services.devices import Devices
from nightlatch.services.gate import Gate
from nightlatch.services.hashing import HashingPool
from nightlatch.services.health import Health
from nightlatch.services.mailers import mailer_from
from nightlatch.services.outbox import Outbox
from nightlatch.services.seals import Seals
from nightlatch.services.secret_keys import SecretKeys
from nightlatch.services.sessions import Sessions
from nightlatch.services.shared_counters import SharedCounters
from nightlatch.services.signing_keys import SigningKeys
from nightlatch.services.text_guard import TextGuard
from nightlatch.services.text_senders import text_sender_from
from nightlatch.services.throttle import Throttle
from nightlatch.services.users import Users
from nightlatch.settings import Settings
from nightlatch.settings_redis import Redis

__all__ = ["Nightlatch"]


class Nightlatch:
    """One installation: everything a framework, the server or the command line needs.

    Building it opens no connection, file or thread.

    Args:
        settings: what the installation decides.
        store: where it keeps its records.
        mailer: hands mail over; None: as ``settings.mail`` says.
        text_sender: hands text messages over; None: as ``settings.sms`` says.
        clock: tells the time; None: the machine's.
        event_sinks: who else is told of audit events.
        background: whether a thread of its own delivers mail; False where `outbox.run_once` is called instead.

    Raises:
        ConfigurationError: the settings contradict one another.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        mailer: Mailer | None = None,
        text_sender: TextSender | None = None,
        clock: Clock | None = None,
        event_sinks: Sequence[EventSink] = (),
        background: bool = True,
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock = clock or SystemClock()
        self.keyring = keyring = Keyring(settings.secret_keys)
        pepper = Pepper(settings.hashing.pepper_keys) if settings.hashing.pepper_keys else None
        self.hashing = HashingPool(
            profile=PROFILES[settings.hashing.profile],
            slots=settings.hashing.slots,
            queue=settings.hashing.queue,
            lingering=settings.hashing.lingering,
            pepper=pepper,
            decoy_key=keyring.mac("password", "decoys"),
        )

        users = Users(store, clock, settings.identifiers)
        self.throttle = throttle = Throttle(store, clock, keyring, _shared_counters(settings.redis))
        self.sessions = Sessions(store, clock, users, settings.sessions)
        self.signing_keys = SigningKeys(store, clock, keyring, settings.tokens)
        tokens_service = tokens.Tokens(store, clock, keyring, self.sessions, self.signing_keys, settings)
        self.outbox = Outbox(
            settings,
            store,
            clock,
            keyring,
            throttle,
            mailer or mailer_from(settings),
            text_sender or text_sender_from(settings, clock),
        )
        self.health = Health(store, clock)
        attempts_service = attempts.Attempts(store, clock, keyring)
        one_time_secrets = one_time.OneTimeSecrets(store, clock, keyring, settings.attempts.code_tries)
        devices = Devices(store, clock)
        totp = Totp(store, clock, keyring, offered=settings.totp.enabled)
        recovery_codes = RecoveryCode(store, clock, keyring)
        password = Password(
            store,
            clock,
            self.hashing,
            PasswordPolicy(min_length=settings.passwords.min_length, max_length=settings.passwords.max_length),
            settings.service_name,
        )
        party = RelyingParty(
            id=settings.host,
            name=settings.service_name,
            origins=frozenset({settings.origin, *settings.passkeys.related_origins}),
            aaguids=frozenset(settings.passkeys.aaguids),
        )
        passkey = Passkey(store, clock, party, Challenges(store, clock), offered=settings.passkeys.enabled)
        audit = Audit(store, clock, keyring, event_sinks)
        texts = TextGuard(settings.sms, clock, throttle, audit)
        sms = SmsCode(store, clock, one_time_secrets, texts)
        # Without a sender nothing can be asked of a phone: switched off, texts are no authenticator here.
        texted = (sms,) if settings.sms.enabled else ()
        every: tuple[Method, ...] = (password, passkey, totp, *texted, recovery_codes)
        methods = {each.kind: each for each in every}
        self.gate = Gate(
            settings.policy,
            {kind: method.factors for kind, method in methods.items()},
            enrolled=[kind for kind, method in methods.items() if method.enrolment and method.offered],
            closed=[kind for kind, method in methods.items() if not method.offered],
            restricted=(sms.kind,),
            clock=clock,
        )
        api_keys_service = api_keys.ApiKeys(store, clock, users, self.gate, settings.api_keys)
        self.seals = Seals(store, clock, keyring, audit, settings.audit)
        self.background = Background(
            chores=(
                self.outbox.run_once,
                self.seals.run_due,
                self.sessions.write_touches,
                api_keys_service.write_touches,
            ),
            sweeps=(
                # Before attempts are swept: what waits for its time is one of them.
                self.do_what_is_due,
                password.sample,
                attempts_service.sweep,
                one_time_secrets.sweep,
                self.sessions.sweep,
                tokens_service.sweep,
                api_keys_service.sweep,
                self.signing_keys.sweep,
                devices.sweep,
                throttle.sweep,
                self.outbox.sweep,
                self.seals.sweep,
            ),
            poll=settings.outbox.poll,
            enabled=background,
        )
        core = Core(
            settings=settings,
            store=store,
            clock=clock,
            keyring=keyring,
            gate=self.gate,
            users=users,
            attempts=attempts_service,
            one_time=one_time_secrets,
            sessions=self.sessions,
            tokens=tokens_service,
            api_keys=api_keys_service,
            devices=devices,
            throttle=throttle,
            audit=audit,
            outbox=self.outbox,
            background=self.background,
            password=password,
            passkey=passkey,
            totp=totp,
            recovery_codes=recovery_codes,
            sms=sms,
            texts=texts,
            methods=methods,
        )
        self._stand_on(core)

    def _stand_on(self, core: Core) -> None:
        """Make the flows, which are what everybody else calls."""
        prove = Prove(core)
        self.sign_up = SignUp(core)
        self.sign_in = SignIn(core, prove)
        self.recover = Recover(core)
        self.addresses = Addresses(core)
        self.operator_recovery = OperatorRecovery(core, self.recover)
        self.attempts = Attempts(
            core,
            prove,
            self.sign_up,
            self.recover,
            self.addresses,
            self.operator_recovery,
            ProveAddress(core, prove),
            TextCodes(core, prove),
        )
        self.reauthenticate = Reauthenticate(core, prove)
        self.account = Account(core, prove)
        binding = Binding(core)
        self.manage_authenticators = ManageAuthenticators(core, binding)
        self.close_account = CloseAccount(core)
        self.export_account = ExportAccount(core)
        self.notice_links = Stop(core, self.close_account, TakeBack(core), self.operator_recovery)
        self.tokens = Tokens(core)
        self.api_keys = ApiKeys(core)
        self.bind_phone = BindPhone(core, binding)
        self.bind_passkey = BindPasskey(core, binding, SignUpByPasskey(core, self.sign_up))
        self.forward = Forward(core)
        self.invitations = Invitations(core)
        self.operator = Operator(core)
        self.audit_trail = AuditTrail(core)
        self.explain = Explain(core)
        self.verify_audit = VerifyAudit(core)
        self.provision = Provision(core, prove)
        self.adoption = Adoption(core)
        self.import_users = ImportUsers(core)
        self.export_users = ExportUsers(core)

    def do_what_is_due(self) -> None:
        """Do what waited for its time: the background does, or whoever runs the outbox in its place."""
        self.close_account.erase_due()
        self.addresses.change_due()

    def see_keys(self) -> None:
        """See that every installation on this database has the same secret keys. Who hosts the core calls it once.

        Raises:
            ConfigurationError: this one has others.
            StoreUnavailable: the database cannot be reached.
        """
        SecretKeys(self.store, self.clock, self.keyring).see()

    def stop(self) -> None:
        """End the threads; the store stays whose it is."""
        self.background.stop()
        self.hashing.close()

    def close(self) -> None:
        """End the threads and let the store go."""
        self.stop()
        close = getattr(self.store, "close", None)
        if close is not None:
            close()

    def __repr__(self) -> str:
        return f"Nightlatch({self.settings.base_url}{self.settings.mount})"


def _shared_counters(redis: Redis) -> SharedCounters | None:
    if redis.url is None:
        return None
    from nightlatch.storage.redis_counters import RedisCounters, see_installed

    url = redis.url.reveal()
    see_installed(url)
    if "+sentinel" in url or "+cluster" in url:  # these connect when they are built
        return SharedCounters(lambda: RedisCounters(url, redis.timeout), redis.retry_after)
    counters = RedisCounters(url, redis.timeout)
    return SharedCounters(lambda: counters, redis.retry_after)
