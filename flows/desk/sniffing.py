"""What a file is, by its ending and by what is in it: both must say the same.

Nothing is unpacked to disk, and what unpacks to far more than it says is refused.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from flows.errors import SampleRefused

BYTES_UNPACKED = 100 << 20
MEMBERS = 2000
ROWS = 1_000_000
LOOKED_AT = 1 << 16


def look_at(path: Path, name: str) -> str:
    """Return the ending of a file that is what its name says.

    Raises:
        SampleRefused: when it is of another kind, broken, or unpacks to too much.
    """
    ending = Path(name).suffix.lower()
    proof = PROOFS.get(ending)
    if proof is None:
        raise SampleRefused(f"{name} is none of {', '.join(PROOFS)}: export it as one of these.")
    reason = proof(path)
    if reason is not None:
        raise SampleRefused(f"{name} {reason}. Export it once more, and send that.")
    return ending


def _csv(path: Path) -> str | None:
    begins = _head(path)
    if begins.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    if b"\0" in begins or begins.startswith((b"PK\x03\x04", b"PAR1", b"%PDF", b"\x1f\x8b")):
        return "is no text, although its name says so"
    if begins.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "is a page or XML, and no table"
    return None


def _json(path: Path) -> str | None:
    begins = _head(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    return None if begins[:1] in (b"{", b"[") and b"\0" not in begins else "is no JSON"


def _jsonl(path: Path) -> str | None:
    line = _head(path).removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        # A line may be longer than what is looked at here.
        return None if len(line) == LOOKED_AT and line[:1] == b"{" else "has no JSON in a line"
    return None if isinstance(told, dict) else "has something else than an object in a line"


def _parquet(path: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return "is no Parquet"
    groups = (told.row_group(number) for number in range(min(told.num_row_groups, MEMBERS)))
    unpacked = sum(group.total_byte_size for group in groups)
    is_much = told.num_rows > ROWS or told.num_row_groups > MEMBERS or unpacked > BYTES_UNPACKED
    return "has more rows than a sample needs" if is_much else None


def _xlsx(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
            names = {each.filename for each in members}
            if not {"[Content_Types].xml", "xl/workbook.xml"} <= names:
                return "is no workbook of Excel"
            if len(members) > MEMBERS or sum(e.file_size for e in members) > BYTES_UNPACKED:
                return "unpacks to more than a sample needs"
            # What a member says of its size is proved by unpacking it, to nowhere.
            return None if packed.testzip() is None else "is broken"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error):
        return "is no workbook of Excel, or broken"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LOOKED_AT)


PROOFS: dict[str, Callable[[Path], str | None]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}
