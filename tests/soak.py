"""Kill nodes at random while people use them, then replay what they were told: `make soak ARGS="--kills 200"`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from databases import postgresql
from node_rig import Cluster, Journal, Person, cluster
from redis_servers import running_redis

__all__ = ["soak"]


def soak(nodes: Cluster, *, kills: int, people: int = 3, seed: int = 1, say: bool = False) -> Journal:
    """Let people use the nodes while one after another is killed and started again.

    Args:
        nodes: that run.
        kills: how many.
        people: at once.
        seed: of the order and the moments.
        say: tell how it goes.

    Returns:
        what people were told.
    """
    journal, stop, chance = Journal(), threading.Event(), random.Random(seed)  # noqa: S311 - moments, not secrets
    crowd = [Person(number, nodes, journal, stop) for number in range(people)]
    for each in crowd:
        each.start()
    try:
        for number in range(1, kills + 1):
            time.sleep(chance.uniform(0.3, 1.5))
            victim = chance.choice(nodes.nodes)
            nodes.kill(victim)
            victim.start()
            if say:
                print(f"{number} killed, {len(journal.accounts)} accounts, {journal.interrupted} calls unanswered")  # noqa: T201
        time.sleep(0.5)
    finally:
        stop.set()
        for each in crowd:
            each.join()
    return journal


def main() -> int:
    """Run it on a PostgreSQL and a Redis of its own; 1 where anything that was said is not so."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--nodes", type=int, default=2)
    options.add_argument("--people", type=int, default=4)
    options.add_argument("--seed", type=int, default=1)
    told = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(postgresql())
        redis = stack.enter_context(running_redis())
        nodes = stack.enter_context(cluster(folder, database, redis.url, nodes=told.nodes))
        journal = soak(nodes, kills=told.kills, people=told.people, seed=told.seed, say=True)
        wrong = journal.replay(nodes)
        duplicates = nodes.mailbox.duplicates()
    said = f"{len(journal.mailed)} mails, {len(journal.accounts)} accounts, {len(journal.signed_out)} signed out"
    print(f"{told.kills} kills, {said}, {journal.interrupted} calls unanswered, {duplicates} mails twice")  # noqa: T201
    for each in wrong:
        print(each)  # noqa: T201
    return 1 if wrong or duplicates > told.kills or not journal.accounts else 0


if __name__ == "__main__":
    sys.exit(main())
