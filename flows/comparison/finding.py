"""One difference between two builds and what became of it, in words."""

from __future__ import annotations

from typing import Literal

from flows.comparison.result import Frozen

Kind = Literal["declared", "consequence", "out of bounds", "unexplained", "hard stop"]
What = Literal["attribute", "column", "customers", "campaign", "relation", "consent"]


class Finding(Frozen):
    """One difference and what became of it.

    Args:
        share: how much of it differs, 0 to 1; None where that says nothing.
        at_most: what was declared, None where nothing was.
        sentence: all of it in words, and where to look.
    """

    kind: Kind
    what: What
    name: str
    share: float | None
    at_most: float | None
    sentence: str


def declared_up_to(at_most: float) -> str:
    """Return what was declared, in words."""
    return f"declared are up to {percent(at_most)}"


def listed(names: list[str]) -> str:
    """Return a few of many names, in words."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def counted(count: int, word: str) -> str:
    """Return a number of things."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def share_of(count: int, of: int) -> float:
    """Return a share of 0 to 1."""
    return round(count / of, 9) if of else 0.0


def percent(share: float) -> str:
    """Return a share of 0 to 1 in percent, with as many digits as say something."""
    if share in (0.0, 1.0):
        return f"{100 * share:.0f} %"
    return f"{100 * share:.1f} %" if share >= 0.001 else "< 0.1 %"
