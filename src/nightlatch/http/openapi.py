"""OpenAPI 3.1, generated from the route table: what it says is what is routed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

import nightlatch
from nightlatch.http.api.shapes import NO_NUL
from nightlatch.http.exchange import Exchange
from nightlatch.http.messages import Response
from nightlatch.http.problems import STATUSES, Problem
from nightlatch.http.routes import Route
from nightlatch.primitives.secret import Secret

__all__ = ["openapi_document", "openapi_route"]

_EVERY_BODY = ("malformed_request", "unsupported_media_type", "too_large", "invalid_input", "cross_site")


def openapi_route(routes: Sequence[Route]) -> Route:
    """Return the route that serves the document."""
    return Route(
        method="GET",
        path="/api/openapi.json",
        handler=partial(_serve, tuple(routes)),
        who="anybody",
        answers={200: dict},
        summary="This document",
    )


def _serve(routes: tuple[Route, ...], exchange: Exchange) -> Response:
    settings = exchange.auth.settings
    document = openapi_document(
        routes,
        title=settings.service_name,
        server=settings.base_url + settings.mount,
        cookie=exchange.app.cookies.session,
    )
    return exchange.json(document)


def openapi_document(routes: Sequence[Route], *, title: str, server: str, cookie: str) -> dict[str, Any]:
    """Describe routes.

    Args:
        routes: the table.
        title: the service's name.
        server: address of the mount.
        cookie: name of the session cookie.
    """
    every = [route.body for route in routes if route.body] + [Problem]
    every += [shape for route in routes for shape in route.answers.values() if shape not in {None, dict}]
    schemas, components = msgspec.json.schema_components(
        every, ref_template="#/components/schemas/{name}", schema_hook=_schema
    )
    named = dict(zip(map(id, every), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, named)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": nightlatch.__version__},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def _operation(route: Route, named: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.operation_id, "summary": route.summary, "responses": {}}
    if route.who == "signed_in":
        operation["security"] = [{"session": []}, {"bearer": []}]
    if route.path.endswith("{id}"):
        operation["parameters"] = [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
        ]
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": named[id(route.body)]}},
        }
    for status, shape in route.answers.items():
        answer: dict[str, Any] = {"description": "Done"}
        if shape is not None:
            schema = {"type": "object"} if shape is dict else named[id(shape)]
            answer["content"] = {"application/json": {"schema": schema}}
        operation["responses"][str(status)] = answer
    for status, codes in sorted(_refusals(route).items()):
        operation["responses"][str(status)] = {
            "description": ", ".join(sorted(codes)),
            "content": {"application/problem+json": {"schema": named[id(Problem)]}},
        }
    return operation


def _refusals(route: Route) -> dict[int, set[str]]:
    codes = {"unavailable", *route.refusals}
    if route.who == "signed_in":
        codes.update(("not_authenticated", "invalid_token", "forbidden"))
    if route.body is not None:
        codes.update(_EVERY_BODY)
    elif route.method != "GET":
        codes.add("cross_site")
    if route.path.endswith("{id}"):
        codes.add("not_found")
    by_status: dict[int, set[str]] = {}
    for code in codes:
        by_status.setdefault(STATUSES[code], set()).add(code)
    return by_status


def _schema(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string", "format": "password", "pattern": NO_NUL}
    raise NotImplementedError(kind)
