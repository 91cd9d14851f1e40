"""Several installations on one database, and what their secret keys have to do with one another."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from house import House
from nightlatch.auth import Nightlatch
from nightlatch.errors import ConfigurationError
from nightlatch.settings import settings_from

OLD, NEW, OTHER = (secrets.token_urlsafe(48) for _ in range(3))


@pytest.fixture
def another(house: House) -> Callable[..., Nightlatch]:
    """What starts another installation on the house's database."""

    def start(*keys: str) -> Nightlatch:
        settings = {"base_url": "http://localhost", "secret_keys": list(keys)}
        house.clock.advance(seconds=1)
        auth = Nightlatch(
            settings_from(settings), house.store, mailer=house.mailbox, clock=house.clock, background=False
        )
        auth.see_keys()
        return auth

    return start


def test_who_has_the_same_keys_moves_in(another: Callable[..., Nightlatch]) -> None:
    """As often as one likes."""
    for _ in range(3):
        another(OLD)


def test_who_has_others_is_told(another: Callable[..., Nightlatch]) -> None:
    """What the others seal it could not open: it does not start, and spoils nothing for those who are there."""
    another(OLD)
    with pytest.raises(ConfigurationError, match="another secret key"):
        another(OTHER)
    another(OLD)


def test_a_key_is_rotated_behind_first_and_then_in_front(another: Callable[..., Nightlatch]) -> None:
    """Everywhere behind, then everywhere in front, then the old one goes; who lags two steps behind is told."""
    another(OLD)
    another(OLD, NEW)
    another(NEW, OLD)
    another(OLD, NEW)  # a neighbour that has not come as far goes on
    with pytest.raises(ConfigurationError, match="another secret key"):
        another(OLD)
    another(NEW)


def test_what_is_noted_tells_nothing(another: Callable[..., Nightlatch], house: House) -> None:
    """An id that is derived from the key, and a time."""
    from nightlatch.ports import after
    from nightlatch.records import SecretKey

    another(OLD)
    (noted,) = house.store.find(SecretKey, {"created_at": after(house.clock.now().replace(year=2000))})
    assert OLD not in repr(noted)
    assert noted.created_at <= house.clock.now()
