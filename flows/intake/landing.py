"""Bytes as delivered, kept under their hash and never changed."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

from flows.contracts.contract import Contract
from flows.errors import AlreadyDelivered, FileBroken, ManifestDiffers, TableMissing
from flows.intake.manifest import Entry
from flows.settings import Instance

CHUNK = 1 << 20


@dataclass(frozen=True)
class Landed:
    """One file in the landing: where it stands and what its bytes are."""

    path: Path
    sha256: str


def locate(instance: Instance, contract: Contract, day: dt.date) -> Path:
    """Return where the contract says the file of a date is.

    Raises:
        TableMissing: when there is no file, or the location leaves the deliveries folder.
    """
    path = instance.deliveries / contract.location.format(business_date=day.isoformat())
    if not path.resolve().is_relative_to(instance.deliveries.resolve()):
        raise TableMissing(f"{contract.table}: {contract.location} leaves the deliveries folder.")
    if not path.is_file():
        raise TableMissing(
            f"{contract.table} for {day} is not here: there is no {path}. "
            f"Ask {contract.owner} to send it, then run: scv run {day}"
        )
    return path


def digest(path: Path) -> str:
    """Return the sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def arrive(instance: Instance, contract: Contract, day: dt.date) -> Path:
    """Return where a delivery of a date is written until its hash is known."""
    folder = instance.landing / contract.table / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / ".arriving"


def keep(arriving: Path, name: str) -> Landed:
    """Give what has arrived its place: its hash, then the name it came under."""
    sha256 = digest(arriving)
    return Landed(arriving.replace(arriving.with_name(f"{sha256[:16]}-{name}")), sha256)


def land(instance: Instance, contract: Contract, day: dt.date, entry: Entry | None) -> Landed:
    """Copy a delivered file into the landing and prove that it is whole.

    Raises:
        TableMissing, ManifestDiffers, FileBroken: each with what to ask the client for.
    """
    source = locate(instance, contract, day)
    arriving = arrive(instance, contract, day)
    shutil.copyfile(source, arriving)
    landed = keep(arriving, source.name)
    if contract.compression == "gzip":
        _prove_gzip(contract, landed.path, source.name, day)
    if entry is not None and entry.sha256 is not None and entry.sha256 != landed.sha256:
        raise ManifestDiffers(
            f"{contract.table} for {day}: the manifest names the bytes {entry.sha256[:12]}…, "
            f"{source.name} has {landed.sha256[:12]}…: one of the two is not what {contract.owner} "
            f"meant to send. Ask for both again, then run: scv run {day}"
        )
    return landed


def _prove_gzip(contract: Contract, path: Path, name: str, day: dt.date) -> None:
    # A truncated gzip reads as a shorter file, without an error, in DuckDB: read it to its end.
    try:
        with gzip.open(path) as file:
            while file.read(CHUNK):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise FileBroken(
            f"{contract.table} for {day}: {name} is not a whole gzip file: it was cut off or "
            f"damaged on the way. Ask {contract.owner} to send it again, then run: scv run {day}"
        ) from None


def refuse_bytes_of_another_day(
    contract: Contract, day: dt.date, rows: int, earlier: dt.date | None
) -> None:
    """Refuse a delta that is, byte for byte, what came for another date.

    Raises:
        AlreadyDelivered: a full table may repeat itself, and so may an empty one; a delta cannot.
    """
    if earlier is not None and contract.load == "delta" and rows > 0:
        raise AlreadyDelivered(
            f"{contract.table} for {day} is byte for byte the delivery of {earlier}: nothing of "
            f"it was taken. Ask {contract.owner} for the rows of {day}, then run: scv run {day}"
        )
