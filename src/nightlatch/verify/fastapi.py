"""FastAPI: ``Annotated[AccessToken, Depends(bearer(verifier))]``. Annotations stay objects here: FastAPI reads them."""

from fastapi import HTTPException
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from nightlatch.verify.bearer import admit, bearer_of, refused
from nightlatch.verify.claims import AccessToken
from nightlatch.verify.errors import VerificationError
from nightlatch.verify.verifier import Verifier

__all__ = ["bearer"]


class _Bearer(SecurityBase):
    def __init__(self, verifier: Verifier, role: str | None) -> None:
        self.scheme_name = "bearer"
        self.model = HTTPBearer(bearerFormat="JWT")
        self._verifier = verifier
        self._role = role

    async def __call__(self, connection: HTTPConnection) -> AccessToken:
        """Return the request's token, or refuse it."""
        try:
            text = bearer_of(connection.headers.getlist("authorization"))
            return admit(await self._verifier.verify_async(text), self._role)
        except VerificationError as error:
            told = refused(error)
            headers = {name: value for name, value in told.headers.items() if name != "Content-Type"}
            raise HTTPException(told.status, {"code": error.code}, headers) from None


def bearer(verifier: Verifier, *, role: str | None = None) -> _Bearer:
    """Return a dependency that gives the request's `AccessToken`, or answers 401, 403 or 503.

    Args:
        verifier: says what is good.
        role: one that the user must have.
    """
    return _Bearer(verifier, role)
