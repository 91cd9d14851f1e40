"""Django as it comes: its own sessions in the database, its own users, `login_required`.

``python django_hand.py <database> <users> <cookies>`` fills the database and writes the cookies; Granian serves
`application`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from django_alike import configure, me

configure("django_hand", "django.contrib.auth.middleware.AuthenticationMiddleware", [])

import django  # noqa: E402 - Django's models need its settings

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402

urlpatterns = [path("me", me(login_required))]


def _session(user: User) -> Session:
    store = SessionStore()
    said = {
        SESSION_KEY: str(user.pk),
        BACKEND_SESSION_KEY: "django.contrib.auth.backends.ModelBackend",
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }
    return Session(
        session_key=store._get_new_session_key(),  # noqa: SLF001 - what `save()` does, without a commit for each
        session_data=store.encode(said),
        expire_date=store.get_expiry_date(),
    )


def seed(users: int, cookies: str) -> None:
    """Fill the database and write one cookie per user."""
    call_command("migrate", verbosity=0)
    made = User.objects.bulk_create(
        User(username=f"user{number}", email=f"user{number}@example.org", password="-" * 88)
        for number in range(1, users + 1)
    )
    sessions = Session.objects.bulk_create([_session(each) for each in made])
    Path(cookies).write_text("".join(f"sessionid={each.session_key}\n" for each in sessions))


if __name__ == "__main__":
    seed(int(sys.argv[2]), sys.argv[3])
else:
    application = get_wsgi_application()
