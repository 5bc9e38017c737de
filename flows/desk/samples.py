"""Files that come with a request: looked at, kept until it is handed in, named by their hash.

`<desk>/samples/CR-0007/<sha256>.csv`, for nobody's eyes but ours. What a request keeps of a file
is its name, size and hash.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from flows.desk.sniffing import look_at
from flows.errors import NoSpace, SampleRefused

KEPT_FOR = dt.timedelta(days=7)
FILES_AT_MOST = 10  # of one request
PIECE = 1 << 20


def keep(desk: Path, request_id: str, name: str, came: BinaryIO, at_most: int) -> dict[str, Any]:
    """Keep a file and return what the request says of it: name, size, hash.

    Args:
        desk: the folder of the desk.
        request_id: whose file it is.
        name: as the sender calls it.
        came: its bytes.
        at_most: bytes of one file.

    Raises:
        SampleRefused: when it is too large, or not of a kind that is read here.
        NoSpace: when the disk is full.
    """
    called, folder = named(name), folder_of(desk, request_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    if sum(1 for _ in _kept(folder)) >= FILES_AT_MOST:
        raise SampleRefused(
            f"{called} is one file too many: a request has {FILES_AT_MOST}. Remove one first."
        )
    handle, arriving = tempfile.mkstemp(prefix=".", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            size, digest = _write(file, came, called, at_most)
        ending = look_at(Path(arriving), called)
        Path(arriving).replace(folder / f"{digest}{ending}")
    except OSError as error:
        if error.errno in NoSpace.NUMBERS:
            raise SampleRefused(
                f"There is no room for {called}: tell your project manager."
            ) from None
        raise
    finally:
        Path(arriving).unlink(missing_ok=True)
    return {"name": called, "bytes": size, "sha256": digest}


def samples_of(desk: Path, content: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files that are still there and are samples, by the table that they are of."""
    folder = folder_of(desk, str(content.get("id", "")))
    there = {path.stem: path for path in _kept(folder)}
    files = content.get("files")
    told = [each for each in files if isinstance(each, Mapping)] if isinstance(files, list) else []
    return {
        str(each["sample_of"]): there[str(each.get("sha256"))]
        for each in told
        if each.get("sample_of") and str(each.get("sha256")) in there
    }


def forget(desk: Path, request_id: str, but: frozenset[str] = frozenset()) -> None:
    """Remove the files of a request, but those with the hashes that are told."""
    folder = folder_of(desk, request_id)
    for path in _kept(folder):
        if path.stem not in but:
            path.unlink(missing_ok=True)
    if not but:
        shutil.rmtree(folder, ignore_errors=True)


def forget_old(desk: Path, now: float | None = None) -> int:
    """Remove what has been kept for longer than a draft's files are; return how many files."""
    oldest = (time.time() if now is None else now) - KEPT_FOR.total_seconds()
    found = [path for path in (desk / "samples").glob("*/*") if path.stat().st_mtime < oldest]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def folder_of(desk: Path, request_id: str) -> Path:
    """Return where the files of a request are."""
    return desk / "samples" / re.sub(r"[^A-Za-z0-9-]", "_", request_id or "none")


def named(name: str) -> str:
    """Return a file's name without a folder, and without what is no letter, digit, dot or dash."""
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^\w.\- ]", "_", last, flags=re.UNICODE).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:100]}{dot}{ending[:10]}" if stem else plain[:100] or "file"


def _write(file: BinaryIO, came: BinaryIO, name: str, at_most: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while piece := came.read(PIECE):
        size += len(piece)
        if size > at_most:
            raise SampleRefused(
                f"{name} is larger than {at_most >> 20} MB: a few thousand rows are enough."
            )
        digest.update(piece)
        file.write(piece)
    if not size:
        raise SampleRefused(f"{name} is empty: choose the file again.")
    return size, digest.hexdigest()


def _kept(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if not path.name.startswith("."))
