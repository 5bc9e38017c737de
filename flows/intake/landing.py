"""Bytes as delivered, kept under their hash and never changed."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.errors import FewerRows, ManifestDiffers
from flows.intake.manifest import Entry, digest_of_parts
from flows.intake.sources.declared import Form
from flows.intake.sources.request import Arrived, Request
from flows.settings import Instance

ARRIVING = ".arriving"


@dataclass(frozen=True)
class Landed:
    """One delivery in the landing: its files, and one hash over the bytes of all of them."""

    parts: tuple[Path, ...]
    sha256: str
    form: Form
    hashes: Mapping[str, str]
    modified_at: dt.datetime | None = None

    @property
    def path(self) -> Path:
        """The file, or the folder of many."""
        return self.parts[0] if len(self.parts) == 1 else self.parts[0].parent


def digest(path: Path) -> str:
    """Return the sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def arriving(instance: Instance, table: str, day: dt.date) -> Path:
    """Return the folder that a delivery of a date is written to until its hash is known.

    What stands there from an attempt that broke off is the source's to go on with, or to clear.
    """
    folder = instance.landing / table / day.isoformat() / ARRIVING
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(request: Request, arrived: Arrived) -> Landed:
    """Give what has arrived its place: its hash, then the name it came under."""
    folder, hashes = request.folder, {part.name: digest(part) for part in arrived.parts}
    sha256 = digest_of_parts(hashes)
    if len(arrived.parts) == 1:
        part = arrived.parts[0]
        parts: tuple[Path, ...] = (part.replace(folder.with_name(f"{sha256[:16]}-{part.name}")),)
    else:
        place = folder.with_name(sha256[:16])
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        parts = tuple(part.replace(place / part.name) for part in arrived.parts)
    shutil.rmtree(folder)
    return Landed(parts, sha256, arrived.form, hashes, arrived.modified_at)


def hold_against(request: Request, entry: Entry, landed: Landed) -> None:
    """Hold the files of a delivery against what its manifest says of them.

    Raises:
        FewerRows, ManifestDiffers: when the parts or their bytes are others.
    """
    hashes = landed.hashes
    absent = [name for name in entry.parts if name not in hashes]
    if absent and len(hashes) < len(entry.parts):
        raise FewerRows(
            f"{request.table} for {request.day}: the manifest names {len(entry.parts)} files, "
            f"{len(hashes)} came: {', '.join(absent[:3])} did not. Ask {request.owner} to send "
            f"the rest, {request.again}"
        )
    for name, sha256 in entry.parts.items():
        came = hashes.get(name) or next(iter(hashes.values()))
        if sha256 is not None and sha256 != came:
            raise ManifestDiffers(
                f"{request.table} for {request.day}: the manifest names the bytes {sha256[:12]}…, "
                f"{name} has {came[:12]}…: one of the two is not what {request.owner} meant to "
                f"send. Ask for both again, {request.again}"
            )
