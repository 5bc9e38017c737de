"""Where requests stand: on the desk of an instance until they are accepted, then in the project.

`<desk>/CR-0007.yml` is what was typed, valid or not; `docs/requests/CR-0007-….yml` is accepted and
released with the code. Whoever saves names the version that they read, so that nobody's words are
lost when two people have the form open.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.desk.request import ChangeRequest, Status
from flows.desk.written import written
from flows.errors import NoSuchRequest, RequestChanged, RequestWrong
from flows.ledger import now
from flows.settings import PROJECT, Instance

ACCEPTED = PROJECT / "docs" / "requests"
NUMBER = re.compile(r"^CR-(\d{4,6})")


@dataclass(frozen=True)
class Document:
    """A request as it stands in a file, which need not be complete.

    Args:
        content: what the YAML says.
        version: the sha256 of the file.
        is_accepted: True when it stands in the project, and is not written to any more.
    """

    id: str
    content: Mapping[str, Any]
    version: str
    path: Path
    is_accepted: bool

    @property
    def status(self) -> str:
        """What people have said of it last."""
        return str(self.content.get("status", "draft"))

    @property
    def title(self) -> str:
        """Its title, or its number as long as it has none."""
        return str(self.content.get("title") or self.id)


class Desk:
    """The requests of an instance, and those that are accepted."""

    def __init__(self, folder: Path, accepted: Path = ACCEPTED) -> None:
        self.folder, self.accepted = folder, accepted

    @classmethod
    def of(cls, instance: Instance) -> Desk:
        """Return the desk of an instance."""
        return cls(instance.desk)

    def documents(self) -> list[Document]:
        """Return every request by number; one that is in the project as it stands there."""
        found = {each.id: each for each in map(self._read, self._paths())}
        return [found[name] for name in sorted(found, key=_number)]

    def read(self, request_id: str) -> Document:
        """Return one request.

        Raises:
            NoSuchRequest: when there is none of that number.
        """
        for path in reversed(self._paths()):
            if _id_of(path) == request_id:
                return self._read(path)
        raise NoSuchRequest(
            f"There is no request {request_id}. Those that there are: scv request list"
        )

    def create(self, content: Mapping[str, Any], who: str) -> Document:
        """Keep a new draft under the next free number."""
        with self._held():
            last = max([_number(_id_of(path)) for path in self._paths()], default=0)
            key = f"CR-{last + 1:04}"
            begun = {"status": "draft", "history": [said("draft", who, "")]}
            return self._write(key, {**content, "id": key, **begun})

    def save(self, request_id: str, content: Mapping[str, Any], version: str) -> Document:
        """Keep what was typed, instead of the version that was read; its history stays.

        Raises:
            NoSuchRequest: when there is none of that number.
            RequestChanged: when another version stands there.
            RequestWrong: when it is accepted.
        """
        with self._held():
            known = self._open(request_id, version)
            kept = {
                key: known.content[key] for key in ("status", "history") if key in known.content
            }
            return self._write(request_id, {**content, "id": request_id, **kept})

    def say(self, request_id: str, status: Status, who: str, note: str = "") -> Document:
        """Write down what somebody said of a request.

        Raises:
            NoSuchRequest: when there is none of that number.
            RequestWrong: when it is accepted.
        """
        with self._held():
            known = self._open(request_id, None)
            history = [*known.content.get("history", []), said(status, who, note)]
            return self._write(request_id, {**known.content, "status": status, "history": history})

    def _open(self, request_id: str, version: str | None) -> Document:
        known = self.read(request_id)
        if known.is_accepted:
            raise RequestWrong(
                f"{request_id} is accepted and stands in docs/requests/: what is to be otherwise "
                "is a new request."
            )
        if version is not None and known.version != version:
            raise RequestChanged(
                f"{request_id} was saved by somebody else meanwhile. Open it again beside this, "
                "and enter what differs."
            )
        return known

    def _write(self, request_id: str, content: Mapping[str, Any]) -> Document:
        path = self.folder / f"{request_id}.yml"
        arriving = path.with_suffix(".arriving")
        arriving.write_text(written(in_order(content)), encoding="utf-8")
        arriving.replace(path)
        return self._read(path)

    def _paths(self) -> list[Path]:
        # Those of the project come last: what is accepted is what counts.
        folders = (self.folder, self.accepted)
        return [
            p for each in folders for p in sorted(each.glob("CR-*.yml")) if NUMBER.match(p.name)
        ]

    def _read(self, path: Path) -> Document:
        try:
            content = path.read_bytes()
            told = _loaded(content)
        except (OSError, UnicodeError, YAMLError) as error:
            reason = str(error).splitlines()[0]
            raise RequestWrong(f"The request {path} cannot be read: {reason}. Mend it.") from None
        if not isinstance(told, dict):
            raise RequestWrong(f"The request {path} is no mapping of fields to values. Mend it.")
        version = hashlib.sha256(content).hexdigest()
        return Document(_id_of(path), told, version, path, path.parent == self.accepted)

    @contextmanager
    def _held(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def in_order(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with its fields in the order in which they are asked for."""
    known = [name for name in ChangeRequest.model_fields if name in content]
    return {name: content[name] for name in (*known, *(n for n in content if n not in known))}


def said(status: Status, who: str, note: str) -> dict[str, Any]:
    """Return an entry of a request's history, as of now."""
    told = {"status": status, "who": who, "at": now().replace(microsecond=0)}
    return told | ({"note": note} if note else {})


@lru_cache(maxsize=1024)
def _loaded(content: bytes) -> Any:
    """Return what YAML says: ten milliseconds a request, and the form asks for all of them."""
    return YAML(typ="safe", pure=True).load(content.decode())


def _id_of(path: Path) -> str:
    found = NUMBER.match(path.name)
    return found.group(0) if found else path.stem


def _number(request_id: str) -> int:
    return int(request_id.removeprefix("CR-"))
