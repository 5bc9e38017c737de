"""All that was measured, as the file of results holds it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.release.comparison import Compared
from benchmarks.release.moves import Moved
from benchmarks.release.redeploy import Remade


@dataclass
class Results:
    """The measurements of each part, in the order of their sizes; of a size, the last."""

    moves: list[Moved] = field(default_factory=list)
    redeploys: list[Remade] = field(default_factory=list)
    comparisons: list[Compared] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Results:
        """Return what a file holds; nothing where there is none."""
        told = json.loads(path.read_text()) if path.exists() else {}
        return cls(
            [Moved.told(each) for each in told.get("moves", ())],
            [Remade.told(each) for each in told.get("redeploys", ())],
            [Compared(**each) for each in told.get("comparisons", ())],
        )

    def write(self, path: Path) -> None:
        """Write all of it where `read` finds it."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def moved(self, found: Moved) -> None:
        """Put the moves of a size in the place of those from before."""
        kept = [each for each in self.moves if _pair(each) != _pair(found)]
        self.moves = sorted([*kept, found], key=_pair)

    def compared(self, found: Iterable[Compared]) -> None:
        """Put the comparisons of a size in the place of those from before."""
        new = list(found)
        kept = [each for each in self.comparisons if _pair(each) not in map(_pair, new)]
        self.comparisons = sorted([*kept, *new], key=_pair)

    def remade(self, found: Iterable[Remade]) -> None:
        """Put the candidates of a size in the place of those from before."""
        new = list(found)
        sizes = {each.customers for each in new}
        kept = [each for each in self.redeploys if each.customers not in sizes]
        self.redeploys = sorted([*kept, *new], key=lambda each: each.customers)


def _pair(found: Moved | Compared) -> tuple[int, int]:
    return found.customers, found.columns
