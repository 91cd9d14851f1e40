"""What this server counts and measures, in the form that Prometheus reads.

Each worker writes into files of its own in one folder; whichever is asked adds them all up. Labels are names out of
this source (routes, acts, actions) and numbers: nothing of a request, a person or a secret gets into one (ASVS 16.2.5),
and no client makes a new series.
"""

from __future__ import annotations

import contextlib
import os
import platform
import stat
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nightlatch.errors import ConfigurationError, MissingExtra
from nightlatch.records import Event

if TYPE_CHECKING:
    from nightlatch.auth import Nightlatch

__all__ = ["Metrics", "folder_for", "let_metrics_begin"]

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - ours is made private below
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


def folder_for(data: Path, port: int) -> Path:
    """Return where the workers of one server write, in memory where that is possible.

    A file in memory is not written to the disk with each request, and does not fail with a full one.
    """
    if os.access(_IN_MEMORY, os.W_OK):
        of = sha256(f"{data.resolve()}:{port}".encode()).hexdigest()[:16]
        return _IN_MEMORY / f"nightlatch-metrics-{os.geteuid()}-{of}"
    return data / f"metrics-{port}"


def let_metrics_begin(folder: Path) -> None:
    """Make the folder anew and say where it is; call it before the workers are forked.

    Raises:
        MissingExtra: the library is not installed.
        ConfigurationError: somebody else's folder stands there.
    """
    import importlib.util

    if importlib.util.find_spec("prometheus_client") is None:
        raise MissingExtra("management_port needs the extra 'metrics': pip install \"nightlatch[server,metrics]\"")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # /dev/shm is everybody's: a folder that is not ours could let others read or forge what is counted.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ConfigurationError(f"{folder} is not a private folder of this user: remove it")
    for old in folder.glob("*.db"):
        old.unlink()
    os.environ[_FOLDER] = str(folder)


class Metrics:
    """The metrics of one worker, and the sum of all when asked. An `EventSink` too.

    `let_metrics_begin` comes first: prometheus_client decides at its import whether there are several processes.
    """

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        own = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, registry=own)

        def gauge(name: str, what: str, *labels: str) -> Gauge:
            return Gauge(name, what, labels, registry=own, multiprocess_mode="livesum")

        self._requests = counter(
            "nightlatch_requests_total", "Requests answered, by route and status.", "method", "route", "status"
        )
        self._seconds = Histogram(
            "nightlatch_request_seconds",
            "Seconds from a request's arrival at the application to its answer.",
            ("method", "route"),
            registry=own,
            buckets=_SECONDS,
        )
        self._events = counter("nightlatch_events_total", "Audit events, by action and outcome.", "action", "outcome")
        self._throttled = counter("nightlatch_throttled_total", "Refusals by a budget, by act.", "act")
        self._hashes = counter("nightlatch_password_hashes_total", "Password hashes computed.")
        self._hash_seconds = counter("nightlatch_password_hash_seconds_total", "Seconds spent hashing, of all threads.")
        self._lost = gauge("nightlatch_counters_lost", "Workers whose budgets the store counts: Redis is lost.")
        self._answering = gauge("nightlatch_requests_in_progress", "Requests that are being answered.")
        self._hashing = gauge("nightlatch_hashing_pool", "Hashes in the pool, by state.", "state")
        self._slots = gauge("nightlatch_hashing_slots", "Hashes that may run at once.")
        self._connections = gauge("nightlatch_store_connections", "Database connections in use.")
        self._most_connections = gauge("nightlatch_store_connections_limit", "Database connections at most.")
        self._workers = gauge("nightlatch_workers", "Worker processes that live.")
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}
        self._told: dict[str, float] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request.

        Args:
            method: of the request.
            route: the route's path, mount included; empty where there was none.
            status: of the answer.
            seconds: that it took.
        """
        key = (method if route else "", route, status)  # what has no route may have any method: no series of its own
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (
                self._requests.labels(key[0], route, str(status)),
                self._seconds.labels(key[0], route),
            )
        found[0].inc()
        found[1].observe(seconds)

    def receive(self, event: Event) -> None:
        """Count one audit event."""
        self._events.labels(event.action, event.outcome).inc()

    def sample(self, auth: Nightlatch, answering: int) -> None:
        """Take the depth of pools and queues, and what their own tallies have come to.

        Args:
            auth: the core of this worker.
            answering: how many requests it is at.
        """
        running, waiting, lingering = auth.hashing.depth
        for state, many in (("running", running), ("waiting", waiting), ("lingering", lingering)):
            self._hashing.labels(state).set(many)
        self._slots.set(auth.hashing.slots)
        self._answering.set(answering)
        self._workers.set(1)
        self._lost.set(auth.throttle.fallen_back)
        in_use, most = getattr(auth.store, "depth", (0, 0))
        self._connections.set(in_use)
        self._most_connections.set(most)
        self._follow(self._hashes, "hashes", auth.hashing.hashed)
        self._follow(self._hash_seconds, "seconds", auth.hashing.hashing_seconds)
        for act, refusals in auth.throttle.refusals.items():
            self._follow(self._throttled.labels(act), f"throttled {act}", refusals)

    def _follow(self, counter: Any, name: str, total: float) -> None:
        """Bring a counter to where a part's own tally is."""
        counter.inc(total - self._told.get(name, 0))
        self._told[name] = total

    def exposition(self, accept: str, *beside: Any) -> tuple[str, bytes]:
        """Return content type and text of what all workers together have measured.

        Args:
            accept: the request's header, for the format.
            beside: further collectors, asked now.
        """
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder
        from prometheus_client.multiprocess import MultiProcessCollector

        _forget_the_dead(Path(os.environ[_FOLDER]))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        for each in beside:
            registry.register(each)
        encode, kind = choose_encoder(accept)
        return kind, encode(registry)


class Shared:
    """What all nodes share, looked up when asked: the outbox and what is not as it should be. A collector.

    Args:
        auth: the core.
    """

    def __init__(self, auth: Nightlatch) -> None:
        self._auth = auth

    def collect(self) -> Iterable[Any]:
        """Return the figures; none of the outbox where the store is out of reach."""
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

        from nightlatch.errors import StoreError

        yield InfoMetricFamily(
            "nightlatch_build", "What runs.", {"version": _version(), "python": platform.python_version()}
        )
        troubles = {each.name for each in self._auth.health.troubles()}
        trouble = GaugeMetricFamily("nightlatch_trouble", "1 where something is wrong, by what.", labels=("what",))
        for name in ("store", "mail", "clock"):
            trouble.add_metric((name,), name in troubles)
        yield trouble
        with contextlib.suppress(StoreError):
            waiting, age = self._auth.outbox.backlog()
            yield GaugeMetricFamily("nightlatch_outbox_due", "Messages that are due, counted to 500.", waiting)
            yield GaugeMetricFamily(
                "nightlatch_outbox_age_seconds", "Seconds for which the oldest due message waits.", age.total_seconds()
            )


def _version() -> str:
    from importlib.metadata import version

    return version("nightlatch")


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that are gone: a killed one would count for ever. Its counters stay."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            file.unlink(missing_ok=True)
