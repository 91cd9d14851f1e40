"""The raw rate at which this machine verifies passwords: processes that do nothing else.

``python -m bench.hash_rate [seconds]`` starts one process for each processor, each verifying the same hash through the
binding that Nightlatch uses, at the parameters in force, and prints verifications a second, summed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from argon2.low_level import Type, hash_secret, verify_secret

from nightlatch.primitives.hashing import PROFILES

__all__ = ["hash_rate"]

_PASSWORD = b"correct horse battery staple of the benchmark"


def hash_rate(seconds: float, *, processes: int | None = None) -> float:
    """Return verifications a second of all processes together.

    Args:
        seconds: how long to verify.
        processes: how many; None: one for each processor.
    """
    command = [sys.executable, "-m", "bench.hash_rate", "worker", str(seconds)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes or os.cpu_count() or 1)
    ]
    for each in running:  # all are up before any begins
        assert each.stdout is not None
        each.stdout.readline()
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return sum(float(each.communicate()[0]) for each in running)


def _work(seconds: float) -> None:
    profile = PROFILES["owasp_minimum"]
    encoded = hash_secret(
        _PASSWORD,
        b"salt of 16 bytes",
        time_cost=profile.time_cost,
        memory_cost=profile.memory_kib,
        parallelism=profile.parallelism,
        hash_len=32,
        type=Type.ID,
    )
    print("ready", flush=True)
    sys.stdin.readline()
    began, done = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        verify_secret(encoded, _PASSWORD, Type.ID)
        done += 1
    print(done / took)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        _work(float(sys.argv[2]))
    else:
        print(f"{hash_rate(float((sys.argv[1:] or ['3'])[0])):.1f} verifications/s")
