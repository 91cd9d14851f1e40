"""Everything that can be out for somebody (cookies, tokens, keys, codes, links), and whether it still works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from browsing import Browser
from house import PASSWORD, House
from nightlatch.errors import NightlatchError
from nightlatch.records import Device
from nightlatch.testing.authenticator_app import AuthenticatorApp
from nightlatch.testing.sites import Site

__all__ = ["LEO", "MIA", "NEW", "SECRETS", "Person", "Works"]

MIA, LEO, HOME = "mia@example.org", "leo@example.org", "mia@home.example"
SECRET, NEW = PASSWORD.reveal(), "an entirely different sentence"

Works = Callable[[], bool]


class Person:
    """Mia: her browser, her authenticator app where she has one, and her usual moves, over the web.

    Args:
        house: where she is at home.
        site: how it is reached.
        app: whether she has an authenticator app.
    """

    def __init__(self, house: House, site: Site, *, app: bool = False, email: str = MIA) -> None:
        self.house, self.site, self.email = house, site, email
        self.visitors = 0
        self.browser = self.stranger()
        begun = self.done("/api/sign-up", email=email, password=SECRET)
        self.user_id = self.answer(begun, "email_code", code=house.code(email).reveal())["user"]["id"]
        house.clock.advance(days=8)
        self.app: AuthenticatorApp | None = None
        self.codes: list[str] = []
        self.confirm()
        if app:
            proposal = self.done("/api/authenticators/totp")
            self.app = AuthenticatorApp(proposal["secret"], house.clock)
            bound = self.done("/api/authenticators/totp/confirm", id=proposal["id"], code=self.app.code().reveal())
            self.codes = list(bound["recovery_codes"])
            house.clock.advance(seconds=60)

    def stranger(self) -> Browser:
        """Return a browser that was never here, in a network of its own."""
        self.visitors += 1
        return Browser(self.site, peer=f"198.51.{self.visitors}.7")

    def done(self, path: str, browser: Browser | None = None, **body: Any) -> Any:
        """Call with a body, and expect it to be done."""
        status, document = (browser or self.browser).call("POST", path, body)
        assert status in {200, 201, 202}, (path, status, document)
        return document

    def answer(self, begun: Mapping[str, Any], kind: str, browser: Browser | None = None, **proof: str) -> Any:
        """Answer an attempt, and expect it to be accepted."""
        return self.done("/api/attempt/answer", browser, attempt=begun["attempt"], authenticator=kind, **proof)

    def app_code(self) -> str:
        """Return a code of the app that was not used yet."""
        assert self.app is not None
        self.house.clock.advance(seconds=60)
        return self.app.code().reveal()

    def sign_in(self, browser: Browser, password: str = SECRET, **more: str) -> Any:
        """Sign in, all the way."""
        step = self.done("/api/sign-in", browser, identifier=self.email, password=password, **more)
        return self.answer(step, "totp", browser, code=self.app_code()) if step["status"] == "more" else step

    def confirm(self) -> None:
        """Confirm in her own browser that it is she, as far as she can."""
        step = self.done("/api/reauthenticate", aal=2)
        step = self.answer(step, "password", password=SECRET)
        if step["status"] == "more":
            self.answer(step, "totp", code=self.app_code())

    def recover(self) -> None:
        """Replace the password by way of the mailbox, in a browser of its own."""
        owner = self.stranger()
        step = self.done("/api/recover", owner, identifier=self.email)
        step = self.answer(step, "email_code", owner, code=self.house.code(self.email).reveal())
        if step["authenticators"]:
            step = self.answer(step, "recovery_code", owner, code=self.codes.pop())
        self.done("/api/attempt/answer", owner, attempt=step["attempt"], new_password=NEW)


# --- what is out: each begins it, and returns how to tell whether it still works ---


def _session(mia: Person) -> Works:
    other = mia.stranger()
    mia.sign_in(other)
    return lambda: other.call("GET", "/api/session")[0] == 200


def _device(mia: Person) -> Works:
    other = mia.stranger()
    mia.sign_in(other)
    selector = other.cookies["session_device"].split("_")[1]
    return lambda: bool(mia.house.store.find(Device, {"selector": selector}))


def _access_token(mia: Person) -> Works:
    other = mia.stranger()
    token = mia.sign_in(other, deliver="tokens")["access_token"]
    return lambda: other.call("GET", "/api/session", authorization=f"Bearer {token}")[0] == 200


def _refresh_token(mia: Person) -> Works:
    other = mia.stranger()
    token = mia.sign_in(other, deliver="tokens")["refresh_token"]
    return lambda: other.call("POST", "/api/token/refresh", {"refresh_token": token})[0] == 200


def _api_key(mia: Person) -> Works:
    mia.confirm()
    key = mia.done("/api/api-keys", name="a program")["key"]

    def works() -> bool:
        try:
            mia.house.auth.api_keys.recognise(key)
        except NightlatchError:
            return False
        return True

    return works


def _half_a_sign_in(mia: Person) -> Works:
    other = mia.stranger()
    step = mia.done("/api/sign-in", other, identifier=mia.email, password=SECRET)
    assert step["authenticators"] == ["totp", "recovery_code"]
    return lambda: _answers(other, step, authenticator="totp", code=mia.app_code())


def _reauthentication(mia: Person) -> Works:
    step = mia.done("/api/reauthenticate")
    browser = Browser(mia.site, peer=mia.browser.peer, cookies=dict(mia.browser.cookies))
    return lambda: _answers(browser, step, authenticator="password", password=SECRET)


def _recovery_code_by_mail(mia: Person) -> Works:
    other = mia.stranger()
    step = mia.done("/api/recover", other, identifier=mia.email)
    code = mia.house.code(mia.email).reveal()
    return lambda: _answers(other, step, authenticator="email_code", code=code)


def _recovery_link(mia: Person) -> Works:
    other = mia.stranger()
    mia.done("/api/recover", other, identifier=mia.email)
    link = mia.house.link(mia.email).reveal()
    return lambda: other.call("POST", "/api/attempt/link", {"link": link})[0] == 200


def _proven_recovery(mia: Person) -> Works:
    other = mia.stranger()
    step = mia.done("/api/recover", other, identifier=mia.email)
    step = mia.answer(step, "email_code", other, code=mia.house.code(mia.email).reveal())
    return lambda: _answers(other, step, new_password="a sentence that nobody else would choose")


def _new_address(mia: Person) -> Works:
    mia.confirm()
    step = mia.done("/api/account/email", email=HOME)
    code = mia.house.code(HOME).reveal()
    browser = Browser(mia.site, peer=mia.browser.peer, cookies=dict(mia.browser.cookies))
    return lambda: _answers(browser, step, authenticator="email_code", code=code)


def _stop_of_a_change(mia: Person) -> Works:
    mia.confirm()
    step = mia.done("/api/account/email", email=HOME)
    mia.answer(step, "email_code", code=mia.house.code(HOME).reveal())
    mia.house.deliver()
    told = next(mail for mail in reversed(mia.house.mails) if mail.to == mia.email and "stop?link=" in mail.text)
    link = told.text.partition("link=")[2].split()[0]
    return lambda: mia.stranger().call("POST", "/api/stop", {"link": link})[0] == 200


def _operators_link(mia: Person) -> Works:
    user = mia.house.auth.operator.find_user(mia.email)
    _, link = mia.house.auth.operator_recovery.start(user, to=None)
    assert link is not None

    def works() -> bool:
        mia.house.clock.advance(hours=73)
        return mia.stranger().call("POST", "/api/attempt/link", {"link": link.reveal()})[0] == 200

    return works


def _answers(browser: Browser, step: Mapping[str, Any], **proof: str) -> bool:
    status, _ = browser.call("POST", "/api/attempt/answer", {"attempt": step["attempt"], **proof})
    assert status < 500
    return status == 200


SECRETS: Mapping[str, tuple[bool, Callable[[Person], Works]]] = {
    "session": (False, _session),
    "remembered device": (False, _device),
    "access token": (False, _access_token),
    "refresh token": (False, _refresh_token),
    "API key": (False, _api_key),
    "half a sign-in": (True, _half_a_sign_in),
    "reauthentication": (False, _reauthentication),
    "recovery's code": (False, _recovery_code_by_mail),
    "recovery's link": (False, _recovery_link),
    "proven recovery": (False, _proven_recovery),
    "new address's code": (False, _new_address),
    "stop of a change": (False, _stop_of_a_change),
    "operator's link": (False, _operators_link),
}
"""What can be out, whether it takes an authenticator app, and how it is begun."""
