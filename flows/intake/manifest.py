"""The client's manifest of one business date: what was sent, how many rows, which bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.errors import FileBroken, NothingDelivered, WrongDay
from flows.settings import Instance


def digest_of_parts(hashes: Mapping[str, str]) -> str:
    """Return one hash for a delivery: that of its file, or one over the hashes of its parts."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    told = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(hashes.items()))
    return hashlib.sha256(told.encode()).hexdigest()


class Part(BaseModel):
    """One file of many that a table was sent in."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str
    sha256: str | None = None


class Entry(BaseModel):
    """One table of a manifest: sent in one `file`, in many `files`, or read from a database."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    table: str
    rows: int = Field(ge=0)
    file: str | None = None
    sha256: str | None = None
    files: tuple[Part, ...] = ()

    @property
    def sha256_of_all(self) -> str | None:
        """The hash that a delivery of exactly these files has; None where one is not told."""
        parts = self.parts
        if not parts or None in parts.values():
            return None
        return digest_of_parts({name: str(sha256) for name, sha256 in parts.items()})

    @property
    def parts(self) -> dict[str, str | None]:
        """The hash of each file that the manifest names, where it tells one."""
        if self.file is not None:
            return {self.file: self.sha256}
        return {part.file: part.sha256 for part in self.files}


class Manifest(BaseModel):
    """What the client says it has sent for one business date."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    client: str
    business_date: dt.date
    initial: bool = False
    tables: tuple[Entry, ...]

    def entry(self, table: str) -> Entry | None:
        """Return what the manifest says of a table, or None."""
        return next((entry for entry in self.tables if entry.table == table), None)


def _path(instance: Instance, day: dt.date) -> Path:
    return instance.deliveries / day.isoformat() / "manifest.json"


def is_delivered(instance: Instance, day: dt.date) -> bool:
    """True when the client has put a manifest for a business date."""
    return _path(instance, day).is_file()


def no_manifest(instance: Instance, day: dt.date) -> Manifest:
    """Return what stands for the manifest of a client whose sources send none."""
    return Manifest(client=instance.client, business_date=day, tables=())


def read_manifest(instance: Instance, day: dt.date) -> Manifest:
    """Return the manifest of a business date.

    Raises:
        NothingDelivered: when there is none.
        FileBroken: when it is not a manifest.
        WrongDay: when it is of another date.
    """
    path = _path(instance, day)
    if not path.is_file():
        raise NothingDelivered(
            f"Nothing has been delivered for {day}: there is no {path}. "
            f"Ask the client to deliver, then run: scv run {day}"
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        wrong = f"'{where}' is missing or not as agreed" if where else "it is no JSON, or cut off"
        raise FileBroken(
            f"{path} is not a manifest: {wrong}. Ask the client to send it again, then run: "
            f"scv run {day}"
        ) from None
    if manifest.business_date != day:
        raise WrongDay(
            f"{path} is the manifest of {manifest.business_date}, not of {day}. "
            f"Ask the client for the delivery of {day}."
        )
    return manifest
