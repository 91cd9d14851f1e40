"""Authenticator apps' codes, by the RFCs' own tables."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pyotp
import pytest

from nightlatch.primitives.otp import key_uri, matching_step, new_seed, typed_seed
from nightlatch.primitives.secret import Secret


def test_rfc4226_appendix_d(vectors: Path) -> None:
    """The ten counters of the table, as steps of thirty seconds."""
    table = json.loads((vectors / "otp" / "rfc4226-rfc6238.json").read_text())["rfc4226"]
    seed = table["secret_ascii"].encode()
    for case in table["cases"]:
        at = datetime.fromtimestamp(case["counter"] * 30 + 7, UTC)
        assert matching_step(seed, Secret(case["otp"]), at) == case["counter"]


def test_rfc6238_appendix_b(vectors: Path) -> None:
    """The times of the table, by SHA-1: what apps compute. Eight digits there, of which apps show the last six."""
    table = json.loads((vectors / "otp" / "rfc4226-rfc6238.json").read_text())["rfc6238"]
    told = 0
    for case in table["cases"]:
        if case.get("algorithm", "SHA1").upper().replace("-", "") != "SHA1":
            continue
        code = Secret(str(case["otp"])[-6:])
        seed = b"12345678901234567890"
        assert matching_step(seed, code, datetime.fromtimestamp(case["unix_time"], UTC)) == case["unix_time"] // 30
        told += 1
    assert told == 6


@pytest.mark.parametrize(("later", "good"), [(-31, False), (0, True), (29, True), (59, True), (60, False), (90, False)])
def test_a_code_is_good_in_its_step_and_the_next(later: int, good: bool) -> None:  # noqa: FBT001
    """Never earlier, and no later."""
    seed, began = new_seed(), 1_800_000_000 // 30 * 30
    code = Secret(pyotp.HOTP(base64.b32encode(seed).decode()).at(began // 30))
    step = matching_step(seed, code, datetime.fromtimestamp(began + later, UTC))
    assert (step is not None) is good


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "\ud800", "0" * 10_000, "0x1234"])
def test_what_is_no_code_matches_nothing(typed: str) -> None:
    """Whatever is typed."""
    assert matching_step(b"12345678901234567890", Secret(typed), datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_what_apps_are_told() -> None:
    """A key URI that names service and account, and the same seed in groups of four."""
    seed = new_seed()
    uri = pyotp.parse_uri(key_uri(seed, account="mia@example.org", issuer="Harbour & Books"))
    assert (uri.name, uri.issuer) == ("mia@example.org", "Harbour & Books")
    assert uri.secret == typed_seed(seed).replace(" ", "") == base64.b32encode(seed).decode()


def test_seeds_have_160_bits_and_nothing_in_common() -> None:
    """RFC 4226 4 R6 asks for 128 at least, and recommends 160."""
    seeds = [new_seed() for _ in range(1000)]
    assert {len(seed) for seed in seeds} == {20}
    assert len(set(seeds)) == 1000
