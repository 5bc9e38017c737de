"""One thing that is measured: a way of ours, and the bare one that it is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.settings import Instance


@dataclass(frozen=True)
class Place:
    """Where a case works: `folder` is its own, and holds `rows` rows of data once prepared."""

    folder: Path
    rows: int

    @property
    def instance(self) -> Instance:
        """An instance with the settings that it has by default, and folders of the place."""
        return Instance(deliveries=self.folder / "deliveries", warehouse=self.folder / "run")

    @property
    def sent(self) -> Path:
        """The folder in which the client delivers."""
        return self.instance.deliveries

    @property
    def table(self) -> Path:
        """The rows themselves, as DuckDB writes them: what every delivery is made from."""
        return self.folder / "table.parquet"

    @property
    def written(self) -> Path:
        """What the bare way writes."""
        return self.folder / "run" / "bare.parquet"


Work = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """What is measured. `ours` and `bare` set up and return the work that the clock is put to.

    `share` is the part of the rows asked for; `most` the ratio of CPU seconds to stay below, or
    None where the figure only informs.
    """

    name: str
    ours: Callable[[Place], Work]
    bare: Callable[[Place], Work] | None
    against: str
    prepare: Callable[[Place], None]
    share: float = 1
    most: float | None = None
