"""Letting somebody in: an invitation is good once, and the first administrator is made once for ever."""

from __future__ import annotations

import pytest

from house import HERE, PASSWORD, House
from nightlatch.errors import InvalidInput, LinkInvalid, NotFound


def test_an_administrator_made_otherwise_ends_the_link_for_the_first(house: House) -> None:
    """Whoever finds the link an hour later does not become a second one: it requires that no administrator exists."""
    link = house.auth.invitations.first_administrator()
    mia = house.member()
    house.auth.operator.set_roles(mia.user.id, ("editor",))
    assert house.auth.invitations.look(HERE, link).first_administrator
    house.auth.operator.set_roles(mia.user.id, ("admin",))
    house.auth.operator.delete(mia.user.id)  # for ever: whoever can restart the server does not get another
    with pytest.raises(LinkInvalid):
        house.auth.invitations.look(HERE, link)
    with pytest.raises(LinkInvalid):
        house.auth.invitations.redeem(HERE, link, email="eve@example.org", new_password=PASSWORD)
    with pytest.raises(NotFound):
        house.auth.invitations.first_administrator()


def test_an_administrator_made_in_code_ends_the_link_for_the_first_too(house: House) -> None:
    """Every way to an administrator is noted, that of the application's own code included."""
    link = house.auth.invitations.first_administrator()
    house.auth.provision.create(email="mia@example.org", roles=("admin",))
    with pytest.raises(LinkInvalid):
        house.auth.invitations.look(HERE, link)


def test_an_address_that_was_taken_meanwhile_is_called_so(house: House) -> None:
    """Who was invited and signed up before the link was opened is told that, not that some user name is taken."""
    link = house.auth.invitations.invite(email="mia@example.org")
    assert link is not None
    house.member()
    with pytest.raises(InvalidInput) as refusal:
        house.auth.invitations.redeem(HERE, link, new_password=PASSWORD)
    assert (refusal.value.code, list(refusal.value.fields)) == ("invalid_input", ["email"])
