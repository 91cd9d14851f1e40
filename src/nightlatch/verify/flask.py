"""Flask: ``@token_required(verifier)``, and the token is ``g.token``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Response, abort, current_app, g, request

from nightlatch.verify.bearer import admit, bearer_of, refused
from nightlatch.verify.errors import VerificationError
from nightlatch.verify.verifier import Verifier

__all__ = ["token_required"]

P = ParamSpec("P")
T = TypeVar("T")


def token_required(verifier: Verifier, *, role: str | None = None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Guard a view: the request must bring a good access token, which the view finds in ``g.token``.

    Args:
        verifier: says what is good.
        role: one that the user must have.
    """

    def decorate(view: Callable[P, T]) -> Callable[P, T]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                token = verifier.verify(bearer_of(request.headers.getlist("Authorization")))
                g.token = admit(token, role)
            except VerificationError as error:
                told = refused(error)
                abort(Response(told.body, told.status, told.headers))
            return cast("T", current_app.ensure_sync(view)(*args, **kwargs))

        return guarded

    return decorate
