"""A log-in as tutorials write it: Flask-Login's signed cookie, Flask-SQLAlchemy's user loaded for each request.

``python flask_hand.py <database> <users> <cookies>`` fills the database and writes the cookies; gunicorn or Granian
serves `app`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, session
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event, insert
from sqlalchemy.engine import Engine

app = Flask(__name__)
app.config.update(
    SECRET_KEY="a key that only this benchmark knows",
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{Path(os.environ['BENCH_DATABASE']).resolve()}",
)
db = SQLAlchemy(app)
login_manager = LoginManager(app)


class User(UserMixin, db.Model):  # type: ignore[name-defined, misc]
    """A user, as in the tutorials."""

    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(255), unique=True, nullable=False)
    name = db.Column(db.String(100))
    password_hash = db.Column(db.String(255), nullable=False)


@event.listens_for(Engine, "connect")
def _pragmas(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA busy_timeout=20000")


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


@app.get("/me")
@login_required  # type: ignore[untyped-decorator]
def me() -> Response:
    """Tell who is signed in."""
    return jsonify(id=current_user.id, email=current_user.email)


def _cookie(user: User) -> str:
    # The session protection compares address and User-Agent: wrk comes from loopback and sends none.
    with app.test_request_context("/me", environ_overrides={"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": ""}):
        login_user(user)
        response = app.response_class()
        app.session_interface.save_session(app, session._get_current_object(), response)  # type: ignore[attr-defined]  # noqa: SLF001
        return response.headers["Set-Cookie"].partition(";")[0]


def seed(users: int, cookies: str) -> None:
    """Fill the database and write one cookie per user."""
    with app.app_context():
        db.create_all()
        rows = [
            {"id": number, "email": f"user{number}@example.org", "name": f"User {number}", "password_hash": "-" * 97}
            for number in range(1, users + 1)
        ]
        db.session.execute(insert(User), rows)
        db.session.commit()
        found = [db.session.get(User, number) for number in range(1, users + 1)]
        Path(cookies).write_text("".join(f"{_cookie(each)}\n" for each in found if each is not None))


if __name__ == "__main__":
    seed(int(sys.argv[2]), sys.argv[3])
