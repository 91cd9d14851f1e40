"""Sessions that ended while their tokens are still young: asked of the issuer every few seconds."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from nightlatch.verify.claims import AccessToken
from nightlatch.verify.encoding import json_object
from nightlatch.verify.errors import InvalidToken, KeysUnavailable
from nightlatch.verify.fetching import fetch, validated_url

__all__ = ["EndedSessions"]

log = logging.getLogger("nightlatch.verify")

_MOST_SEEN: Final = 10_000
_AT_ONCE: Final = 300


class EndedSessions:
    """Know which of the sessions seen here have ended: ``Verifier(..., revoked=EndedSessions(issuer).revoked)``.

    A session that ends is known within ``every`` seconds and the time of one request, while the issuer can be reached;
    while it cannot, a token is believed for its life, as without this. One daemon thread asks, and only for the
    sessions whose tokens were seen here and are still young: at most 10,000.

    Args:
        issuer: of the tokens.
        every: seconds between two questions.
        url: where to ask; None: the issuer's ``/api/token/ended``. https, or http from this machine alone.
        now: tells the time, in seconds since 1970.
        post: sends the question.

    Raises:
        ValueError: the address is not https, or ``every`` is no time.
    """

    def __init__(
        self,
        issuer: str,
        *,
        every: float = 5.0,
        url: str | None = None,
        now: Callable[[], float] = time.time,
        post: Callable[[str, bytes], bytes] = fetch,
    ) -> None:
        if not every > 0:
            raise ValueError("every is a number of seconds")
        self._url = validated_url(f"{issuer}/api/token/ended" if url is None else url)
        self._every = every
        self._now = now
        self._post = post
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        self._ended: dict[str, int] = {}
        self._pid = 0

    def revoked(self, token: AccessToken) -> bool:
        """Tell whether a token's session is known to have ended, and remember to ask. Never waits."""
        session_id = token.session_id
        if session_id in self._ended:
            return True
        if self._seen.get(session_id, 0) < token.expires_at:
            with self._lock:
                if session_id not in self._seen and len(self._seen) >= _MOST_SEEN:
                    self._seen.pop(next(iter(self._seen)))
                self._seen[session_id] = token.expires_at
        if self._pid != os.getpid():
            self._begin()
        return False

    def _begin(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()  # a forked child has the object, but not the thread
            threading.Thread(target=self._run, name="nightlatch-ended", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(self._every)
            self.ask()

    def ask(self) -> None:
        """Ask now. A question that is not answered is asked again the next time."""
        now = self._now()
        with self._lock:
            self._seen = {each: until for each, until in self._seen.items() if until > now}
            self._ended = {each: until for each, until in self._ended.items() if until + 60 > now}
            waiting = [each for each in self._seen if each not in self._ended]
        for start in range(0, len(waiting), _AT_ONCE):
            try:
                self._learn(waiting[start : start + _AT_ONCE])
            except (KeysUnavailable, InvalidToken) as error:
                log.warning("%s did not say which sessions have ended: %s", self._url, error.reason)
                return

    def _learn(self, asked: list[str]) -> None:
        ended = json_object(self._post(self._url, json.dumps({"sessions": asked}).encode())).get("ended")
        if not isinstance(ended, list):
            raise InvalidToken("no list of sessions")
        known = set(asked)
        with self._lock:
            self._ended.update(
                {
                    each: self._seen.pop(each, int(self._now()))
                    for each in ended
                    if isinstance(each, str) and each in known
                }
            )
