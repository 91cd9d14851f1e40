"""A span for each request, through OpenTelemetry's API alone: which SDK receives it, if any, is the operator's choice.

A span tells route, status and the request's id, which logs and audit events bear too; never an address, a person, a
query or a header (ASVS 16.2.5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nightlatch.errors import MissingExtra
from nightlatch.http.messages import Response

__all__ = ["Traces"]

_FAULT = 500
_KNOWN = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Traces:
    """Open a span around each request.

    Args:
        trusts: tells whether an address may name the trace that a request belongs to.

    Raises:
        MissingExtra: the API is not installed.
    """

    def __init__(self, trusts: Callable[[str | None], bool]) -> None:
        try:
            from opentelemetry import trace
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ModuleNotFoundError:
            raise MissingExtra(
                "server.traces needs the extra 'tracing': pip install \"nightlatch[server,tracing]\""
            ) from None
        self._trusts = trusts
        self._tracer = trace.get_tracer("nightlatch")
        self._server = trace.SpanKind.SERVER
        self._fault = trace.Status(trace.StatusCode.ERROR)
        self._propagator = TraceContextTextMapPropagator()

    def follow(self, environ: dict[str, Any], respond: Callable[[], Response], mount: str) -> Response:
        """Answer a request within a span.

        Args:
            environ: the request's, in WSGI's form.
            respond: answers it.
            mount: what stands before the route's path.
        """
        sent = environ["REQUEST_METHOD"].upper()
        method = sent if sent in _KNOWN else "_OTHER"  # as OpenTelemetry's conventions for HTTP have it
        with self._tracer.start_as_current_span(method, context=self._context(environ), kind=self._server) as span:
            response = respond()
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.response.status_code", response.status)
            if response.route:
                route = mount + response.route
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            if response.request_id is not None:
                span.set_attribute("nightlatch.request_id", response.request_id)
            if response.status >= _FAULT:
                span.set_status(self._fault)
            return response

    def _context(self, environ: dict[str, Any]) -> Any:
        """Return the trace that a trusted proxy names; a stranger would choose what is sampled."""
        named = environ.get("HTTP_TRACEPARENT")
        if named is None or not self._trusts(environ.get("REMOTE_ADDR")):
            return None
        return self._propagator.extract({"traceparent": named})
