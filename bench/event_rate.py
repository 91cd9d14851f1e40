"""What the audit log costs: ``python -m bench.event_rate [seconds]``.

How many events a second one process appends to SQLite on disk: each in a transaction of its own, as a refusal's is,
with and without waiting for the disk, and a hundred to a transaction; by the clock, and by the processor time that it
took (on a machine that does other things as well, that is what it could do alone). And what share of a sign-in the
log's proof is. The hash is left out: it would hide what is measured.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from nightlatch.primitives.keyring import Keyring
from nightlatch.primitives.secret import Secret
from nightlatch.records import Event
from nightlatch.services.audit import Audit
from nightlatch.services.client import Client
from nightlatch.services.clock import SystemClock
from nightlatch.services.event_proofs import EventProofs
from nightlatch.storage.sql import SqlStore, migrate
from nightlatch.testing.household import Household

__all__ = ["append_rate", "proof_share", "seal_rate"]

_CLIENT = Client(ip="192.0.2.7", user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0", request_id="a" * 16)


def _store(folder: str, *, durable: bool = True) -> SqlStore:
    store = SqlStore.open(f"sqlite:///{Path(folder) / 'events.db'}", durable=durable)
    migrate(store.engine)
    return store


def append_rate(seconds: float, *, together: int, durable: bool = True) -> tuple[float, float]:
    """Return events a second, and a second of processor time.

    Args:
        seconds: how long to go on.
        together: how many in one transaction.
        durable: whether each commit waits for the disk, as it does unless settings say otherwise.
    """
    with tempfile.TemporaryDirectory() as folder:
        store, user_id, written = _store(folder, durable=durable), uuid4(), 0
        audit = Audit(store, SystemClock(), Keyring([Secret("a secret key for benchmarks, long enough")]))
        began, worked = time.perf_counter(), time.process_time()
        while time.perf_counter() - began < seconds:
            with audit.transaction():
                for _ in range(together):
                    audit.done("authn_login_success", _CLIENT, user_id=user_id, details={"aal": 1, "amr": ["pwd"]})
            written += together
        took, worked = time.perf_counter() - began, time.process_time() - worked
        store.close()
    return written / took, written / worked


def seal_rate(events: int) -> tuple[float, float]:
    """Return how many events a second are sealed, and verified afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        house = Household(_store(folder))
        audit = Audit(house.store, SystemClock(), house.auth.keyring)
        with audit.transaction():
            for _ in range(events):
                audit.done("authn_logout", _CLIENT)
        began = time.perf_counter()
        house.auth.seals.run_once()
        sealed = time.perf_counter()
        verdict = house.auth.verify_audit.run()
        verified = time.perf_counter()
        assert verdict.holds
        assert verdict.sealed == events
        house.close()
    return events / (sealed - began), events / (verified - sealed)


def proof_share(seconds: float) -> tuple[float, float]:
    """Return microseconds that the proof of one event takes, and milliseconds of a sign-in with the cheapest hash."""
    proofs = EventProofs(Keyring([Secret("a secret key for benchmarks, long enough")]))
    now = SystemClock().now()
    event = Event(id=uuid4(), at=now, action="authn_login_success", outcome="success", ip="192.0.2.7", number=0)
    rounds = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(500):
            proofs.marked(event)
        rounds.append((time.perf_counter() - began) / 500)
    with tempfile.TemporaryDirectory() as folder:
        house = Household(_store(folder))
        house.sign_up("mia@example.org", client=_CLIENT)
        password, times = Secret("correct horse battery staple"), []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            house.clock.advance(minutes=1)
            began = time.perf_counter()
            house.auth.sign_in.begin(_CLIENT, identifier="mia@example.org", password=password)
            times.append(time.perf_counter() - began)
        house.close()
    return statistics.median(rounds) * 1e6, statistics.median(times) * 1e3


def _tell(seconds: float) -> None:
    ways = {
        "each in a transaction of its own": append_rate(seconds, together=1),
        "each in its own, without waiting for the disk": append_rate(seconds, together=1, durable=False),
        "a hundred to a transaction": append_rate(seconds, together=100),
    }
    for way, (by_clock, by_processor) in ways.items():
        print(f"{by_clock:.0f} events/s by the clock, {by_processor:.0f} by processor time: {way}")
    print("{:.0f} events/s sealed, {:.0f} events/s verified".format(*seal_rate(10_000)))
    proof, sign_in = proof_share(seconds)
    print(f"{proof:.0f} us for an event's proof, {sign_in:.2f} ms for a sign-in with a hash that costs nothing")
    print(
        f"{proof / sign_in / 10:.2f} % of that sign-in, {proof / (sign_in + 50) / 10:.2f} % of one with a hash of 50 ms"
    )


if __name__ == "__main__":
    _tell(float((sys.argv[1:] or ["3"])[0]))
