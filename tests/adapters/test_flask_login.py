"""Flask-Login's names work; its ways of signing in do not."""

from __future__ import annotations

import flask_login
import pytest
from flask import session

from flask_shop import JSON, MIA, PAGE, Shop
from nightlatch.errors import ConfigurationError
from nightlatch.flask import current_user


def test_flask_logins_own_names_work(shop: Shop) -> None:
    """`flask_login.current_user` and `login_required` say the same."""
    assert shop.client.get("/theirs", headers=JSON).status_code == 401
    assert shop.client.get("/theirs", headers=PAGE).status_code == 303
    shop.sign_up()
    assert shop.client.get("/theirs").json == {"email": MIA}


def test_the_two_current_users_are_one(shop: Shop) -> None:
    """With everything that Flask-Login's applications ask a user for."""

    @shop.app.get("/both")
    def both() -> dict[str, object]:
        theirs = flask_login.current_user
        return {
            "same": theirs == current_user,
            "is": [theirs.is_authenticated, theirs.is_active, theirs.is_anonymous],
            "id": theirs.get_id(),
        }

    assert shop.client.get("/both").json == {"same": True, "is": [False, False, True], "id": None}
    shop.sign_up()
    user_id = str(shop.extension.core.operator.find_user(MIA).id)
    assert shop.client.get("/both").json == {"same": True, "is": [True, True, False], "id": user_id}


def test_login_user_signs_nobody_in(shop: Shop) -> None:
    """It raises, with what to call instead, and leaves nothing in Flask's session."""

    @shop.app.get("/back-door")
    def back_door() -> str:
        user = flask_login.UserMixin()
        user.id = "1"
        with pytest.raises(ConfigurationError, match=r"/auth/sign-in.*/auth/api/sign-in"):
            flask_login.login_user(user, remember=True, force=True)
        return str(dict(session))

    assert shop.client.get("/back-door").text == "{}"
    assert shop.client.get("/theirs", headers=JSON).status_code == 401


def test_042_flasks_session_and_the_remember_cookie_sign_nobody_in(shop: Shop) -> None:
    """Left-overs of Flask-Login, well signed and of a real user, are nobody."""

    @shop.app.get("/plant")
    def plant() -> str:
        session["_user_id"] = str(shop.extension.core.operator.find_user(MIA).id)
        session["_fresh"] = True
        return "planted"

    shop.sign_up(shop.app.test_client())
    shop.client.get("/plant")
    with shop.app.test_request_context():
        remembered = flask_login.encode_cookie(str(shop.extension.core.operator.find_user(MIA).id))
    shop.client.set_cookie("remember_token", remembered)
    for path in ("/hello", "/theirs"):
        assert shop.client.get(path, headers=JSON).status_code == 401


def test_a_left_over_remember_cookie_does_not_stand_in_the_way(shop: Shop) -> None:
    """It keeps Flask-Login's request_loader from being called; nobody is kept out by it here."""
    shop.sign_up()
    shop.client.set_cookie("remember_token", "1|left over")
    assert shop.client.get("/theirs").status_code == 200


def test_logout_user_ends_the_session_on_the_server(shop: Shop) -> None:
    """An application that still calls it means it: the cookie is worth nothing afterwards, in any browser."""

    @shop.app.post("/out")
    def out() -> str:
        flask_login.logout_user()
        return f"{current_user.is_authenticated} {flask_login.current_user.is_authenticated}"

    shop.sign_up()
    token = shop.token()
    assert shop.client.post("/out", headers={"Sec-Fetch-Site": "cross-site"}).text == "False False"
    assert shop.client.get("/hello").status_code == 200
    assert shop.client.post("/out").text == "False False"
    for path in ("/hello", "/theirs"):
        assert shop.client.get(path, headers=JSON).status_code == 401
        assert shop.with_cookies(path, f"nightlatch_session={token}") == 401


def test_flasks_session_proves_no_freshness(shop: Shop) -> None:
    """`fresh_login_required` believes a flag in Flask's session: it is refused, with what to write instead."""

    @shop.app.get("/fresh")
    @flask_login.fresh_login_required  # type: ignore[untyped-decorator] # Flask-Login is not typed
    def fresh() -> str:
        return "in"

    @shop.app.get("/confirm")
    def confirm() -> str:
        flask_login.confirm_login()
        return "confirmed"

    shop.sign_up()
    shop.client.get("/confirm")
    with pytest.raises(ConfigurationError, match="max_age"):
        shop.client.get("/fresh")


def test_an_applications_unauthorized_handler_is_asked(shop: Shop) -> None:
    """Flask-Login's way of answering in one's own words."""
    shop.app.login_manager.unauthorized_handler(lambda: ("our own words", 401))  # type: ignore[attr-defined]
    assert shop.client.get("/theirs").text == "our own words"


def test_a_login_manager_of_the_applications_own_is_refused(shop: Shop) -> None:
    """It would believe Flask's session: a second way in."""
    ours = shop.app.login_manager  # type: ignore[attr-defined]
    manager = flask_login.LoginManager(shop.app)
    manager.user_loader(lambda _: flask_login.UserMixin())
    with pytest.raises(ConfigurationError, match="LoginManager"):
        shop.client.get("/public")
    shop.app.login_manager = ours  # type: ignore[attr-defined]
    assert shop.client.get("/public").status_code == 200
