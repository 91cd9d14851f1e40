"""Who holds a port, for the message that says so."""

from __future__ import annotations

from pathlib import Path

__all__ = ["holder_of"]

_LISTENING = "0A"


def holder_of(port: int) -> str | None:
    """Return the process that listens on a port (``python (pid 123)``), where Linux tells; else None."""
    inodes = {
        parts[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for parts in _rows(Path(table))
        if parts[3] == _LISTENING and int(parts[1].rpartition(":")[2], 16) == port
    }
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in sockets for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:
            continue  # gone meanwhile, or not ours to look at
    return None


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
