"""What is measured: each subject is a server, a path and its cookies. Adding a peer is adding a function here."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.seed import seed
from bench.servers import Server, free_port

__all__ = ["BUDGETS", "SUBJECTS", "WORK", "WORKERS", "Subject", "prepare_peers"]

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench" / "work"
_PEERS = ROOT / "bench" / "peers"
_BIN = Path(sys.executable).parent
_PEER_BIN = WORK / "venv" / "bin"

WORKERS = 2
_THREADS = 16
"""Of each worker of a peer on Granian; `nightlatch serve` has its own default, most of them for refused sign-ins."""

_SCOPES = ("identifier", "address", "network", "device")
BUDGETS = {f"sign_in_per_{scope}": {"limit": 1_000_000_000, "per": 300} for scope in _SCOPES}
"""All load comes from one address and few accounts, so these budgets are raised. Nothing turns throttling off: each
sign-in still counts against every one of them."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to measure.

    Args:
        name: for the table.
        server: not started yet.
        path: of the session check.
        cookies: file of ``Cookie`` values.
        bodies: file of sign-in bodies, where it signs in.
    """

    name: str
    server: Server
    path: str
    cookies: Path
    bodies: Path | None = None

    @property
    def check_url(self) -> str:
        """Address of the session check."""
        return self.server.url + self.path

    @property
    def sign_in_url(self) -> str:
        """Address of the sign-in call."""
        return f"{self.server.url}/auth/api/sign-in"


def prepare_peers() -> None:
    """Install what only the peers need, into a place of its own."""
    wanted = (ROOT / "bench" / "requirements.txt").read_text()
    stamp = WORK / "venv" / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the peers into bench/work/venv ...", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(WORK / "venv")], check=True)
    pip = [str(_PEER_BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(ROOT / "bench" / "requirements.txt")], check=True)
    stamp.write_text(wanted)


def _granian(binaries: Path, target: str) -> list[str]:
    command = [str(binaries / "granian"), "--interface", "wsgi", "--workers", str(WORKERS)]
    return [*command, "--blocking-threads", str(_THREADS), "--no-ws", "--no-log", "--port", "{port}", target]


def _granian_asgi(binaries: Path, target: str, *, workers: int = WORKERS) -> list[str]:
    command = [str(binaries / "granian"), "--interface", "asgi", "--workers", str(workers), "--loop", "asyncio"]
    return [*command, "--no-ws", "--no-log", "--port", "{port}", target]


def _fresh(folder: str) -> Path:
    path = WORK / folder
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def _peer(name: str, script: str, command: list[str], path: str, users: int) -> Subject:
    """Make a peer of a script that seeds itself: ``script <database> <users> <cookies>``."""
    folder = _fresh(name.replace(" ", "-"))
    database, cookies = folder / "peer.db", folder / "cookies"
    environment = {"BENCH_DATABASE": str(database), "PYTHONPATH": str(_PEERS)}
    seeding = [str(_PEER_BIN / "python"), str(_PEERS / script), str(database), str(users), str(cookies)]
    subprocess.run(seeding, env={**os.environ, **environment}, check=True)
    cookie = cookies.read_text().partition("\n")[0]
    server = Server(command, environment=environment, ready=path, cookie=cookie, directory=folder, log=folder / "log")
    return Subject(name, server, path, cookies)


def ceiling(users: int) -> Subject:
    """The bare probe on Granian."""
    return _peer("ceiling", "ceiling.py", _granian(_PEER_BIN, "ceiling:application"), "/", users)


def flask_hand(users: int) -> Subject:
    """Flask-Login and Flask-SQLAlchemy under gunicorn's sync workers, as tutorials deploy it."""
    gunicorn = [str(_PEER_BIN / "gunicorn"), "--workers", str(WORKERS), "--bind", "127.0.0.1:{port}", "flask_hand:app"]
    return _peer("flask-hand", "flask_hand.py", gunicorn, "/me", users)


def flask_login(users: int) -> Subject:
    """The same application on the same HTTP server as Nightlatch."""
    return _peer("flask-login", "flask_hand.py", _granian(_PEER_BIN, "flask_hand:app"), "/me", users)


@dataclass(frozen=True, slots=True)
class _Seeded:
    folder: Path
    cookies: Path
    bodies: Path


def _shape() -> str:
    """Name what decides how a seeded database looks: another one is seeded anew."""
    source = ROOT / "src" / "nightlatch"
    files = [source / "records.py", source / "storage" / "codec.py", source / "storage" / "sql" / "tables.py"]
    files += [ROOT / "bench" / "seed.py", *sorted((source / "storage" / "sql" / "migrations").rglob("*.py"))]
    return hashlib.sha256(b"".join(each.read_bytes() for each in files)).hexdigest()


def _seeded(folder: str, users: int) -> _Seeded:
    """Return a folder with a database of our schema; a large one is made once and copied."""
    path = _fresh(folder)
    origin = WORK / f"seed-{users}"
    done = origin / "done"
    if not done.exists() or done.read_text() != _shape():
        shutil.rmtree(origin, ignore_errors=True)
        origin.mkdir(parents=True)
        print(f"seeding {users:,} users ...", file=sys.stderr, flush=True)
        seed(str(origin / "nightlatch.db"), users, str(origin / "cookies"), str(origin / "bodies"))
        done.write_text(_shape())
    shutil.copyfile(origin / "nightlatch.db", path / "nightlatch.db")
    return _Seeded(path, origin / "cookies", origin / "bodies")


def _toml(port: int) -> str:
    lines = [f'base_url = "http://127.0.0.1:{port}"', 'service_name = "Benchmark"', "[mail]", 'transport = "file"']
    lines += ['directory = "mail"', "[server]", 'data = "."', f"workers = {WORKERS}"]
    for name, budget in BUDGETS.items():
        lines += [f"[throttle.{name}]", f"limit = {budget['limit']}", f"per = {budget['per']}"]
    return "\n".join(lines) + "\n"


def nightlatch(users: int) -> Subject:
    """The stand-alone server."""
    name = "nightlatch serve" if users == 1000 else f"nightlatch serve, {users:,} users"
    return _serve(name, f"serve-{users}", users)


def _serve(name: str, folder: str, users: int) -> Subject:
    seeded, port = _seeded(folder, users), free_port()
    (seeded.folder / "nightlatch.toml").write_text(_toml(port))
    command = [str(_BIN / "nightlatch"), "--config", "nightlatch.toml", "serve", "--port", "{port}"]
    server = Server(
        command, environment={}, ready="/healthz", directory=seeded.folder, log=seeded.folder / "log", port=port
    )
    return Subject(name, server, "/auth/api/session", seeded.cookies, seeded.bodies)


def flask_nightlatch(users: int) -> Subject:
    """Nightlatch inside a Flask application, on Granian."""
    return _in_flask("nightlatch in Flask", users, "/me")


def flask_nightlatch_name(users: int) -> Subject:
    """The same, asked for the name too: a second read."""
    return _in_flask("nightlatch in Flask, second read", users, "/name")


def flask_nightlatch_engine(users: int) -> Subject:
    """The same, on the application's own engine."""
    return _in_flask("nightlatch in Flask, host's engine", users, "/me", BENCH_HOST_ENGINE="1")


def _in_flask(name: str, users: int, path: str, **environment: str) -> Subject:
    return _inside(name, _granian(_BIN, "flask_nightlatch:app"), users, path, **environment)


def django_hand(users: int) -> Subject:
    """Django's own sessions and `login_required`, on the same HTTP server as Nightlatch."""
    return _peer("django", "django_hand.py", _granian(_PEER_BIN, "django_hand:application"), "/me", users)


def django_nightlatch(users: int) -> Subject:
    """Nightlatch inside a Django project, on Granian."""
    return _inside("nightlatch in Django", _granian(_BIN, "django_nightlatch:application"), users, "/me")


def django_nightlatch_name(users: int) -> Subject:
    """The same, asked for the name too: a second read, as Django's own costs."""
    command = _granian(_BIN, "django_nightlatch:application")
    return _inside("nightlatch in Django, second read", command, users, "/name")


def fastapi_users(users: int) -> Subject:
    """FastAPI Users with its database strategy, on the same HTTP server as Nightlatch."""
    command = _granian_asgi(_PEER_BIN, "fastapi_users_app:app")
    return _peer("fastapi-users", "fastapi_users_app.py", command, "/me", users)


def fastapi_nightlatch(users: int) -> Subject:
    """Nightlatch inside a FastAPI application, on Granian."""
    return _inside("nightlatch in FastAPI", _granian_asgi(_BIN, "fastapi_nightlatch:app"), users, "/me")


def fastapi_one_loop(users: int) -> Subject:
    """The same in one process, whose event loop is watched."""
    command = _granian_asgi(_BIN, "fastapi_nightlatch:app", workers=1)
    return _inside("nightlatch in FastAPI, one process", command, users, "/me")


def _inside(name: str, command: list[str], users: int, path: str, **environment: str) -> Subject:
    seeded = _seeded(name.replace(" ", "-"), users)
    environment |= {"BENCH_DATABASE": str(seeded.folder / "nightlatch.db"), "PYTHONPATH": str(_PEERS)}
    server = Server(
        command,
        environment={**environment, "BENCH_PORT": "{port}"},
        ready=path,
        cookie=seeded.cookies.read_text().partition("\n")[0],
        directory=seeded.folder,
        log=seeded.folder / "log",
    )
    return Subject(name, server, path, seeded.cookies, seeded.bodies)


_ALL = (
    ceiling,
    flask_hand,
    flask_login,
    nightlatch,
    flask_nightlatch,
    flask_nightlatch_name,
    flask_nightlatch_engine,
    django_hand,
    django_nightlatch,
    django_nightlatch_name,
    fastapi_users,
    fastapi_nightlatch,
    fastapi_one_loop,
)

SUBJECTS: dict[str, Callable[[int], Subject]] = {each.__name__: each for each in _ALL}
"""Every subject by name."""
