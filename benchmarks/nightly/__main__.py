"""The way in: `python -m benchmarks.nightly --help`."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.nightly.chart import chart
from benchmarks.nightly.measure import Night, as_json, from_json, measure, remove
from benchmarks.nightly.place import Place
from benchmarks.nightly.results import page
from benchmarks.nightly.size import Size, nights

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def run(
    customers: Annotated[list[int], typer.Option(min=1000, help="May be given repeatedly.")],
    count: Annotated[int, typer.Option("--nights", min=1, max=12, help="Nights measured.")] = 2,
    folder: Annotated[
        Path | None, typer.Option(help="Where data is made, and kept; else removed at the end.")
    ] = None,
    results: Annotated[Path, typer.Option(help="The measurements; of a size, the last.")] = RESULTS,
    out: Annotated[Path, typer.Option(help="The folder of the page and its chart.")] = HERE,
    date: Annotated[str, typer.Option(help="The date on the page; else today's.")] = "",
) -> None:
    """Make the client at each size, run true nights and the hand-written ones, write a page."""
    found = from_json(results.read_text()) if results.exists() else []
    for each in customers:
        measured = _measure(Size(each), nights(count), folder)
        found = [night for night in found if night.customers != each] + measured
        found.sort(key=lambda night: (night.customers, night.day))
        results.write_text(as_json(found))
    (out / "nights.svg").write_text(chart(found))
    text = page(found, date or str(dt.date.today()))
    (out / "RESULTS.md").write_text(text)
    typer.echo(f"\n{text}\nwritten to {out / 'RESULTS.md'}")


def _measure(size: Size, days: list[dt.date], folder: Path | None) -> list[Night]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as temporary:
        place = Place((folder or Path(temporary)).resolve() / str(size.customers))
        place.folder.mkdir(parents=True, exist_ok=True)
        try:
            return list(measure(place, size, days, typer.echo))
        finally:
            if folder is None:
                remove(place)


if __name__ == "__main__":
    typer.run(run)
