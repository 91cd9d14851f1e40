"""What browsers and password managers look for at an origin's root, for whoever owns it: the stand-alone server."""

from __future__ import annotations

import json

from nightlatch.http.exchange import Exchange
from nightlatch.http.hosted.chrome import lead_on
from nightlatch.http.messages import Response
from nightlatch.http.routes import Route

__all__ = ["WELL_KNOWN"]


def _change_password(exchange: Exchange) -> Response:
    """Lead to where a password is changed (W3C, A Well-Known URL for Changing Passwords)."""
    return lead_on(exchange, exchange.auth.settings.mount + "/account/security")


def _passkey_endpoints(exchange: Exchange) -> Response:
    """Tell where passkeys are made and managed (W3C, A Well-Known URL for Relying Party Passkey Endpoints)."""
    base = exchange.auth.settings.base_url + exchange.auth.settings.mount
    told = {"enroll": f"{base}/account/passkey", "manage": f"{base}/account/security"}
    body = told if exchange.auth.bind_passkey.offered else {}
    return Response(status=200, headers=[("Content-Type", "application/json")], body=json.dumps(body).encode())


def _related_origins(exchange: Exchange) -> Response:
    """Tell which other origins may use this one's passkeys (Web Authentication Level 3, 5.11)."""
    settings = exchange.auth.settings
    body = {"origins": [settings.origin, *settings.passkeys.related_origins]}
    return Response(status=200, headers=[("Content-Type", "application/json")], body=json.dumps(body).encode())


WELL_KNOWN: tuple[Route, ...] = (
    Route(method="GET", path="/.well-known/change-password", handler=_change_password, who="anybody", kind="page"),
    Route(method="GET", path="/.well-known/passkey-endpoints", handler=_passkey_endpoints, who="anybody"),
    Route(method="GET", path="/.well-known/webauthn", handler=_related_origins, who="anybody"),
)
"""The routes, below the root of the origin and not below the mount."""
