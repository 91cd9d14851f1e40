"""Fuzz: ``python -m fuzz.run [--seconds 60] [TARGET ...]``. What is found stays in ``fuzz/work/TARGET/crash-*``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

WORK = Path(__file__).parent / "work"


def one(name: str, seconds: int) -> None:
    """Fuzz a target in this process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["nightlatch"]):
        from fuzz.targets import TARGETS
    target, folder = TARGETS[name], WORK / name
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=1024", f"-artifact_prefix={folder}/"]
    atheris.Setup([sys.argv[0], str(folder / "corpus"), "-print_final_stats=1", *options], target.run)
    atheris.Fuzz()


def every(names: list[str], seconds: int) -> int:
    """Fuzz one target after another, each in a process of its own, and tell which of them found something."""
    from fuzz.targets import TARGETS

    unknown = set(names) - set(TARGETS)
    if unknown:
        sys.exit(f"no target {', '.join(unknown)}: there are {', '.join(TARGETS)}")
    found = []
    for name in names or TARGETS:
        print(f"--- {name}", flush=True)
        command = [sys.executable, "-m", "fuzz.run", "--here", "--seconds", str(seconds), name]
        if subprocess.run(command, check=False, cwd=WORK.parent.parent).returncode:
            found.append(name)
    print("Found something: " + ", ".join(found) if found else "Nothing found.")
    return int(bool(found))


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all, unless some are named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--here", action="store_true", help="the one target named, in this process")
    asked = parser.parse_args()
    if asked.here:
        # Nothing of what is fuzzed may be imported before: what it covers would not be seen.
        one(asked.targets[0], asked.seconds)
    return every(asked.targets, asked.seconds)


if __name__ == "__main__":
    sys.exit(main())
