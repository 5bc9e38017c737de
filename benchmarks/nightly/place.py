"""Where one size of the client lives while it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows.settings import Instance


@dataclass(frozen=True)
class Place:
    """A folder with deliveries, warehouse, the floor's database and room to spill."""

    folder: Path

    @property
    def instance(self) -> Instance:
        """An instance with the settings that it has by default, in folders of the place."""
        return Instance(deliveries=self.folder / "deliveries", warehouse=self.folder / "warehouse")

    @property
    def environment(self) -> dict[str, str]:
        """What tells the project's own commands of the place."""
        return {
            "SCV_DELIVERIES": str(self.instance.deliveries),
            "SCV_WAREHOUSE": str(self.instance.warehouse),
        }

    @property
    def floor(self) -> Path:
        """The database of the hand-written night."""
        return self.folder / "floor.duckdb"

    @property
    def spill(self) -> Path:
        """Where DuckDB puts what memory does not hold."""
        return self.folder / "spill"
