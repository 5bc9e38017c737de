"""A full disk, said in a sentence, whoever finds out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import NoSpace


@contextmanager
def room(folder: Path, day: dt.date) -> Iterator[None]:
    """Turn the operating system's word of a full disk into ours.

    Raises:
        NoSpace: when something in the block could not be written for want of room.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in NoSpace.NUMBERS:
            raise
        raise NoSpace.on(folder, day) from None
