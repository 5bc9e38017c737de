"""The hold-out report as it is kept: numbers for the page of the docs site, and a page to read.

Both are committed beside the seed of the fit, so that who reviews a fit sees how good it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.predictions import bgnbd, gamma_gamma
from flows.settings import PROJECT

if TYPE_CHECKING:
    from flows.predictions.holdout import HoldOut

DOCS = PROJECT / "docs"
NUMBERS, PAGE = "predictions-report.json", "predictions-report.md"
TARGETS = {"orders": "Orders", "value": "Net sales, US dollars"}
# What is measured: its name, in words, its format, and when it is good.
FIELDS = (
    ("mae", "mean absolute error", "{:,.2f}", "nearest nothing"),
    ("rmse", "root mean square error", "{:,.2f}", "nearest nothing"),
    ("bias", "bias (predicted less real)", "{:+,.2f}", "nearest nothing"),
    ("spearman", "rank correlation (Spearman)", "{:.3f}", "highest"),
    ("top_decile", "share of it in the tenth predicted highest", "{:.1%}", "highest"),
    ("gini", "Gini, of a perfect ranking's", "{:.3f}", "highest"),
)


def write_report(held: HoldOut, folder: Path = DOCS) -> tuple[Path, Path]:
    """Write the numbers and the page of a hold-out, and return their paths."""
    told = _told(held)
    numbers, page = folder / NUMBERS, folder / PAGE
    numbers.write_text(json.dumps(told, indent=1) + "\n")
    page.write_text("\n".join(_page(told)) + "\n")
    return numbers, page


def read_report(folder: Path = DOCS) -> dict[str, Any] | None:
    """Return the numbers of the report that is kept, or None before the first."""
    path = folder / NUMBERS
    return json.loads(path.read_text()) if path.is_file() else None


def _told(held: HoldOut) -> dict[str, Any]:
    parameters = {name: getattr(held.fit.orders, name) for name in bgnbd.PARAMETERS}
    parameters |= {name: getattr(held.fit.values, name) for name in gamma_gamma.PARAMETERS}
    return {
        "learned_until": held.cut.isoformat(),
        "held_out_until": held.until.isoformat(),
        "days": (held.until - held.cut).days,
        "customers_learned": held.fit.customers,
        "customers": held.customers,
        "parameters": {name: float(f"{value:.6g}") for name, value in parameters.items()},
        "tables": [_table(held, target) for target in TARGETS],
        "calibration": {
            target: [{k: round(v, 4) for k, v in asdict(each).items()} for each in deciles]
            for target, deciles in held.calibration.items()
        },
        "tracking": [
            {"day": at.day.isoformat(), "real": at.real, "expected": round(at.expected, 1)}
            for at in held.tracking
        ],
    }


def _table(held: HoldOut, target: str) -> dict[str, Any]:
    """Return the measures of one target: a row each, a cell for each method, who was best."""
    of = {each.method: asdict(each) for each in held.measures if each.target == target}
    rows = []
    for field, words, form, good in FIELDS:
        values = {method: told[field] for method, told in of.items() if told[field] is not None}
        cells = [form.format(values[m]) if m in values else "–" for m in of]
        top = form.format(_best(values.values(), good)).lstrip("+-")
        best = [number for number, cell in enumerate(cells) if cell.lstrip("+-") == top]
        rows.append({"measure": words, "cells": cells, "best": best})
    return {"target": TARGETS[target], "methods": list(of), "rows": rows}


def _best(values: Iterable[float], good: str) -> float:
    return max(values) if good == "highest" else min(values, key=abs)


def _page(told: dict[str, Any]) -> Iterator[str]:
    yield "# How good the predictions were"
    yield ""
    yield "Written by `scv predictions report`; what the words mean stands in"
    yield "[predictions.md](predictions.md), and the charts on the docs site (`predictions.html`)."
    yield ""
    yield (
        f"Learned until {told['learned_until']} from {told['customers_learned']:,} customers, held "
        f"against the {told['days']} days up to {told['held_out_until']} ({told['customers']:,} "
        "customers). Bold is the best of the three."
    )
    for table in told["tables"]:
        yield from ("", f"## {table['target']}", "", f"| | {' | '.join(table['methods'])} |")
        yield "|---" * (len(table["methods"]) + 1) + "|"
        for row in table["rows"]:
            cells = [f"**{c}**" if n in row["best"] else c for n, c in enumerate(row["cells"])]
            yield f"| {row['measure']} | {' | '.join(cells)} |"
    yield from ("", "## Calibration, by tenths of what was predicted", "")
    yield "| tenth | orders, predicted | real | net sales, predicted | real | will buy | bought |"
    yield "|---|---|---|---|---|---|---|"
    tenths = zip(
        *(told["calibration"][name] for name in ("orders", "value", "bought")), strict=True
    )
    for number, (orders, value, bought) in enumerate(tenths, start=1):
        yield (
            f"| {number} | {orders['predicted']:.1f} | {orders['real']:.1f} "
            f"| {value['predicted']:,.0f} | {value['real']:,.0f} "
            f"| {bought['predicted']:.1%} | {bought['real']:.1%} |"
        )
