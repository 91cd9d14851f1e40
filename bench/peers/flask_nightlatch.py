"""The same route as in flask_hand.py, with Nightlatch in Flask.

On its own connections or, where BENCH_HOST_ENGINE is set, on the application's engine.
"""

from __future__ import annotations

import os

import sqlalchemy as sa
from flask import Flask, Response, jsonify

from nightlatch.flask import Nightlatch, current_user, login_required

_URL = f"sqlite:///{os.environ['BENCH_DATABASE']}"

app = Flask(__name__)
app.config["NIGHTLATCH"] = {
    "base_url": f"http://127.0.0.1:{os.environ['BENCH_PORT']}",
    "secret_keys": ["a key of more than 32 bytes that only this benchmark knows"],
    "mail": {"transport": "file", "directory": "mail"},
    "database_url": _URL,
}
if os.environ.get("BENCH_HOST_ENGINE"):
    Nightlatch(app, engine=sa.create_engine(_URL))
else:
    Nightlatch(app)


@app.get("/me")
@login_required
def me() -> Response:
    """Tell who is signed in."""
    return jsonify(id=str(current_user.id), email=current_user.email)


@app.get("/name")
@login_required
def name() -> Response:
    """Tell the name as well, which costs the second read."""
    return jsonify(id=str(current_user.id), email=current_user.email, name=current_user.name)
