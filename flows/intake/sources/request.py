"""What is asked of a source, and what it leaves in the landing."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from flows.intake.sources.declared import Form
from flows.settings import Instance


@dataclass(frozen=True)
class Request:
    """One table of one business date.

    `earliest` is the first day whose changes are asked for (None: all there is); `folder` is
    where the source writes, and is the source's alone; `limit` asks for a sample of so many rows.
    """

    instance: Instance
    source: str
    table: str
    owner: str
    day: dt.date
    earliest: dt.date | None
    folder: Path
    limit: int | None = None

    @property
    def again(self) -> str:
        """What to do once it is mended, for the end of a sentence."""
        if self.limit is not None:
            return f"then: scv source check {self.table}"
        return f"then run: scv run {self.day}"


def sent_as(path: Path) -> str:
    """Return the name under which the client sent a landed file: ours begins with its hash."""
    return re.sub(r"^[0-9a-f]{16}-", "", path.name)


@dataclass(frozen=True)
class Arrived:
    """The files that a source wrote into the request's folder, and how they are to be read.

    `names` are those under which the client knows them, one a part. `modified_at` is when the
    client last changed them, in UTC, where it can be known.
    """

    parts: tuple[Path, ...]
    form: Form
    modified_at: dt.datetime | None = None
