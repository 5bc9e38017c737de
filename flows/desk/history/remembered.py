"""What was read once and cannot read otherwise: answers by the hash of what they were read from.

Reading YAML costs a hundredth of a second a file, and the pages are written every night. What is
kept here may be thrown away at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Another number when answers are told in another way.
SHAPE = 1


class Remembered:
    """Answers by key, in a file of JSON; without a path they are only kept while this lives."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known = _read(path) if path else {}
        self._used: dict[str, Any] = {}
        self._is_new = False

    def answer(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what is known of a key, or make it. What is made must be fit for JSON."""
        if key not in self._used:
            if key not in self._known:
                self._known[key] = json.loads(json.dumps(make(), default=str))
                self._is_new = True
            self._used[key] = self._known[key]
        return self._used[key]

    def keep(self) -> None:
        """Write what was asked for; what nobody asked for any more is forgotten."""
        if self._path is None or (not self._is_new and len(self._used) == len(self._known)):
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            arriving = self._path.with_name(f".{os.getpid()}-{self._path.name}")
            arriving.write_text(json.dumps({"shape": SHAPE, "answers": self._used}))
            arriving.replace(self._path)
        except OSError:
            # It is read again the next time, which only takes longer.
            return


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(told, dict) or told.get("shape") != SHAPE:
        return {}
    return dict(told.get("answers") or {})
