"""The hosted pages, without JavaScript: forms, redirects, what they say."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import quote

import pytest

from browsing import Browser, header
from house import PASSWORD, House
from nightlatch.errors import ConfigurationError
from nightlatch.http.app import HttpApp
from nightlatch.http.messages import Response
from nightlatch.pages.assets import asset
from nightlatch.settings import Budget, Pages, Throttle

MIA = "mia@example.org"
SECRET = PASSWORD.reveal()


@pytest.fixture
def app(house: House) -> HttpApp:
    """Return the web layer of the usual house."""
    return HttpApp(house.auth)


@pytest.fixture
def browser(app: HttpApp) -> Browser:
    """Return a browser without cookies."""
    return Browser(app)


def text_of(response: Response) -> str:
    """Return a page's text."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.body.decode())))


def send(browser: Browser, path: str, action: str | None = None, **fields: str) -> Response:
    """Open a page and send its form with the hidden fields it carries."""
    opened = browser.get(path)
    assert opened.status == 200, text_of(opened)
    hidden = dict(re.findall(r'<input [^>]*hidden[^>]* name="(\w+)" value="([^"]*)"', opened.body.decode()))
    names = {"csrf_token", "return_to", "link", "account"}
    kept = {name: html.unescape(value) for name, value in hidden.items() if name in names}
    return browser.post((action or path).partition("?")[0], **{**kept, **fields})


def where(response: Response) -> str:
    """Return where a form leads."""
    assert response.status == 303, text_of(response)
    return (header(response, "location") or "").removeprefix("http://localhost:8000")


def sign_up(browser: Browser, house: House, email: str = MIA) -> None:
    """Sign up through the pages."""
    assert where(send(browser, "/sign-up", email=email)) == "/auth/verify"
    assert where(send(browser, "/verify", code=house.code(email).reveal())) == "/auth/set-password"
    assert where(send(browser, "/set-password", new_password=SECRET)) == "/"


def test_sign_up_and_in(browser: Browser, house: House) -> None:
    """Address, code, password; then out and in again."""
    sign_up(browser, house)
    assert MIA in text_of(browser.get("/account"))
    assert where(send(browser, "/account", "/sign-out")) == "/auth/sign-in"
    assert where(browser.get("/account")) == "/auth/sign-in?return_to=/auth/account"
    entered = send(browser, "/sign-in?return_to=/auth/account", identifier=MIA, password=SECRET)
    assert where(entered) == "/auth/account"


def test_a_wrong_code_is_told_beside_its_field(browser: Browser, house: House) -> None:
    """What was typed wrong is said where it was typed; a new code can be asked for."""
    send(browser, "/sign-up", email=MIA)
    wrong = send(browser, "/verify", code="00000000")
    assert wrong.status == 422
    assert 'aria-invalid="true"' in wrong.body.decode()
    assert "That code is not right" in text_of(wrong)
    assert 'Please correct: <a href="#code">' in wrong.body.decode()
    assert "<title>Error: " in wrong.body.decode()
    assert where(send(browser, "/verify", again="1")) == "/auth/verify"
    assert "A new code is on its way" in text_of(browser.get("/verify"))
    assert where(send(browser, "/verify", code=house.code().reveal())) == "/auth/set-password"


def test_the_link_shows_a_button_and_acts_on_post_only(browser: Browser, app: HttpApp, house: House) -> None:
    """041: opening it any number of times changes nothing; pressed elsewhere it goes on there."""
    send(browser, "/sign-up", email=MIA)
    link = house.link().reveal()
    phone = Browser(app)
    for _ in range(3):
        shown = phone.get(f"/verify?link={link}")
        assert f"Confirm {MIA}" in text_of(shown)
    assert where(send(phone, f"/verify?link={link}")) == "/auth/set-password"
    assert where(send(phone, "/set-password", new_password=SECRET)) == "/"
    assert phone.get("/account").status == 200
    assert browser.get("/account").status == 303
    assert phone.get(f"/verify?link={link}").status == 410


def test_the_link_says_who_is_signed_in_there(browser: Browser, house: House) -> None:
    """Nobody is signed in as another unawares."""
    sign_up(browser, house, "leo@example.org")
    Browser(browser.site).call("POST", "/api/sign-up", {"email": MIA})
    shown = text_of(browser.get(f"/verify?link={house.link().reveal()}"))
    assert "You are signed in here as leo@example.org" in shown


def test_errors_keep_what_was_typed_but_no_password(browser: Browser) -> None:
    """A refused form comes back with its values."""
    refused = send(browser, "/sign-in", identifier=MIA, password="wrong wrong wrong")
    assert refused.status == 401
    body = refused.body.decode()
    assert f'value="{MIA}"' in body
    assert "wrong wrong" not in body
    assert "don't match" in text_of(refused)


def test_passwords_are_refused_with_a_reason(browser: Browser, house: House) -> None:
    """Too short, one's own address: said beside the field."""
    send(browser, "/sign-up", email=MIA)
    send(browser, "/verify", code=house.code().reveal())
    assert "at least 15 characters" in text_of(send(browser, "/set-password", new_password="short"))
    assert "your own name or address" in text_of(send(browser, "/set-password", new_password=MIA))


def test_devices(browser: Browser, app: HttpApp, house: House) -> None:
    """See two, sign one out."""
    sign_up(browser, house)
    phone = Browser(app, headers={"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/604.1"})
    send(phone, "/sign-in", identifier=MIA, password=SECRET)
    shown = browser.get("/account/devices").body.decode()
    assert "Safari on iPhone" in shown
    assert "Firefox on Linux" in shown
    assert shown.count("this device") == 1
    session_id = re.findall(r'name="id" value="([^"]+)"', shown)[0]
    assert where(send(browser, "/account/devices", id=session_id)) == "/auth/account/devices"
    assert phone.get("/account").status == 303
    send(phone, "/sign-in", identifier=MIA, password=SECRET)
    assert where(send(browser, "/account/devices")) == "/auth/account/devices"
    assert phone.get("/account").status == 303


def test_change_password_and_name(browser: Browser, house: House) -> None:
    """The profile keeps a name; the password page asks for the current one."""
    sign_up(browser, house)
    long = send(browser, "/account", name="M" * 300)
    assert (long.status, "M" * 300 in long.body.decode()) == (422, True)
    send(browser, "/account", name="Mia <script>")
    assert "Mia &lt;script&gt;" in browser.get("/account").body.decode()
    new = "an entirely different sentence"
    wrong = send(browser, "/account/security", current_password="not it at all...", new_password=new)
    assert wrong.status == 401
    missing = send(browser, "/account/security", new_password=new)
    assert (missing.status, "type your current password" in text_of(missing)) == (422, True)
    assert where(send(browser, "/account/security", current_password=SECRET, new_password=new)) == (
        "/auth/account/security"
    )
    assert "Your password was changed" in text_of(browser.get("/account/activity"))


def test_what_was_done_is_told_once(browser: Browser, house: House) -> None:
    """Each form says that it worked, on the next page and on no other; an address cannot say it."""
    sign_up(browser, house)
    new = "an entirely different sentence"
    for path, words, fields in (
        ("/account", "Your name is saved", {"name": "Mia"}),
        ("/account/devices", "signed out everywhere else", {}),
        ("/account/security", "Your password is changed", {"current_password": SECRET, "new_password": new}),
    ):
        where(send(browser, path, **fields))
        assert words in text_of(browser.get(path))
        assert words not in text_of(browser.get(path))
        assert words not in text_of(browser.get(f"{path}?notice=password"))
    browser.cookies["session_notice"] = "<b>anything</b>"
    assert "anything" not in text_of(browser.get("/account"))
    send(browser, "/account", "/sign-out")
    assert "You are signed out" in text_of(browser.get("/sign-in"))


def test_too_many_tries_keep_the_form(make_house: Callable[..., House]) -> None:
    """Throttled anywhere: the form stays, says how long to wait, and keeps what may be kept."""
    house = make_house(throttle=Throttle(attempt_calls_per_address=Budget(limit=4, per=timedelta(minutes=30))))
    browser = Browser(HttpApp(house.auth))
    send(browser, "/sign-up", email=MIA)
    for _ in range(5):
        slowed = send(browser, "/verify", code="00000000")
    assert (slowed.status, header(slowed, "retry-after")) == (429, "1800")
    assert "Please wait 30 minutes" in text_of(slowed)
    assert 'name="code"' in slowed.body.decode()
    link = house.auth.invitations.first_administrator().reveal()
    slowed = send(browser, f"/invitation?link={link}", email="ada@example.org", new_password=SECRET)
    assert (slowed.status, 'value="ada@example.org"' in slowed.body.decode()) == (429, True)
    house.clock.advance(minutes=31)
    where(send(browser, "/verify", code=house.code().reveal()))
    where(send(browser, "/set-password", new_password=SECRET))
    for _ in range(5):
        slowed = send(browser, "/reauthenticate?return_to=/books", password="wrong wrong wrong")
    assert (slowed.status, 'value="/books"' in slowed.body.decode()) == (429, True)


def test_nobody_is_left_at_a_dead_end(browser: Browser, house: House) -> None:
    """Whatever went wrong, the page has a way on that fits who is there."""
    lost = browser.get("/nothing")
    assert (lost.status, "Page not found" in text_of(lost)) == (404, True)
    assert "/auth/sign-in" in lost.body.decode()
    over = browser.get("/verify").body.decode()
    assert ("/auth/sign-in" in over, "/auth/sign-up" in over) == (True, True)
    sign_up(browser, house)
    assert "/auth/account" in browser.get("/nothing").body.decode()
    stale = browser.post("/account", csrf_token="0" * 64, name="Mia")
    assert (stale.status, '<a class="button primary" href="">Try again' in stale.body.decode()) == (403, True)
    assert where(browser.get("/")) == "/auth/account"
    assert where(browser.get("/sign-up?return_to=/books")) == "/books"


def test_signing_in_twice_and_out_by_a_link(browser: Browser, house: House) -> None:
    """A form from before the sign-in in another tab leads on; an application may link to sign-out, which asks."""
    sign_up(browser, house)
    send(browser, "/account", "/sign-out")
    other_tab = re.findall(r'name="csrf_token" value="(\w+)"', browser.get("/sign-in").body.decode())[0]
    where(send(browser, "/sign-in", identifier=MIA, password=SECRET))
    again = browser.post("/sign-in", csrf_token=other_tab, identifier=MIA, password=SECRET, return_to="/books")
    assert where(again) == "/auth/sign-in?return_to=/books"
    assert where(browser.get("/sign-in?return_to=/books")) == "/books"
    assert MIA in text_of(browser.get("/sign-out"))
    assert browser.get("/account").status == 200
    where(send(browser, "/sign-out"))
    assert where(browser.get("/sign-out")) == "/auth/sign-in"
    assert where(browser.post("/account", name="Mia")) == "/auth/sign-in?return_to=/auth/account"
    led = where(browser.get("/reauthenticate?return_to=/books"))
    assert where(send(browser, led.removeprefix("/auth"), identifier=MIA, password=SECRET)) == (
        "/auth/reauthenticate?return_to=/books"
    )


def test_pages_in_a_language_that_runs_the_other_way(make_house: Callable[..., House]) -> None:
    """The locale decides which way a page runs; one that there is not is refused at the start."""
    shown = Browser(HttpApp(make_house(pages=Pages(locale="ar")).auth)).get("/sign-in").body.decode()
    assert '<html lang="ar" dir="rtl">' in shown
    with pytest.raises(ConfigurationError, match=r"pages\.locale"):
        HttpApp(make_house(pages=Pages(locale="nowhere")).auth)


def test_reauthenticate(browser: Browser, house: House) -> None:
    """The password again, and back to where one was."""
    sign_up(browser, house)
    assert send(browser, "/reauthenticate?return_to=/books", password="no").status == 401
    assert where(send(browser, "/reauthenticate?return_to=/books", password=SECRET)) == "/books"


def test_invitation_of_the_first_administrator(browser: Browser, house: House) -> None:
    """A link, a name, a password; a second use is over."""
    link = house.auth.invitations.first_administrator().reveal()
    assert "first administrator" in text_of(browser.get(f"/invitation?link={link}"))
    assert where(send(browser, f"/invitation?link={link}", email="ada@example.org", new_password=SECRET)) == "/"
    assert browser.call("GET", "/api/session")[1]["user"]["roles"] == ["admin"]
    assert Browser(browser.site).get(f"/invitation?link={link}").status == 410


def test_user_names_only(make_house: Callable[..., House]) -> None:
    """Name and password on one page; a taken name is told beside its field."""
    house = make_house(identifiers="username")
    browser = Browser(HttpApp(house.auth))
    assert where(send(browser, "/sign-up", username="mia", password=SECRET)) == "/"
    other = Browser(browser.site)
    taken = send(other, "/sign-up", username="Mia", password=SECRET)
    assert taken.status == 409
    assert "That user name is taken" in text_of(taken)


def test_forms_need_their_token(browser: Browser, app: HttpApp, house: House) -> None:
    """Missing, another browser's, or from before the sign-in: refused (ASVS 3.5.1)."""
    assert browser.post("/sign-in", identifier=MIA, password=SECRET).status == 403
    before = re.findall(r'name="csrf_token" value="(\w+)"', browser.get("/sign-in").body.decode())[0]
    other = Browser(app)
    other.get("/sign-in")
    assert other.post("/sign-in", csrf_token=before, identifier=MIA, password=SECRET).status == 403
    sign_up(browser, house)
    assert browser.post("/sign-out", csrf_token=before).status == 403
    assert browser.get("/account").status == 200


def test_security_headers(browser: Browser) -> None:
    """What a reviewer looks for, on pages, calls and files."""
    shown = browser.get("/sign-in")
    policy = header(shown, "content-security-policy") or ""
    for rule in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert header(shown, "cache-control") == "no-store"
    assert header(shown, "x-content-type-options") == "nosniff"
    body = shown.body.decode()
    assert " style=" not in body
    assert " on" not in re.sub(r">[^<]*<", "><", body)
    for address in re.findall(r'(?:href|src)="(/auth/static/[^"]+)"', body):
        served = browser.send("GET", address.removeprefix("/auth"))
        assert served.status == 200
        assert "immutable" in (header(served, "cache-control") or "")
    assert browser.send("GET", "/static/../app.py").status == 404


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "///evil.example",
        "/%09/evil.example\t",
        "javascript:x",
        "http://localhost:8000@evil.example/",
        "http://localhost:8000.evil.example/",
        "/a\r\nSet-Cookie: x=y",
        "\\\\evil",
        "evil",
    ],
)
def test_086_no_open_redirect(browser: Browser, house: House, target: str) -> None:
    """What is not ours is ignored, whatever its disguise."""
    sign_up(browser, house)
    led = browser.get(f"/sign-in?return_to={quote(target)}")
    assert where(led) == "/"


def test_088_file_names_of_any_kind_are_looked_up_and_nothing_more(browser: Browser) -> None:
    """Longer than a file system takes, with a NUL, by the thousand: 404, and nothing is kept of them."""
    for name in ("a" * 3000 + ".css", "a\x00.css", "..", ".css"):
        assert browser.send("GET", f"/static/{name}").status == 404
    assert asset("nightlatch.css") is asset("nightlatch.css")
