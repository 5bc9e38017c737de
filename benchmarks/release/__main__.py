"""The way in: `python -m benchmarks.release --help`."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.nightly.place import Place
from benchmarks.release import comparison, moves, redeploy
from benchmarks.release.pair import Pair, Size, make_after, make_before
from benchmarks.release.records import Results
from benchmarks.release.results import page

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


class Part(StrEnum):
    """What is measured of two builds."""

    COMPARISON = "comparison"
    MOVES = "moves"


def run(
    customers: Annotated[
        list[int] | None, typer.Option(min=1000, help="Of two builds. May be given repeatedly.")
    ] = None,
    redeployed: Annotated[
        list[int] | None, typer.Option(min=1000, help="Of a client. May be given repeatedly.")
    ] = None,
    part: Annotated[
        list[Part] | None, typer.Option(help="Of two builds; else both. Candidates: --redeployed.")
    ] = None,
    columns: Annotated[int, typer.Option(min=12, help="Attributes of the view.")] = 100,
    folder: Annotated[
        Path | None, typer.Option(help="Where the builds are made, and removed at the end.")
    ] = None,
    clients: Annotated[
        Path | None, typer.Option(help="Where clients are made, and kept: SCALE of make scale.")
    ] = None,
    results: Annotated[Path, typer.Option(help="The measurements; of a size, the last.")] = RESULTS,
    out: Annotated[Path, typer.Option(help="The folder of the page.")] = HERE,
    date: Annotated[str, typer.Option(help="The date of what is measured; else today's.")] = "",
) -> None:
    """Move, compare and remake builds at each size, write a page."""
    found, day = Results.read(results), date or str(dt.date.today())
    works = [_of_a_pair(found, Size(each, columns), part, day) for each in customers or ()]
    works += [_of_a_client(found, each, clients, day) for each in redeployed or ()]
    for work in works:
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=folder) as temporary:
            work(Path(temporary).resolve())
        found.write(results)
    text = page(found)
    (out / "RESULTS.md").write_text(text)
    typer.echo(f"\n{text}\nwritten to {out / 'RESULTS.md'}")


def _of_a_pair(
    found: Results, size: Size, parts: list[Part] | None, date: str
) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        pair = Pair(folder)
        typer.echo(f"{size.customers:,} customers: making the builds")
        make_before(pair, size)
        if Part.COMPARISON in (parts or Part):
            found.compared(comparison.measure(pair, size, date, typer.echo))
        if Part.MOVES in (parts or Part):
            make_after(pair, size, everything=True)
            found.moved(moves.measure(pair, size, date, typer.echo))

    return work


def _of_a_client(
    found: Results, customers: int, clients: Path | None, date: str
) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        place = Place((clients or folder).resolve() / str(customers))
        place.folder.mkdir(parents=True, exist_ok=True)
        found.remade(redeploy.measure(place, customers, folder / "clone", date, typer.echo))

    return work


if __name__ == "__main__":
    typer.run(run)
