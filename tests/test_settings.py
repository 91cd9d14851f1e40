"""Settings: what cannot be used is refused when they are read, by name and in words."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import pytest

from nightlatch.auth import Nightlatch
from nightlatch.errors import ConfigurationError
from nightlatch.settings import Settings, settings_from
from nightlatch.storage.memory import MemoryStore


def given(**more: Any) -> Settings:
    """Read settings with the two that everybody writes."""
    return settings_from({"base_url": "https://app.example.com", "secret_keys": [secrets.token_urlsafe(48)], **more})


def test_durations_are_seconds_or_iso_8601() -> None:
    """As a file, an environment variable or a framework's configuration gives them."""
    assert given(sessions={"idle": 900, "absolute": "PT8H"}).sessions.idle == timedelta(minutes=15)
    assert given(sessions={"idle": "900"}).sessions.idle == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"sesions": {}}, "did you mean sessions"),
        ({"sessions": {"idel": 5}}, "did you mean sessions.idle"),
        ({"sessions": {"idle": 0}}, "sessions.idle must be longer than nothing"),
        ({"sessions": {"absolute": -1}}, "sessions.absolute must be longer than nothing"),
        ({"attempts": {"code_tries": 0}}, "attempts.code_tries must be at least 1"),
        ({"throttle": {"sign_in_per_address": {"limit": -5, "per": 60}}}, "throttle.sign_in_per_address.limit"),
        ({"throttle": {"sign_in_per_address": {"limit": 5, "per": 0}}}, "throttle.sign_in_per_address.per"),
        ({"hashing": {"slots": 0}}, "hashing.slots must be at least 1"),
        ({"hashing": {"queue": -1}}, "hashing.queue must be at least 0"),
        ({"hashing": 3}, "hashing"),
        ({"base_url": "https://["}, "base_url must be an address"),
        ({"base_url": "https://app.example.com:99999"}, "base_url must be an address"),
        ({"base_url": "http://app.example.com"}, "plain http"),
        ({"allowed_origins": ["https://["]}, "not an origin"),
        ({"passwords": {"min_length": 14}}, "allow_short_passwords"),
        ({"passwords": {"min_length": 7, "allow_short_passwords": True}}, "at least 8"),
        ({"passwords": {"max_length": 63}}, "at least 64"),
        ({"passwords": {"min_length": 300}}, "max_length"),
        ({"secret_keys": []}, "secret_keys is not set"),
        ({"trusted_proxies": ["everyone"]}, "not an address or network"),
        ({"trusted_proxies": ["10.0.0.1", "::/0"]}, "is everybody"),
        ({"attempts": {"code_tries": 11}}, "attempts.code_tries must be at most 10"),
        ({"attempts": {"address_proof_life": "P2D"}}, "attempts.address_proof_life must be at most 1 day"),
        ({"allowed_origins": ["http://shop.example.com"]}, "plain http"),
        ({"allowed_origins": ["https://user@shop.example.com"]}, "not an origin"),
        ({"base_url": "https://app.example.com/<b>"}, "base_url must be an address"),
        ({"base_url": "https://app.example.com/../x"}, "base_url must be an address"),
        ({"base_url": "https://ex ample.com"}, "base_url must be an address"),
        ({"base_url": "https://bücher.example"}, "base_url must be an address"),
        ({"base_url": "https://user@app.example.com"}, "no query, fragment, user"),
        ({"service_name": "Books\nBcc: all@example.org"}, "service_name is one line"),
        ({"service_name": " "}, "service_name is one line"),
        ({"mail": {"sender": "Books <no-reply@example.com>"}}, "mail.sender must be an address"),
        ({"mail": {"sender": "no-reply"}}, "mail.sender must be an address"),
        ({"mail": {"sender": "no-reply@bücher.example"}}, "mail.sender must be an address"),
        ({"mail": {"smtp_port": 65536}}, "mail.smtp_port must be at most"),
        ({"accounts": {"operator_recovery_delay": "PT71H"}}, "allow_short_waits"),
        ({"accounts": {"address_change_wait": "P6D"}}, "allow_short_waits"),
        ({"accounts": {"grace": "P1D"}}, "allow_short_waits"),
        ({"accounts": {"recovery_operators": 3}}, "recovery_operators"),
        ({"pages": {"home_url": "//elsewhere.example"}}, "home_url must be a path"),
    ],
)
def test_what_cannot_be_used_is_named(more: dict[str, Any], words: str) -> None:
    """A person can mend it."""
    with pytest.raises(ConfigurationError, match=words):
        given(**more)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://App.Example.com:443/Shop/", "https://app.example.com/Shop"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://app.example.com:8443/a/b%20c", "https://app.example.com:8443/a/b%20c"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_address_is_kept_as_browsers_write_it(written: str, kept: str) -> None:
    """Else `Origin` would never match, and every form would be refused."""
    settings = given(base_url=written, allowed_origins=[written.partition("/Shop")[0].partition("/a/")[0]])
    assert settings.base_url == kept
    assert settings.allowed_origins == (settings.origin,)


@pytest.mark.parametrize(
    "requirement", [{"aal": 2}, {"aal": 3}, {"sequence": ["password", "totp"]}, {"sequence": ["retina"]}]
)
def test_a_policy_that_nobody_could_meet_does_not_start(requirement: dict[str, Any]) -> None:
    """Where apps and passkeys are switched off there is the password alone: to ask for more would lock everyone out."""
    settings = given(
        policy={"everyone": requirement},
        totp={"enabled": False},
        passkeys={"enabled": False},
        mail={"transport": "memory"},
        development=True,
    )
    with pytest.raises(ConfigurationError, match="policy"):
        Nightlatch(settings, MemoryStore())


def test_short_waits_are_asked_for_by_name() -> None:
    """Whoever writes `allow_short_waits` knows what he does."""
    accounts = {"operator_recovery_delay": 3600, "allow_short_waits": True}
    base = {"base_url": "https://app.example.com", "secret_keys": ["a secret key for tests, long enough to be one"]}
    assert settings_from({**base, "accounts": accounts}).accounts.operator_recovery_delay == timedelta(hours=1)
