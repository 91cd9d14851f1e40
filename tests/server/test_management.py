"""The management listener: metrics of all workers, readiness with its cause, for operators alone."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from free_ports import free_port
from nightlatch.errors import ConfigurationError
from nightlatch.server.config import load
from nightlatch.server.metrics import folder_for, let_metrics_begin
from servers import Server

pytestmark = pytest.mark.slow

MIA, PASSWORD = "mia.of.the.hills@example.org", "a wrong and secret password"
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "nightlatch.json"


class Managed(Server):
    """A server with a management listener."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.management = free_port()
        super().__init__(data, NIGHTLATCH_SERVER__MANAGEMENT_PORT=str(self.management), **environment)

    def ask(self, path: str, *, host: str = "localhost", method: str = "GET") -> tuple[int, str]:
        """Ask the management listener, as soon as there is one."""
        for _ in range(100):
            connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=10)
            try:
                connection.request(method, path, headers={"Host": host})
                response = connection.getresponse()
                return response.status, response.read().decode()
            except ConnectionError:
                time.sleep(0.1)
            finally:
                connection.close()
        raise AssertionError("nobody listens")

    def figure(self, name: str, **labels: str) -> float:
        """Return the sum of a metric over the series that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        total = 0.0
        for line in self.ask("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.partition("{")[0] == name and all(each in series for each in wanted):
                total += float(value)
        return total

    def await_figure(self, expected: float, name: str, **labels: str) -> None:
        """Wait until a metric is there: pools are sampled once a second."""
        for _ in range(100):
            if self.figure(name, **labels) == expected:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} {labels} is {self.figure(name, **labels)}, not {expected}")


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Managed]:
    """Start a development server of two workers with a management listener."""
    running = Managed(tmp_path / "data", NIGHTLATCH_THROTTLE__SIGN_IN_PER_IDENTIFIER__LIMIT="3",
                      NIGHTLATCH_THROTTLE__SIGN_IN_PER_IDENTIFIER__PER="PT15M")  # fmt: skip
    running.start()
    yield running
    running.stop()


def test_what_is_counted_and_what_is_not_told(managed: Managed) -> None:
    """Requests, refusals, hashes and events of both workers add up; no text of a client's stands in any series."""
    for _ in range(5):
        managed.call("POST", "/auth/api/sign-in", {"identifier": MIA, "password": PASSWORD})
    managed.call("GET", f"/auth/account/{MIA}")
    managed.call("GET", "/auth/api/sessions", headers={"User-Agent": "a-browser-of-its-own"})
    managed.call("BREW", "/auth/api/session")
    route = {"method": "POST", "route": "/auth/api/sign-in"}
    managed.await_figure(3, "nightlatch_requests_total", **route, status="401")
    managed.await_figure(2, "nightlatch_requests_total", **route, status="429")
    managed.await_figure(5, "nightlatch_request_seconds_count", **route)
    managed.await_figure(2, "nightlatch_throttled_total", act="sign_in")
    managed.await_figure(3, "nightlatch_password_hashes_total")
    managed.await_figure(2, "nightlatch_workers")
    managed.await_figure(0, "nightlatch_requests_in_progress")
    managed.await_figure(0, "nightlatch_trouble", what="store")
    assert managed.figure("nightlatch_events_total", outcome="refused") >= 3
    assert managed.figure("nightlatch_store_connections_limit") == 32
    assert managed.figure("nightlatch_password_hash_seconds_total") > 0

    text = managed.ask("/metrics")[1]
    for private in (MIA, PASSWORD, "mia", "127.0.0.1", "a-browser-of-its-own", "BREW"):
        assert private not in text, private


def test_each_metric_of_the_dashboard_exists(managed: Managed) -> None:
    """Every name that the dashboard asks for is one that a server tells once it has been used."""
    for _ in range(4):
        managed.call("POST", "/auth/api/sign-in", {"identifier": MIA, "password": PASSWORD})
    managed.await_figure(1, "nightlatch_throttled_total")
    names = set(re.findall(r"^(nightlatch_\w+)", managed.ask("/metrics")[1], re.MULTILINE))
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [each["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    wanted = {name for each in asked for name in re.findall(r"nightlatch_\w+", each)}
    assert len(wanted) > 10
    assert wanted <= names, wanted - names


def test_readiness_tells_its_cause_to_operators_alone(managed: Managed) -> None:
    """Where the schema is gone both say not ready, and only the management listener says why."""
    assert managed.ask("/readyz") == (200, "ready\n")
    assert managed.ask("/healthz") == (200, "ok\n")
    (managed.data / "nightlatch.db").rename(managed.data / "gone.db")
    os.truncate(managed.data / "gone.db", 0)
    status, causes = managed.ask("/readyz")
    assert (status, causes.splitlines()[0]) == (503, "not ready")
    assert "nightlatch migrate" in causes
    assert managed.call("GET", "/readyz")[:2] == (503, "not ready\n")


def test_who_is_answered(managed: Managed) -> None:
    """A page whose site's name points here (DNS rebinding), a method or a path that is not known: refused."""
    assert managed.ask("/metrics", host="evil.example")[0] == 403
    assert managed.ask("/metrics", host="[")[0] == 400
    assert managed.ask("/", host=f"127.0.0.1:{managed.management}")[0] == 404
    assert managed.ask("/metrics", method="POST")[0] == 405
    assert managed.ask("/metrics", method="BREW")[0] == 405
    assert managed.call("GET", "/metrics")[0] == 404


def test_a_worker_that_dies_takes_nothing_with_it(managed: Managed) -> None:
    """Killed, the worker that listens is followed by another; its counts stay, and it counts no longer as alive."""
    for _ in range(2):
        managed.call("POST", "/auth/api/sign-in", {"identifier": MIA, "password": PASSWORD})
    managed.await_figure(2, "nightlatch_requests_total", route="/auth/api/sign-in")
    managed.await_figure(2, "nightlatch_workers")
    assert managed.process is not None
    children = Path(f"/proc/{managed.process.pid}/task/{managed.process.pid}/children").read_text().split()
    listening = [int(pid) for pid in children if _listens(int(pid), managed.management)]
    assert len(listening) == 1
    os.kill(listening[0], signal.SIGKILL)
    managed.await_figure(2, "nightlatch_workers")
    assert managed.figure("nightlatch_requests_total", route="/auth/api/sign-in") == 2


def _listens(pid: int, port: int) -> bool:
    sockets = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
               if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"}  # fmt: skip
    own = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    return any(f"socket:[{inode}]" in own for inode in sockets)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """What the workers write into goes when the server stops."""
    server = Managed(tmp_path / "data")
    server.start()
    assert list(folder_for(server.data, server.port).glob("*.db"))
    server.stop()
    assert not folder_for(server.data, server.port).exists()


def test_settings_that_would_tell_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The public port is refused, and so is a folder that others may write to."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    with pytest.raises(ConfigurationError, match="management_port"):
        load(environment={"NIGHTLATCH_DEVELOPMENT": "1"}, given={"data": str(tmp_path), "management_port": 8000})
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ConfigurationError, match="private"):
        let_metrics_begin(tmp_path / "open")
