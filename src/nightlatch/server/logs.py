"""Structured logs: one JSON object a line, without secrets (ASVS 16.2.4, 16.2.5, 16.4.1)."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

__all__ = ["JsonLines", "begin_logging"]


class JsonLines(logging.Formatter):
    """Write a record as one line of JSON, whatever it holds: no line end of an attacker's begins a second."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            # The class only: an exception's text may quote what was sent.
            line["error"] = type(record.exc_info[1]).__name__
        return json.dumps(line)


def begin_logging(level: int = logging.INFO) -> None:
    """Send the logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger("nightlatch")
    root.handlers[:] = [handler]
    root.setLevel(level)
    root.propagate = False
