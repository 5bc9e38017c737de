"""Every request that can be read, for people who look: what is broken is named, and left out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from flows.desk.history.remembered import Remembered
from flows.desk.store import NUMBER, Desk, Document


def documents_of(desk: Desk, remembered: Remembered) -> tuple[list[Document], list[str]]:
    """Return the requests by number, as `Desk.documents` does, and which files cannot be read.

    Dates of what was remembered are texts.
    """
    found: dict[str, Document] = {}
    broken = []
    for folder in (desk.folder, desk.accepted):
        for path in sorted(folder.glob("CR-*.yml")):
            number = NUMBER.match(path.name)
            if number is None:
                continue
            document = _document(number.group(0), path, folder == desk.accepted, remembered)
            if document is None:
                broken.append(path.name)
            else:
                found[document.id] = document
    return sorted(found.values(), key=lambda each: int(each.id.removeprefix("CR-"))), broken


def _document(name: str, path: Path, accepted: bool, remembered: Remembered) -> Document | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    version = hashlib.sha256(content).hexdigest()
    told = remembered.answer(f"request {version}", lambda: _mapping(content))
    return Document(name, told, version, path, accepted) if told else None


def _mapping(content: bytes) -> dict[str, Any] | None:
    try:
        told = YAML(typ="safe", pure=True).load(content.decode())
    except (UnicodeError, YAMLError):
        return None
    return {str(key): each for key, each in told.items()} if isinstance(told, dict) else None
