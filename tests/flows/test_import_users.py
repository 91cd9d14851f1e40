"""Bring an application's accounts in, and out again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import databases
from house import HERE, PASSWORD, WRONG, House, signed_in
from nightlatch.errors import InvalidCredentials, LinkInvalid
from nightlatch.flows.import_users import ImportOptions, Line, Outcome
from nightlatch.flows.outcome import More
from nightlatch.primitives.secret import Secret
from nightlatch.records import Authenticator, Event, Identifier, User
from nightlatch.storage.memory import MemoryStore
from nightlatch.storage.sql import SqlStore


def werkzeug(password: Secret = PASSWORD) -> str:
    """Hash a password as a Flask application does, cheaply."""
    return f"scrypt:16:8:1$salt${hashlib.scrypt(password.reveal().encode(), salt=b'salt', n=16, r=8, p=1).hex()}"


MIA = {"email": "Mia@Example.org", "name": "Mia", "roles": ["editor"], "external_id": 7, "password_hash": werkzeug()}


def bring(house: House, *rows: dict[str, Any], **options: Any) -> list[Outcome]:
    """Import rows; addresses are vouched for unless the story says otherwise."""
    lines = (Line(number, row) for number, row in enumerate(rows, 1))
    return list(house.auth.import_users.run(lines, ImportOptions(**{"trust_addresses": True, "batch": 500, **options})))


def kinds(outcomes: list[Outcome]) -> list[str]:
    """Return what became of each row."""
    return [each.kind for each in outcomes]


def test_an_imported_user_signs_in_with_the_old_password(house: House) -> None:
    """By the address, any case; the hash becomes Argon2id; name, roles and the old key are kept."""
    (outcome,) = bring(house, {**MIA, "created_at": "2019-05-04 08:30:00"})
    assert (outcome.kind, outcome.scheme, outcome.weak) == ("created", "scrypt", False)
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=WRONG)
    user = signed_in(house.sign_in()).user
    assert (user.email, user.name, user.roles, user.external_id) == ("Mia@example.org", "Mia", ("editor",), "7")
    assert user.created_at == datetime(2019, 5, 4, 8, 30, tzinfo=UTC)
    (password,) = house.store.find(Authenticator, {"user_id": user.id})
    assert (password.password_hash or "").startswith("$argon2id$")
    (event,) = house.store.find(Event, {"action": "users_imported"})
    assert event.details == '{"by":"operator","created":1}'


def test_a_second_run_changes_nothing(house: House) -> None:
    """Even after the password was upgraded: its owner keeps it."""
    assert kinds(bring(house, MIA)) == ["created"]
    signed_in(house.sign_in())
    before = house.store.find(Authenticator, {"kind": "password"})
    assert kinds(bring(house, MIA)) == ["unchanged"]
    assert house.store.find(Authenticator, {"kind": "password"}) == before
    assert kinds(bring(house, {"email": "mia@example.org"})) == ["unchanged"]


def test_what_differs_is_told_and_left_unless_asked_for(house: House) -> None:
    """Name, roles and external id follow with `update`; living sessions carry the new roles; the rest never does."""
    bring(house, MIA)
    user = signed_in(house.sign_in()).user
    row = {**MIA, "name": "Mia M.", "roles": ["admin"], "status": "suspended"}
    (told,) = bring(house, row)
    assert (told.kind, told.fields) == ("differs", ("name", "roles", "status"))
    assert house.store.get(User, user.id) == user
    (told,) = bring(house, row, update=True, dry_run=True)
    assert (told.kind, told.fields) == ("updated", ("name", "roles"))
    assert house.store.get(User, user.id) == user
    (told,) = bring(house, row, update=True)
    assert (told.kind, told.fields) == ("updated", ("name", "roles"))
    after = house.store.get(User, user.id)
    assert after is not None
    assert (after.name, after.roles, after.status) == ("Mia M.", ("admin",), "active")
    (event,) = house.store.find(Event, {"action": "privilege_permissions_changed"})
    assert event.user_id == user.id
    (told,) = bring(house, row, update=True)
    assert (told.kind, told.fields) == ("differs", ("status",))


def test_a_password_is_overwritten_only_on_demand_and_signs_its_owner_out(house: House) -> None:
    """Not by `update`; and the same row a second time changes nothing."""
    bring(house, MIA)
    signed_in(house.sign_in())
    other = Secret("another harbour, another lantern")
    row = {**MIA, "password_hash": werkzeug(other)}
    assert kinds(bring(house, row, update=True)) == ["unchanged"]
    assert kinds(bring(house, row, overwrite_passwords=True, dry_run=True)) == ["updated"]
    signed_in(house.sign_in())
    (told,) = bring(house, row, overwrite_passwords=True)
    assert (told.kind, told.fields) == ("updated", ("password",))
    assert house.auth.operator.sessions() == []
    assert kinds(bring(house, row, overwrite_passwords=True)) == ["unchanged"]
    with pytest.raises(InvalidCredentials):
        house.sign_in()
    signed_in(house.sign_in(password=other))


def test_015_an_address_that_was_never_proven_blocks_nobody(house: House) -> None:
    """Whoever typed it into the old application must not hold the account of whoever owns the mailbox."""
    squatted = {**MIA, "email_verified": False}
    (refused,) = bring(house, squatted)
    assert refused.kind == "refused"
    assert refused.reason == "its address is not verified and nothing else identifies it"
    (refused,) = bring(house, MIA, trust_addresses=False)
    assert refused.kind == "refused"
    (refused,) = bring(house, {**squatted, "id": "6f1f3c0e-9d3b-4c36-8a3a-0b6f2f1f0c11"})
    assert refused.kind == "refused", "an id alone makes no account that nobody can reach"
    assert house.store.find(User, {"status": "active"}) == []
    owner = house.member().user
    assert owner.external_id is None
    assert kinds(bring(house, {**MIA, "email_verified": True}, trust_addresses=False)) == ["differs"]


def test_with_a_user_name_the_account_comes_without_its_unproven_address(make_house: Callable[..., House]) -> None:
    """It can sign in by that name; the address stays free."""
    house = make_house(identifiers="email_and_username")
    (outcome,) = bring(house, {**MIA, "username": "mia", "email_verified": False})
    assert (outcome.kind, outcome.notes) == ("created", ("address left out: it is not verified",))
    assert signed_in(house.sign_in(identifier="mia")).user.email is None
    assert [each.kind for each in house.store.find(Identifier, {"kind": "email"})] == []


def test_what_settings_have_no_use_for_is_left_out_and_told(house: House, make_house: Callable[..., House]) -> None:
    """User names where addresses identify, and addresses where user names do."""
    (outcome,) = bring(house, {**MIA, "username": "mia"})
    assert outcome.notes == ("user name left out: settings.identifiers has none",)
    names = make_house(identifiers="username")
    (outcome,) = bring(names, {**MIA, "username": "admin"})
    assert outcome.notes == ("address left out: settings.identifiers has none",)
    assert signed_in(names.sign_in(identifier="admin")).user.username == "admin"


def test_a_password_that_must_change_leads_to_setting_a_new_one(house: House) -> None:
    """The right old one is proven, and is not enough; nor may whoever knows it choose the next."""
    bring(house, {**MIA, "must_change_password": "true"})
    outcome = house.sign_in()
    assert isinstance(outcome, More)
    assert (outcome.authenticators, outcome.set) == (("email_code",), ())


def test_an_account_without_a_password_comes_without(house: House) -> None:
    """Django marks them with an exclamation mark; nothing typed matches."""
    (outcome,) = bring(house, {**MIA, "password_hash": "!mgLpZ0Zb"})
    assert outcome.notes == ("no password: its hash says that none matches",)
    assert house.store.find(Authenticator, {"kind": "password"}) == []
    with pytest.raises(InvalidCredentials):
        house.sign_in(password=Secret("!mgLpZ0Zb"))


def test_a_suspended_user_stays_suspended(house: House) -> None:
    """And looks like any wrong proof."""
    bring(house, {**MIA, "status": "suspended"})
    with pytest.raises(InvalidCredentials):
        house.sign_in()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"email": "not an address"}, "its email is not valid here"),
        ({"email": None}, "nothing identifies it: no email and no username that settings.identifiers has"),
        ({"email": 5}, "its email is not of the type that is asked for"),
        ({"roles": ["a b"]}, "its role is not valid here"),
        ({"roles": [1]}, "its roles is not of the type that is asked for"),
        ({"roles": {"a": 1}}, "its roles is not of the type that is asked for"),
        ({"name": "x" * 201}, "its name is not valid here"),
        ({"status": "closing"}, "its status is not of the type that is asked for"),
        ({"status": "s3cret"}, "its status is not of the type that is asked for"),
        ({"id": "seven"}, "its id is not of the type that is asked for"),
        ({"external_id": "x" * 256}, "its external_id is longer than 255 characters, or cannot be printed"),
        ({"external_id": "a\x00b"}, "its external_id is longer than 255 characters, or cannot be printed"),
        ({"email_verified": "maybe"}, "its email_verified is not of the type that is asked for"),
        ({"created_at": "yesterday"}, "its created_at is no time as ISO 8601 writes it"),
        ({"created_at": "2999-01-01"}, "its created_at is before 1970, or yet to come"),
        ({"created_at": "1066-10-14"}, "its created_at is before 1970, or yet to come"),
        ({"password": "s3cret"}, "it has a field that is not known here"),
        ({"password_hash": "s3cret"}, "its password hash cannot be verified: it is of no scheme that is known here"),
        ({"password_hash": "$2b$31$" + "a" * 53},
         "its password hash cannot be verified: its bcrypt cost is not between 4 and 16"),
        ({"password_hash": "$nlp$00000000$argon2id$x"},
         "its password hash cannot be verified: it was made with a key that is not in hashing.pepper_keys"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_refused_with_a_reason(house: House, change: dict[str, Any], reason: str) -> None:
    """The reason names the field and never what stands in it; the rows around it are imported."""
    outcomes = bring(house, {**MIA, "external_id": None} | change, {**MIA, "email": "ben@example.org"})
    assert kinds(outcomes) == ["refused", "created"]
    assert outcomes[0].reason == reason


def test_rows_that_name_one_another_are_seen(house: House) -> None:
    """In one file, a second row of an account is that account; one that names two is refused."""
    outcomes = bring(
        house,
        MIA,
        {**MIA, "name": "Somebody"},
        {"email": "ben@example.org", "external_id": 8},
        {"email": "mia@example.org", "external_id": 8},
    )
    assert kinds(outcomes) == ["created", "differs", "created", "refused"]
    assert outcomes[3].reason == "it names two accounts that are there"


def test_a_dry_run_writes_nothing(house: House) -> None:
    """And says what would be."""
    assert kinds(bring(house, MIA, {**MIA}, {"email": "x"}, dry_run=True)) == ["created", "unchanged", "refused"]
    assert house.store.find(User, {"status": "active"}) == []
    assert house.store.find(Event, {"action": "users_imported"}) == []


def test_an_imported_administrator_is_the_first(house: House) -> None:
    """The link for the first one is worth nothing then, whether the row made the account or changed its roles."""
    link = house.auth.invitations.first_administrator()
    bring(house, {**MIA, "roles": []})
    assert house.auth.invitations.look(HERE, link).first_administrator
    bring(house, {**MIA, "roles": ["admin"]})
    assert house.auth.invitations.look(HERE, link).first_administrator, "it was told, not written"
    bring(house, {**MIA, "roles": ["admin"]}, update=True)
    with pytest.raises(LinkInvalid):
        house.auth.invitations.look(HERE, link)


def test_one_file_may_make_an_account_and_change_it(house: House) -> None:
    """A later row of the same batch finds what an earlier one made, before it is changed or given another password."""
    other = Secret("another harbour, another lantern")
    later = {**MIA, "roles": ["admin"], "password_hash": werkzeug(other)}
    assert kinds(bring(house, MIA, later, later, update=True, overwrite_passwords=True)) == [
        "created",
        "updated",
        "unchanged",
    ]
    assert signed_in(house.sign_in(password=other)).user.roles == ("admin",)


def many(count: int) -> Iterator[dict[str, Any]]:
    """Make rows."""
    for number in range(count):
        yield {"email": f"user{number}@example.org", "external_id": str(number), "created_at": "2020-01-01"}


def test_an_import_that_was_killed_halfway_is_run_again(house: House) -> None:
    """What was written stays, whole batches of it; the second run writes the rest."""

    def until_killed() -> Iterator[Line]:
        for number, row in enumerate(many(1300), 1):
            if number > 1234:
                raise KeyboardInterrupt
            yield Line(number, row)

    with pytest.raises(KeyboardInterrupt):
        list(house.auth.import_users.run(until_killed(), ImportOptions(trust_addresses=True, batch=500)))
    assert len(house.store.find(User, {"status": "active"})) == 1000
    assert Counter(kinds(bring(house, *many(1300)))) == {"unchanged": 1000, "created": 300}
    assert len(list(house.auth.export_users.rows())) == 1300


@pytest.mark.slow
def test_two_imports_at_once_make_each_account_once() -> None:
    """Where a batch meets what another process wrote meanwhile, its rows go on one by one."""
    with databases.postgresql() as url:
        store = SqlStore.open(url)
        databases.empty(store.engine)
        house = House(store)
        with ThreadPoolExecutor(2) as threads:
            both = list(threads.map(lambda rows: Counter(kinds(bring(house, *rows))), [list(many(1200))] * 2))
        assert both[0]["created"] + both[1]["created"] == 1200
        assert all(sums["created"] + sums["unchanged"] + sums["refused"] == 1200 for sums in both)
        assert kinds(bring(house, *many(1200))) == ["unchanged"] * 1200
        house.auth.close()
        store.close()


# --- and out again --------------------------------------------------------------------------------------------------

names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
HASHES = st.sampled_from([werkzeug(), "$2b$04$" + "a" * 53, "pbkdf2_sha256$1000$salt$" + "A" * 43 + "=", "!", None])
ROWS = st.lists(
    st.fixed_dictionaries(
        {"email": st.integers(0, 30).map("user{}@example.org".format)},
        optional={
            "username": st.integers(0, 30).map("user{}".format),
            "name": names,
            "roles": st.lists(st.sampled_from(["admin", "editor", "a:b"]), unique=True),
            "status": st.sampled_from(["active", "suspended"]),
            "external_id": st.integers(0, 99),
            "created_at": st.datetimes(datetime(1980, 1, 1), datetime(2025, 1, 1)).map(datetime.isoformat),  # noqa: DTZ001
            "password_hash": HASHES,
            "must_change_password": st.booleans(),
            "password_stands_alone": st.booleans(),
        },
    ),
    max_size=8,
)


@given(ROWS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_was_exported_is_imported_as_it_was(rows: list[dict[str, Any]]) -> None:
    """Whatever it is: the export of the import of an export is that export."""
    first, second = (House(MemoryStore(), identifiers="email_and_username") for _ in range(2))
    bring(first, *rows)
    exported = list(first.auth.export_users.rows())
    assert kinds(bring(second, *exported, trust_addresses=False)) == ["created"] * len(exported)
    assert list(second.auth.export_users.rows()) == exported
    assert kinds(bring(second, *exported)) == ["unchanged"] * len(exported)
    for house in (first, second):
        house.auth.close()


def test_stored_hashes_are_counted_by_scheme(house: House) -> None:
    """ASVS 11.4.1: what is cheap to guess is known, and what cannot be verified at all."""
    rows = ["$2b$04$" + "a" * 53, werkzeug(), "md5$123abcdef$c8272612932975ee80e8a35995708e80"]
    bring(house, *({"email": f"user{n}@example.org", "password_hash": text} for n, text in enumerate(rows)))
    (password, *_) = house.store.find(Authenticator, {"password_hash": werkzeug()})
    house.store.update(Authenticator, {"id": password.id}, {"password_hash": "nonsense"})
    house.member()
    assert house.auth.export_users.schemes() == {
        "good": {"argon2id": 1},
        "weak": {"bcrypt": 1, "django_salted_md5": 1},
        "unusable": {"it is of no scheme that is known here": 1},
    }
