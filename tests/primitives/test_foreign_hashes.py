"""Hashes that applications bring along: published vectors verify, none can do harm, and decoys look like them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlatch.primitives.hashing import PROFILES, HashUnusable, PasswordMismatch, decoy_like, verify_password
from nightlatch.primitives.schemes import StoredHash, read_hash
from nightlatch.primitives.secret import Secret

CHEAP = PROFILES["cheap_for_tests"]
NEED_MORE = frozenset({"cisco_asa", "cisco_pix", "htdigest", "msdcc", "msdcc2", "oracle10", "postgres_md5"})
"""Passlib's that hash the user's name as well."""
NO_HASHES = frozenset({
    "cisco_type7", "django_disabled", "ldap_plaintext", "lmhash", "mssql2000", "mysql323", "plaintext",
    "unix_disabled", "unix_fallback",
})  # fmt: skip
"""Passlib's that are plain text, can be undone, or take several passwords for one."""


def matches(password: str, stored: str) -> bool:
    """Tell whether a password verifies; anything but a mismatch is raised."""
    try:
        verified = verify_password(Secret(password), stored, CHEAP)
    except PasswordMismatch:
        return False
    assert verified.needs_rehash
    return True


# --- published vectors ----------------------------------------------------------------------------------------------


def migration_hashes(vectors: Path) -> list[dict[str, str]]:
    """Return what Django, Werkzeug, argon2-cffi and bcrypt wrote, with its password."""
    rows: list[dict[str, str]] = json.loads((vectors / "hashes" / "migration-hashes.json").read_text("utf-8"))["cases"]
    return rows


def passlib_cases(vectors: Path) -> Iterator[tuple[str, list[str], dict[str, list[object]]]]:
    """Return the lists of Passlib's own tests: its scheme, the lists' names, the lists."""
    path = vectors / "hashes" / "passlib-1.7.4-handler-vectors.json"
    for case in json.loads(path.read_text("utf-8"))["cases"].values():
        lists = {name: rows for name, rows in case.items() if isinstance(rows, list)}
        yield case["handler"], list(lists), lists


def read_as(scheme: str, stored: str) -> StoredHash:
    """Read a hash as it stands, or with the scheme's name in front where nothing tells what it is."""
    try:
        return read_hash(stored)
    except HashUnusable:
        return read_hash(f"$passlib${scheme}${stored}")


def test_every_hash_that_frameworks_wrote_verifies(vectors: Path) -> None:
    """Django's, Werkzeug's, argon2-cffi's and bcrypt's; of PBKDF2 at a million rounds one stands for each form."""
    rows = migration_hashes(vectors)
    schemes = Counter(read_hash(row["hash"]).scheme for row in rows)
    assert schemes == {
        "pbkdf2_sha256": 24, "pbkdf2_sha1": 12, "pbkdf2_sha512": 11, "scrypt": 23, "argon2id": 23, "argon2i": 2,
        "bcrypt": 18, "bcrypt_sha256": 11, "django_salted_md5": 1,
    }  # fmt: skip
    costly: Counter[str] = Counter()

    def wanted(row: dict[str, str]) -> bool:
        form = row["hash"].rsplit("$", 2)[0]
        costly[form] += form.startswith("pbkdf2")
        return costly[form] <= 1

    def story(row: dict[str, str]) -> None:
        assert matches(row["password"], row["hash"]), row
        if row["password"].startswith("correct") and not row["hash"].startswith("pbkdf2"):
            assert not matches(row["password"] + "x", row["hash"]), row

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(story, filter(wanted, rows)))


def test_every_scheme_of_passlib_verifies(vectors: Path) -> None:
    """All but those that are no hash or hash a name as well; what a scheme would cut off is not taken for the whole."""
    seen: set[tuple[str, str, str]] = set()
    cut_off: Counter[str] = Counter()
    tried: set[str] = set()
    for scheme, _, lists in passlib_cases(vectors):
        for row in lists.get("known_correct_hashes", []):
            password, stored = row if isinstance(row, list) else ("", "")
            if isinstance(password, str) and scheme not in NEED_MORE | NO_HASHES:
                seen.add((scheme, password, stored))
    for scheme, password, stored in sorted(seen):
        found, raw = read_as(scheme, stored), password.encode()
        cut_off[scheme] += not found.matches(raw)
        others = (b"x", b"\x00") if scheme not in tried else ()
        tried.add(scheme)
        for other in others:
            assert not found.matches(raw + other), (scheme, stored, other)
    assert {scheme for scheme, _, _ in seen} >= {"sha512_crypt", "phpass", "sha256_crypt", "md5_crypt", "scram"}
    assert len({scheme for scheme, _, _ in seen}) == 50
    assert +cut_off == {"bcrypt": 5, "des_crypt": 2, "django_des_crypt": 2}


def test_what_is_no_hash_is_refused_by_its_name_too(vectors: Path) -> None:
    """Plain text, what can be undone, what takes several passwords for one."""
    tried = 0
    for scheme, _, lists in passlib_cases(vectors):
        for row in lists.get("known_correct_hashes", []):
            stored = row[1] if isinstance(row, list) else row
            if scheme in NO_HASHES and isinstance(stored, str):
                tried += 1
                with pytest.raises(HashUnusable):
                    read_as(scheme, stored)
    assert tried > 30


def test_nothing_that_is_malformed_raises_anything_else(vectors: Path) -> None:
    """Passlib's lists of malformed, unidentified and foreign hashes, over all its 96 classes, named and not."""
    seen = set()
    for scheme, names, lists in passlib_cases(vectors):
        for name in names:
            if name in {"known_malformed_hashes", "known_unidentified_hashes", "known_other_hashes"}:
                seen |= {(scheme, row if isinstance(row, str) else row[1]) for row in lists[name]}  # type: ignore[index]
    assert len(seen) > 100
    for scheme, stored in seen:
        assert not matches("test", stored), stored
        assert not matches("test", f"$passlib${scheme}${stored}"), stored


FIREBASE = (
    "$firebase-scrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$Bw==$"
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$"
    "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
)


def test_the_example_that_firebase_publishes_verifies() -> None:
    """github.com/firebase/scrypt, README: salt, separator, signer key and hash in one text."""
    assert matches("user1password", FIREBASE)
    assert not matches("user1passwords", FIREBASE)
    assert read_hash(FIREBASE).scheme == "firebase_scrypt"


# --- what a scheme cannot represent ---------------------------------------------------------------------------------

COST_4 = bcrypt.gensalt(4)


def hashed(password: bytes) -> str:
    """Hash by bcrypt."""
    return bcrypt.hashpw(password, COST_4).decode()


@pytest.mark.parametrize("form", ["{}", "bcrypt${}"])
def test_bcrypt_never_takes_a_beginning_for_the_whole(form: str) -> None:
    """72 bytes are representable; a longer password that begins with them is another one, and a NUL ends nothing."""
    stored = form.format(hashed(b"x" * 72))
    assert not matches("x" * 71, stored)
    assert matches("x" * 72, stored)
    assert not matches("x" * 73, stored)
    assert not matches("x" * 72 + "\x00and more", stored)
    assert not matches("", form.format(hashed(b"x")))
    assert not matches("ä" * 37, form.format(hashed("ä".encode() * 36))), "bytes count, not characters"


def test_bcrypt_over_sha_256_reads_all_of_a_password() -> None:
    """Django's and both of Passlib's versions: the seventy-third byte counts, and so does what follows a NUL."""
    passlib = pytest.importorskip("passlib.hash")
    django = "bcrypt_sha256$" + hashed(hashlib.sha256(b"x" * 100).hexdigest().encode())
    forms = [django] + [passlib.bcrypt_sha256.using(rounds=4, version=v).hash("x" * 100) for v in (1, 2)]
    for stored in forms:
        assert matches("x" * 100, stored)
        for other in ("x" * 99, "x" * 101, "x" * 72, "x" * 100 + "\x00", ""):
            assert not matches(other, stored), (stored, other)


@pytest.mark.parametrize("version", ["2a", "2b", "2x", "2y"])
def test_bcrypts_versions_are_read(version: str) -> None:
    """PHP writes 2y, older libraries 2a, and 2x differs only where a byte has its eighth bit."""
    assert matches("open up", f"${version}{hashed(b'open up')[3:]}")


# --- bounds ---------------------------------------------------------------------------------------------------------

B64 = "A" * 43
ABSURD = {
    "argon2, memory": f"argon2$argon2id$v=19$m=2097152,t=1,p=1${B64}${B64}",
    "argon2, work": f"$argon2i$v=19$m=1048576,t=900,p=1${B64}${B64}",
    "bcrypt": "$2b$17$" + "a" * 53,
    "bcrypt, Django": "bcrypt$$2b$31$" + "a" * 53,
    "bcrypt over SHA-256, Django": "bcrypt_sha256$$2b$31$" + "a" * 53,
    "bcrypt over SHA-256, Passlib": "$bcrypt-sha256$v=2,t=2b,r=31$" + "a" * 22 + "$" + "a" * 31,
    "PBKDF2, Django": f"pbkdf2_sha256$900000000$salt${B64}=",
    "PBKDF2, Werkzeug": "pbkdf2:sha256:900000000$salt$" + "ab" * 32,
    "PBKDF2, Passlib": f"$pbkdf2-sha256$900000000$c2FsdA${B64}",
    "PBKDF2, long": "pbkdf2:sha256:1000000$salt$" + "ab" * 200,
    "scrypt, Werkzeug": "scrypt:1073741824:8:1$salt$" + "ab" * 64,
    "scrypt, Werkzeug, lanes": "scrypt:524288:8:900$salt$" + "ab" * 64,
    "scrypt, Django": f"scrypt$1073741824$salt$8$1${B64}=",
    "scrypt, Passlib": f"$scrypt$ln=30,r=8,p=1$c2FsdA${B64}",
    "scrypt, crypt(3)": "$7$" + "zzzzzzzzzzz" + "salt$" + B64,
    "scrypt, Firebase": FIREBASE.replace("ln=14", "ln=31"),
    "sha512-crypt": "$6$rounds=999999999$salt$" + "a" * 86,
    "sha256-crypt": "$5$rounds=999999999$salt$" + "a" * 43,
    "phpass": "$P$Z12345678" + "a" * 22,
    "BSDi crypt": "_zzzz" + "salt" + "a" * 11,
    "FSHP": "{FSHP1|8|99999999}" + "A" * 54 + "==",
    "PBKDF2, GRUB": "grub.pbkdf2.sha512.900000000." + "AB" * 32 + "." + "AB" * 64,
}


@pytest.mark.parametrize("stored", ABSURD.values(), ids=ABSURD)
def test_what_would_cost_absurdly_much_is_refused_before_it_is_paid(stored: str) -> None:
    """ASVS 15.2.2: with a reason that holds nothing of the hash, and at sign-in as a mismatch."""
    with pytest.raises(HashUnusable) as refused:
        read_hash(stored)
    assert stored[-20:] not in str(refused.value)
    with pytest.raises(HashUnusable):
        verify_password(Secret("a lantern at the harbour"), stored, CHEAP)


@pytest.mark.parametrize(
    "stored",
    [
        "pbkdf2_sha256$0$salt$" + B64 + "=",
        "pbkdf2_sha256$1000$salt$AAAA",
        "pbkdf2_md5$1000$salt$" + B64 + "=",
        "pbkdf2_sha3$1000$salt$" + B64 + "=",
        "pbkdf2:sha256:1000$salt$abc",
        "$pbkdf2-sha256$01000$c2FsdA$" + B64,
        "scrypt:3:8:1$salt$" + "ab" * 64,
        "scrypt:0:8:1$salt$" + "ab" * 64,
        "scrypt:16384:0:1$salt$" + "ab" * 64,
        "scrypt:16384:8:1$salt$ab",
        "$firebase-scrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$Bw==$AAAA$AAAA",
        "$firebase-scrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==",
        "bcrypt_sha256$$2b$04$short",
        "$bcrypt-sha256$v=9,t=2b,r=12$" + "a" * 22 + "$" + "a" * 31,
        "$2b$03$" + "a" * 53,
        "argon2$argon2id",
        "$6$rounds=5000$salt",
        "$6$",
        "$P$",
        "$passlib$",
        "$passlib$plaintext$secret",
        "$passlib$no_such$secret",
        "$passlib$hex_md5$xyz",
        "{CRYPT}",
        "{SSHA}",
        "!",
        "*",
        "\ud800",
        "pbkdf2_sha256$1000$\ud800$" + B64 + "=",
        "x" * 513,
    ],
    ids=count(),
)
def test_what_is_malformed_is_a_mismatch(stored: str) -> None:
    """Whoever wrote it, whatever a column holds."""
    with pytest.raises(HashUnusable):
        verify_password(Secret("a lantern at the harbour"), stored, CHEAP)


@given(
    st.sampled_from(["pbkdf2_sha256$", "pbkdf2:sha1:", "scrypt:", "scrypt$", "$scrypt$ln=", "$firebase-scrypt$", "$6$",
                     "$5$", "$P$", "$H$", "$2b$", "$bcrypt-sha256$", "bcrypt_sha256$", "argon2$", "{CRYPT}", "{SSHA}",
                     "$passlib$", "$passlib$des_crypt$", "$scram$", "$7$", "$md5", "_", "*", "S:", "0x0100"]),
    st.text(max_size=80),
)  # fmt: skip
def test_no_text_makes_reading_fail_otherwise(beginning: str, rest: str) -> None:
    """Whatever follows a beginning that is known."""
    with suppress(HashUnusable):
        assert read_hash(beginning + rest).scheme


# --- decoys ---------------------------------------------------------------------------------------------------------


def test_a_decoy_of_every_scheme_is_like_it_and_nothing_matches_it(vectors: Path) -> None:
    """The same scheme, the same memory, read by the same file; nothing of salt and checksum."""
    cheap = {}
    for row in migration_hashes(vectors):
        cheap[row["hash"].rsplit("$", 2)[0]] = row["hash"], row["hash"]
    for scheme, _, lists in passlib_cases(vectors):
        for row in lists.get("known_correct_hashes", []):
            stored = row[1] if isinstance(row, list) else None
            if isinstance(stored, str) and scheme not in NEED_MORE | NO_HASHES:
                cheap[scheme] = stored, f"$passlib${scheme}${stored}"
    cheap["firebase"] = FIREBASE, FIREBASE
    assert len(cheap) > 50
    for plain, named in cheap.values():
        try:
            real, stored = read_hash(plain), plain
        except HashUnusable:
            real, stored = read_hash(named), named
        decoy = read_hash(decoy_like(stored))
        assert (decoy.scheme, decoy.memory_kib, decoy.weak) == (real.scheme, real.memory_kib, real.weak)
        assert getattr(decoy, "iterations", None) == getattr(real, "iterations", None)
        assert decoy_like(stored) != decoy_like(stored)
        assert stored[-12:-1] not in decoy_like(stored)


# --- without the extra ----------------------------------------------------------------------------------------------


def test_without_libpass_a_hash_that_needs_it_is_a_mismatch_that_says_so() -> None:
    """Nothing fails; the reason names the extra."""
    script = """
import sys
sys.modules["passlib"] = None
from nightlatch.primitives.hashing import PROFILES, HashUnusable, verify_password
from nightlatch.primitives.secret import Secret
for stored in ("$6$salt$" + "a" * 86, "$P$9" + "a" * 30, "$passlib$hex_md5$" + "a" * 32):
    try:
        verify_password(Secret("x"), stored, PROFILES["cheap_for_tests"])
    except HashUnusable as refused:
        print(refused)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "sha512_crypt needs the extra nightlatch[libpass]",
        "phpass needs the extra nightlatch[libpass]",
        "hex_md5 needs the extra nightlatch[libpass]",
    ]


# --- what is too cheap to guess -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "weak"),
    [
        ("md5$123abcdef$c8272612932975ee80e8a35995708e80", True),
        ("$1$dXc3I7Rw$ctlgjDdWJLMT.qwHsWhXR1", True),
        ("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", True),
        ("pbkdf2_sha256$1000$salt$" + B64 + "=", True),
        (hashed(b"x"), True),
        ("pbkdf2_sha256$600000$salt$" + B64 + "=", False),
        ("scrypt:32768:8:1$salt$" + "ab" * 64, False),
        ("$6$LKO/Ute40T3FNF95$6S/6T2YuOIHY0N3XpLKABJ3soYcXD9mB7uVbtEZDj/LNscVhZoZ9DEH.sBciDrMsHOWOoASbNLTypH/5X26gN0",
         False),
    ],
    ids=count(),
)  # fmt: skip
def test_a_hash_that_is_cheap_to_guess_is_known_as_such(stored: str, weak: bool) -> None:  # noqa: FBT001 - a column
    """ASVS 11.4.1, 11.4.2: for `doctor` and the report of an import."""
    assert read_hash(stored).weak is weak
