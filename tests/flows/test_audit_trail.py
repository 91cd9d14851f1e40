"""Reading the audit log: all of it, in order, however many events one moment holds."""

from __future__ import annotations

from house import House


def test_no_event_is_lost_or_told_twice_where_a_page_ends(house: House) -> None:
    """Seven acts of one moment, read two at a time: the page that ends among them loses none."""
    mia = house.member()
    start = house.clock.now()
    for act in range(7):
        house.auth.operator.set_roles(mia.user.id, (f"role{act}",))
    house.clock.advance(seconds=1)
    house.auth.operator.set_roles(mia.user.id, ())
    told = [event.id for event in house.auth.audit_trail.every(page=2)]
    assert len(told) == len(set(told))
    assert set(told) == {event.id for event in house.auth.audit_trail.search(limit=1000)}
    within = list(house.auth.audit_trail.every(since=start, until=house.clock.now(), page=2))
    assert [event.action for event in within].count("privilege_permissions_changed") == 7
    assert {event.at for event in within} == {start}
