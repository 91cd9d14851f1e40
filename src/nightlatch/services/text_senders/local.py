"""Texts that go nowhere: files, the console, memory. For development and tests."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from nightlatch.ports import Text
from nightlatch.services.whole_files import write_whole

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
    """Write each text into a folder, as a file of its own: for development.

    Args:
        directory: made if it is not there, for its owner alone.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def send(self, text: Text) -> None:
        """Write a text; it appears under its name only when it is whole."""
        body = {"to": text.to, "text": text.text, "at": text.at.isoformat()}
        write_whole(self.directory, text.message_id, ".text.json", json.dumps(body).encode())
