"""A build starts as a copy of its base; where the file system can, the copy shares its blocks."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

# ioctl of Linux: make this file share the blocks of that one (btrfs, xfs).
FICLONE = 0x40049409


def fork(base: Path | None, target: Path) -> None:
    """Make `target` a writable copy of `base`, or remove it when there is no base."""
    discard(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if base is None:
        return
    try:
        with base.open("rb") as source, target.open("wb") as copy:
            fcntl.ioctl(copy, FICLONE, source.fileno())
    except OSError:
        shutil.copyfile(base, target)
    target.chmod(0o644)


def discard(build: Path) -> None:
    """Remove a build file and what DuckDB may have left beside it."""
    for path in (build, build.with_name(build.name + ".wal")):
        path.unlink(missing_ok=True)
