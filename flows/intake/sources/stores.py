"""Where files are: what every store can do, and the local folder. `sftp` and `s3` are the others.

A store lists and copies through fsspec. It raises what its libraries raise, and says of such an
error which of four things it means; `files` makes the sentence of it.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from flows.errors import ContractWrong, SettingsWrong
from flows.intake.sources.declared import Files, resolve
from flows.intake.sources.request import Request
from flows.intake.sources.texts import what_a_store_lacks

Meaning = Literal["missing", "refused", "stranger", "unreachable"]


class Outside(Exception):
    """A name or a link that leads out of the store's folder. `str` is where it stands."""


@dataclass(frozen=True, order=True)
class Item:
    """A file of a store: its path below the store's folder, its bytes, its last change in UTC."""

    path: str
    size: int
    modified_at: dt.datetime

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]


class Store(ABC):
    """A folder that files are fetched from. A context: it is connected to on entering.

    `shown` is its address as a person may read it, without user and password. `root` is its
    folder as `filesystem` names it.
    """

    shown: str
    root: str
    filesystem: Any

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    @abstractmethod
    def meaning(self, error: Exception) -> Meaning | None:
        """Say what an error of the libraries means; None for what is no fault of the store."""

    @abstractmethod
    def is_within(self, path: str) -> bool:
        """True when what a path stands for, links followed, is below the store's folder."""

    @abstractmethod
    def copy(self, item: Item, target: Path) -> None:
        """Copy the bytes of a file, as far as they go, into a file of ours that is there."""

    def files(self, folders: str, is_wanted: Callable[[str], bool]) -> list[Item]:
        """Return the files whose name is wanted, in all folders that match, sorted by path.

        Raises:
            Outside: when a folder or a file is not below the store's folder.
        """
        return sorted(
            self._item(place, entry)
            for place in self._places(folders)
            for name, entry in self._entries(place)
            if is_wanted(name) and entry["type"] == "file"
        )

    def _places(self, folders: str) -> list[str]:
        places = [self.root]
        for part in [part for part in folders.split("/") if part]:
            if "*" in part:
                places = [
                    f"{place}/{name}"
                    for place in places
                    for name, entry in self._entries(place)
                    if fnmatchcase(name, part) and entry["type"] == "directory"
                ]
            else:
                places = [f"{place}/{part}" for place in places]
        return places

    def _entries(self, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        # Not fsspec's glob: it takes a folder that could not be listed for an empty one.
        if not self.is_within(place):
            raise Outside(place)
        with suppress(FileNotFoundError, NotADirectoryError):
            for entry in self.filesystem.ls(place or "/", detail=True):
                name = entry["name"].removeprefix(f"{place}/")
                if name != entry["name"] and entry["type"] != "directory":
                    # A link is listed as itself, and is what it stands for.
                    with suppress(FileNotFoundError):
                        yield name, self._followed(entry)
                elif name != entry["name"]:
                    yield name, entry

    def _followed(self, entry: dict[str, Any]) -> dict[str, Any]:
        is_link = entry["type"] == "link" or entry.get("islink")
        return self.filesystem.info(entry["name"]) if is_link else entry

    def _item(self, place: str, entry: dict[str, Any]) -> Item:
        path = entry["name"]
        name = path.removeprefix(f"{place}/")
        if {"/", "\\"} & set(name) or not name.isprintable() or not self.is_within(path):
            raise Outside(ascii(path)[1:-1])
        changed = entry["mtime"]
        if not isinstance(changed, dt.datetime):
            changed = dt.datetime.fromtimestamp(changed, dt.UTC)
        return Item(path.removeprefix(f"{self.root}/"), entry["size"], changed)


class Folder(Store):
    """A folder of this machine, or one that is mounted on it."""

    def __init__(self, folder: Path) -> None:
        from fsspec.implementations.local import LocalFileSystem

        self.shown = self.root = os.path.abspath(folder).rstrip("/")  # noqa: PTH100
        self.filesystem = LocalFileSystem()

    def meaning(self, error: Exception) -> Meaning | None:
        """Say what an error of the file system means."""
        if isinstance(error, FileNotFoundError):
            return "missing"
        if isinstance(error, PermissionError):
            return "refused"
        away = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.ENOTCONN)
        return "unreachable" if isinstance(error, OSError) and error.errno in away else None

    def is_within(self, path: str) -> bool:
        """True when a path, links followed, is below the folder."""
        return Path(path).resolve().is_relative_to(Path(self.root).resolve())

    def copy(self, item: Item, target: Path) -> None:
        """Copy as the kernel copies best."""
        shutil.copyfile(Path(self.root, item.path).resolve(), target)


def open_store(source: Files, request: Request) -> Store:
    """Return the store of a source, not connected to yet.

    Raises:
        ContractWrong: when its address is not one, or what it needs is not declared.
        SettingsWrong: when a variable or a key file that it names is not there.
    """
    address = _filled(source.store, request)
    wrong = what_a_store_lacks(source, address)
    if wrong is None and address.startswith("sftp://"):
        return _open_server(address, source, request)
    if wrong is None and address.startswith("s3://"):
        return _open_bucket(address, source, request)
    if wrong is not None:
        raise _declared_wrong(request, wrong)
    return Folder(Path(address))


def _open_server(address: str, source: Files, request: Request) -> Store:
    from flows.intake.sources.sftp import Login, Server, read_host_key, read_private_key

    path = _filled(source.private_key, request) if source.private_key else None
    key = read_private_key(Path(path)) if path else None
    if path and key is None:
        raise SettingsWrong(
            f"The source {request.source} names the private key {path}, and no key without a "
            "passphrase can be read there: put it there, then run again."
        )
    host_key = read_host_key(_filled(source.host_key or "", request))
    if host_key is None:
        raise _declared_wrong(request, "host_key is not a type and a key in base64")
    password = _filled(source.password, request) if source.password else None
    username = _filled(source.username or "", request)
    login = Login(username, password, key, host_key, source.timeout_seconds)
    return Server(address, login)


def _open_bucket(address: str, source: Files, request: Request) -> Store:
    from flows.intake.sources.s3 import Account, Bucket

    keys = [_filled(key, request) for key in (source.access_key, source.secret_key) if key]
    access_key, secret_key = keys or (None, None)
    endpoint = _filled(source.endpoint, request) if source.endpoint else None
    if endpoint and not endpoint.startswith(("https://", "http://")):
        raise _declared_wrong(request, "endpoint begins with https:// (or http://)")
    region = _filled(source.region, request) if source.region else None
    account = Account(access_key, secret_key, endpoint, region, source.timeout_seconds)
    return Bucket(address, account)


def _filled(text: str, request: Request) -> str:
    return resolve(text, request.instance, request.source)


def _declared_wrong(request: Request, what: str) -> ContractWrong:
    return ContractWrong(f"sources/{request.source}.yml: {what}. Mend it, then run again.")
