"""The report of a comparison: a page that a person reviews, and the same as JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path

from flows.comparison.finding import Finding
from flows.comparison.judgement import ORDER, Judgement
from flows.comparison.result import Comparison
from flows.templates import put, write


def write_comparison(
    folder: Path, name: str, comparison: Comparison, judgement: Judgement | None = None
) -> Path:
    """Write `<name>.html` and `<name>.json` into a folder and return the page.

    Args:
        folder: one below the front page of the site, such as `comparisons/`.
        name: of both files, without an ending.
        comparison: what differs.
        judgement: against what a release declared; None where nobody declared anything, as when
            two builds are compared by hand.
    """
    page = folder / f"{name}.html"
    found = {each.name: each for each in judgement.findings} if judgement else {}
    # What a reviewer must look at comes first, then what changed most.
    attributes = sorted(
        comparison.view.attributes,
        key=lambda each: (_rank(found.get(each.name)), -each.changed, each.name),
    )
    write(
        page,
        "comparison.html.j2",
        "../",
        c=comparison,
        j=judgement,
        findings=found,
        attributes=attributes,
        json=name,
    )
    told = {
        "digest": comparison.digest,
        "verdict": judgement.verdict if judgement else None,
        "comparison": comparison.model_dump(mode="json"),
        "judgement": judgement.model_dump(mode="json") if judgement else None,
    }
    put(folder / f"{name}.json", json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return page


def _rank(found: Finding | None) -> int:
    return ORDER.index(found.kind) if found else len(ORDER)
