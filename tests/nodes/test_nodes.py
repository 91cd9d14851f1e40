"""Two nodes on one PostgreSQL and one Redis: what one was told the other knows, and either may die."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from databases import fresh
from node_rig import PASSWORD, Cluster, cluster
from redis_servers import RedisServer, running_redis
from servers import Server
from soak import soak

pytestmark = pytest.mark.slow

MIA = "mia@example.org"
KEYS_KNOWN_WITHIN = 30.0
"""Seconds (docs/tokens.md)."""


@pytest.fixture(scope="module")
def own_redis() -> Iterator[RedisServer]:
    """Return a Redis for these nodes, which may be killed."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def nodes(postgresql_url: str, own_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run two nodes, for all tests of this file."""
    with (
        fresh(postgresql_url) as database,
        cluster(tmp_path_factory.mktemp("nodes"), database, own_redis.url) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def mia(nodes: Cluster) -> str:
    """Sign somebody up, the first step at one node and the second at the other; return the address."""
    first, second = nodes.nodes
    status, begun, _ = first.call("POST", "/auth/api/sign-up", {"email": MIA, "password": PASSWORD})
    assert status == 202
    answer = {"attempt": begun["attempt"], "authenticator": "email_code", "code": nodes.mailbox.code(MIA)}
    assert second.call("POST", "/auth/api/attempt/answer", answer)[0] == 200
    return MIA


def sign_in(node: Server, address: str, **more: Any) -> tuple[Any, str]:
    """Sign in at a node; return document and cookie."""
    body = {"identifier": address, "password": PASSWORD, **more}
    status, document, headers = node.call("POST", "/auth/api/sign-in", body)
    assert status == 200
    return document, headers.get("set-cookie", "").partition(";")[0]


def test_a_session_is_known_everywhere_and_ends_everywhere(nodes: Cluster, mia: str) -> None:
    """Made at one node it is good at the other; signed out at one, the other refuses it at once."""
    first, second = nodes.nodes
    _, cookie = sign_in(first, mia)
    _, also = sign_in(second, mia)
    for each in (first, second):
        assert each.call("GET", "/auth/api/session", cookie=cookie)[0] == 200
    assert second.call("DELETE", "/auth/api/session", cookie=cookie)[0] in {200, 204}
    assert first.call("GET", "/auth/api/session", cookie=cookie)[0] == 401
    assert first.call("GET", "/auth/api/session", cookie=also)[0] == 200


def test_a_budget_is_one_for_all_nodes(nodes: Cluster, own_redis: RedisServer) -> None:
    """Ten guesses for one identifier in all, whichever node they go to; and with Redis gone not one more than ten."""

    def guess(node: Server, whom: str) -> int:
        return node.call("POST", "/auth/api/sign-in", {"identifier": whom, "password": "wrong wrong wrong"})[0]

    for whom, gone in (("leo@example.org", False), ("noa@example.org", True)):
        if gone:
            own_redis.kill()
        try:
            answers = [guess(nodes.nodes[turn % 2], whom) for turn in range(16)]
        finally:
            if gone:
                own_redis.start()
        assert answers == [401] * 10 + [429] * 6, gone


def test_a_refresh_token_has_one_successor(nodes: Cluster, mia: str) -> None:
    """Sent to both nodes eight times at once it makes one family go on; used again later it ends the family."""
    tokens, _ = sign_in(nodes.nodes[0], mia, deliver="tokens")
    old = tokens["refresh_token"]

    def refresh(turn: int) -> tuple[int, Any]:
        return nodes.nodes[turn % 2].call("POST", "/auth/api/token/refresh", {"refresh_token": old})[:2]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(refresh, range(8)))
    assert {status for status, _ in answers} == {200}
    assert len({document["refresh_token"] for _, document in answers}) == 1
    (new,) = {document["refresh_token"] for _, document in answers}
    assert nodes.nodes[1].call("POST", "/auth/api/token/refresh", {"refresh_token": new})[0] == 200
    # The old one is two generations back now: somebody has a copy.
    assert nodes.nodes[0].call("POST", "/auth/api/token/refresh", {"refresh_token": old})[0] == 401


def test_a_revoked_key_is_believed_nowhere_within_the_bound(nodes: Cluster, mia: str) -> None:
    """Revoked by a command, its tokens are refused at both nodes within thirty seconds, and each signs anew."""
    tokens, _ = sign_in(nodes.nodes[0], mia, deliver="tokens")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for each in nodes.nodes:
        assert each.call("GET", "/auth/api/session", headers=bearer)[0] == 200
    keys = nodes.nodes[0].command("keys", "list", "--json")
    (signing,) = [each["kid"] for each in keys if each["state"] == "signing"]
    nodes.nodes[0].command("keys", "revoke", signing, "--json")
    deadline = time.monotonic() + KEYS_KNOWN_WITHIN + 1
    waiting = list(nodes.nodes)
    while waiting and time.monotonic() < deadline:
        waiting = [each for each in waiting if each.call("GET", "/auth/api/session", headers=bearer)[0] == 200]
        time.sleep(0.25)
    assert not waiting
    for each in nodes.nodes:
        fresh_tokens, _ = sign_in(each, mia, deliver="tokens")
        headers = {"Authorization": f"Bearer {fresh_tokens['access_token']}"}
        assert {node.call("GET", "/auth/api/session", headers=headers)[0] for node in nodes.nodes} == {200}


def test_kill_9_under_load_loses_nothing_that_was_said(nodes: Cluster) -> None:
    """Four kills while people sign up and out: all they were told is so, and each mail came, few of them twice."""
    journal = soak(nodes, kills=4)
    assert len(journal.accounts) > 10
    assert journal.signed_out
    assert journal.replay(nodes) == []
    assert nodes.mailbox.duplicates() <= 4
