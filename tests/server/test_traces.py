"""Spans of requests, as an SDK receives them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nightlatch.errors import MissingExtra
from nightlatch.server.app import ServerApp, build
from nightlatch.server.config import load
from nightlatch.server.traces import Traces
from nightlatch.storage.sql import migrate

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
MIA, PASSWORD = "mia.of.the.hills@example.org", "a wrong and secret password"

Call = Callable[..., int]


@pytest.fixture(scope="module")
def received() -> InMemorySpanExporter:
    """Install an SDK that keeps what it receives; OpenTelemetry takes one in a process's life."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(received: InMemorySpanExporter) -> Callable[[], tuple[ReadableSpan, ...]]:
    """Return what was received in this test."""
    received.clear()
    return received.get_finished_spans


@pytest.fixture
def call(tmp_path: Path, spans: Callable[[], Any]) -> Iterator[Call]:
    """Call a server that traces and trusts one proxy; return the status."""
    del spans
    environment = {
        "NIGHTLATCH_DEVELOPMENT": "1",
        "NIGHTLATCH_HASHING__PROFILE": "cheap_for_tests",
        "NIGHTLATCH_SERVER__TRACES": "1",
        "NIGHTLATCH_TRUSTED_PROXIES": "10.0.0.7",
    }
    config = load(environment=environment, given={"data": str(tmp_path)})
    migrate(config.database_url)
    app = ServerApp(config, build(config))
    told: list[int] = []

    def call(method: str, path: str, body: bytes = b"", *, peer: str = "192.0.2.1", **headers: str) -> int:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "secret=of-the-query",
            "REMOTE_ADDR": peer,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **headers,
        }
        app(environ, lambda status, _: told.append(int(status.split()[0])))
        return told[-1]

    yield call
    app.auth.close()


def test_what_a_span_tells(call: Call, spans: Callable[[], tuple[ReadableSpan, ...]]) -> None:
    """Route, status and the request's id, and nothing of what was sent."""
    body = f'{{"identifier": "{MIA}", "password": "{PASSWORD}"}}'.encode()
    assert call("POST", "/auth/api/sign-in", body) == 401
    assert call("GET", f"/auth/account/{MIA}") == 404
    assert call("BREW", "/auth/api/session") == 405
    refused, lost, odd = spans()
    assert (refused.name, lost.name, odd.name) == ("POST /auth/api/sign-in", "GET", "_OTHER")
    assert refused.kind is trace.SpanKind.SERVER
    assert refused.attributes is not None
    assert set(refused.attributes) == {
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "nightlatch.request_id",
    }
    assert (refused.attributes["http.route"], refused.attributes["http.response.status_code"]) == (
        "/auth/api/sign-in",
        401,
    )
    for each in (refused, lost, odd):
        text = each.to_json()
        for private in (MIA, PASSWORD, "192.0.2.1", "of-the-query", "BREW"):
            assert private not in text


def test_who_may_name_the_trace(call: Call, spans: Callable[[], tuple[ReadableSpan, ...]]) -> None:
    """A trusted proxy's trace goes on here; a stranger's word begins a new one, and what is no trace does too."""
    for peer, named in (("10.0.0.7", PARENT), ("192.0.2.1", PARENT), ("10.0.0.7", "no trace")):
        assert call("GET", "/healthz", peer=peer, HTTP_TRACEPARENT=named) == 200
    ids = [f"{each.context.trace_id:032x}" for each in spans() if each.context is not None]
    assert ids[0] == TRACE
    assert len(set(ids)) == 3


def test_without_the_api_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match="tracing"):
        Traces(lambda _: False)
