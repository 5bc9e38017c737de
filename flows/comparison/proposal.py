"""What a comparison found, as a request would declare it: for a person to read, and to say why."""

from __future__ import annotations

import math
from typing import Any

from flows.comparison.result import Comparison

MARGIN = 1.5  # today is one day: another moves more
STEP = 1000  # shares are rounded up to a thousandth


def proposed(comparison: Comparison) -> dict[str, Any]:
    """Return `expects` of what differs: attributes with their bounds, and columns that came.

    The reason of each is left empty, and a request with an empty one is not read.
    """
    attributes = {
        each.name: {"share_at_most": _bound(each.share), "why": ""}
        for each in comparison.view.attributes
        if each.changed
    }
    new = [each.name for each in comparison.view.columns.added]
    told: dict[str, Any] = {"attributes": attributes} if attributes else {}
    return told | ({"columns": {"new": new}} if new else {})


def _bound(share: float) -> float:
    return min(1.0, math.ceil(share * MARGIN * STEP) / STEP)
