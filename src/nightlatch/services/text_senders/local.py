"""Texts that go nowhere: files, the console, memory. For development and tests."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from nightlatch.ports import Text

__all__ = ["ConsoleTextSender", "FileTextSender", "MemoryTextSender"]


class ConsoleTextSender:
    """Print each text: for development."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def send(self, text: Text) -> None:
        """Print a text."""
        with self._lock:
            print(f"\n--- text to {text.to}\n\n{text.text}\n---", file=sys.stderr, flush=True)  # noqa: T201


class MemoryTextSender:
    """Keep texts in a list: for tests."""

    def __init__(self) -> None:
        self.messages: list[Text] = []

    def send(self, text: Text) -> None:
        """Keep a text."""
        self.messages.append(text)


class FileTextSender:
    """Write each text into a folder, as a file of its own: for the dev mailbox.

    Args:
        directory: made if it is not there, for its owner alone.
        most: how many files to keep; None keeps all.
    """

    def __init__(self, directory: Path, *, most: int | None = None) -> None:
        self.directory = directory
        self._most = most

    def send(self, text: Text) -> None:
        """Write a text; it appears under its name only when it is whole."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = self.directory / f".{text.message_id}.{os.getpid()}"
        body = {"to": text.to, "text": text.text, "at": text.at.isoformat()}
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(body, file)
        unfinished.rename(self.directory / f"{text.message_id}.text.json")
        if self._most is not None:
            for old in sorted(self.directory.glob("*.text.json"))[: -self._most]:
                old.unlink(missing_ok=True)
