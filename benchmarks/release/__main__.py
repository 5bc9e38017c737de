"""The way in: `python -m benchmarks.release --help`."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.release.measure import as_json, from_json, measure
from benchmarks.release.pair import Size
from benchmarks.release.results import page

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def run(
    customers: Annotated[list[int], typer.Option(min=1000, help="May be given repeatedly.")],
    columns: Annotated[int, typer.Option(min=12, help="Attributes of the view.")] = 100,
    folder: Annotated[
        Path | None, typer.Option(help="Where the builds are made, and removed at the end.")
    ] = None,
    results: Annotated[Path, typer.Option(help="The measurements; of a size, the last.")] = RESULTS,
    out: Annotated[Path, typer.Option(help="The folder of the page.")] = HERE,
    date: Annotated[str, typer.Option(help="The date on the page; else today's.")] = "",
) -> None:
    """Make two builds at each size, compare them and join them by hand, write a page."""
    found = from_json(results.read_text()) if results.exists() else []
    for each in customers:
        size = Size(each, columns)
        with tempfile.TemporaryDirectory(prefix="benchmark-", dir=folder) as made:
            measured = list(measure(Path(made), size, typer.echo))
        found = [m for m in found if (m.customers, m.columns) != (each, columns)] + measured
        found.sort(key=lambda m: (m.customers, m.columns))
        results.write_text(as_json(found))
    text = page(found, date or str(dt.date.today()))
    (out / "RESULTS.md").write_text(text)
    typer.echo(f"\n{text}\nwritten to {out / 'RESULTS.md'}")


if __name__ == "__main__":
    typer.run(run)
