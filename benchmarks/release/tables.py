"""The tables of the page: each measurement a row, and whether it is what it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks.release.comparison import Compared
from benchmarks.release.moves import Moved
from benchmarks.release.redeploy import ANEW, KINDS, Remade

# From the plan of the project: wall seconds of a comparison by customers, wall seconds of a move
# of live, and the share of a full build that one attribute near the view may cost.
COMPARISONS = {20_000_000: 60}
MOVE = 2.0
SHARE = 0.3
DEAREST = 6
WORTH_A_ROW = 0.1  # CPU seconds
NODES = tuple(dict.fromkeys(KINDS.values()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def moves(found: Sequence[Moved]) -> str:
    """Return what each size took to move live, by function and by command."""
    head = ["measured", "customers", "build GB", "publish, median / worst s"]
    head += ["roll back, median / worst s", "`scv rollback`, median / worst s", "target"]
    return table(
        head,
        (
            [
                each.date,
                f"{each.customers:,}",
                f"{each.build_size:.2f}",
                *(f"{median(took):.3f} / {max(took):.3f}" for took in _series(each)),
                _held(max(map(max, _series(each))), MOVE, f"≤ {MOVE:.0f} s"),
            ]
            for each in found
        ),
    )


def readers(found: Sequence[Moved]) -> str:
    """Return what the reader was answered meanwhile."""
    head = ["customers", "answers", "moves of live", "of them while a query ran"]
    head += ["old build after a move", "build live at opening", "wrong", "failed", "target"]
    rows = []
    for each in found:
        seen = each.seen
        counts = [seen.answers, len(each.publish) + len(each.roll_back), seen.within]
        counts += [seen.kept, seen.fresh, seen.wrong, seen.failed]
        held = _held(seen.wrong + seen.failed, 0, "none wrong, none failed")
        rows.append([f"{each.customers:,}", *map(str, counts), held])
    return table(head, rows)


def shares(found: Sequence[Remade]) -> str:
    """Return how much of everything anew each candidate makes anew."""
    head = ["measured", "customers", "one attribute", "models made anew", "their CPU s"]
    head += ["share", "whole candidate, wall / CPU s", "share, wall / CPU", "peak GB"]
    head += ["target: models", "target: whole"]
    rows = []
    for each, anew in _beside_anew(found):
        mine, all_ = each.of("models"), anew.of("models")
        rest = each.cpu / anew.cpu
        rows.append(
            [
                each.date,
                f"{each.customers:,}",
                each.case,
                f"{mine[0]} of {all_[0]}",
                f"{mine[2]:.1f} of {all_[2]:.1f}",
                f"{mine[2] / all_[2]:.0%}",
                f"{each.wall:.0f} / {each.cpu:.0f} of {anew.wall:.0f} / {anew.cpu:.0f}",
                f"{each.wall / anew.wall:.0%} / {rest:.0%}",
                f"{each.peak:.1f} of {anew.peak:.1f}",
                *(_held(share, SHARE, f"≤ {SHARE:.0%}") for share in (mine[2] / all_[2], rest)),
            ]
        )
    return table(head, rows)


def parts(found: Sequence[Remade]) -> str:
    """Return where the CPU seconds of each candidate go; of nodes how many, and dbt's seconds."""
    names = dict.fromkeys(part.name for each in found for part in each.parts)
    head = ["CPU s", *(f"{each.customers:,}: {each.case}" for each in found)]
    rows = [[kind, *(_of(each, kind) for each in found)] for kind in NODES]
    for name in names:
        told = [sum(part.cpu for part in each.parts if part.name == name) for each in found]
        if max(told) >= WORTH_A_ROW:
            rows.append([name, *(f"{cpu:.1f}" for cpu in told)])
    return table(head, rows)


def dearest(found: Sequence[Remade]) -> str:
    """Return the dearest models and data tests of each candidate of the largest client."""
    largest = max(each.customers for each in found)
    head = ["one attribute", "the dearest, CPU s"]
    rows = []
    for each in found:
        if each.customers == largest and each.case != ANEW:
            for kind in ("models", "data tests"):
                nodes = Counter({node.name: node.cpu for node in each.nodes if node.kind == kind})
                told = (f"{_short(name)} {cpu:.1f}" for name, cpu in nodes.most_common(DEAREST))
                rows.append([f"{each.case}: {kind}", ", ".join(told)])
    return table(head, rows)


def comparisons(found: Sequence[Compared]) -> str:
    """Return what each comparison took beside the floor."""
    head = ["measured", "customers", "attributes", "build GB", "what changed"]
    head += ["comparison, wall / CPU s", "peak GB", "fingerprints of both"]
    head += ["floor, wall / CPU s", "to floor, CPU", "target"]
    cases: dict[tuple[int, int, str], dict[str, Compared]] = {}
    for each in found:
        cases.setdefault((each.customers, each.columns, each.case), {})[each.work] = each
    rows = []
    for (customers, columns, case), works in cases.items():
        mine, prints, floor = (works[name] for name in ("comparison", "fingerprints", "floor"))
        most = COMPARISONS.get(customers)
        rows.append(
            [
                mine.date,
                f"{customers:,}",
                str(columns),
                f"{mine.build_size:.1f}",
                f"{case}: {mine.changed} told",
                f"{mine.wall:.1f} / {mine.cpu:.1f}",
                f"{mine.peak:.1f}",
                f"{prints.wall:.1f} / {prints.cpu:.1f}",
                f"{floor.wall:.1f} / {floor.cpu:.1f}",
                f"{mine.cpu / floor.cpu:.2f}",
                _held(mine.wall, most, f"≤ {most} s") if most else "",
            ]
        )
    return table(head, rows)


def _series(found: Moved) -> tuple[tuple[float, ...], ...]:
    return found.publish, found.roll_back, found.command


def _beside_anew(found: Sequence[Remade]) -> list[tuple[Remade, Remade]]:
    anew = {each.customers: each for each in found if each.case == ANEW}
    return [(each, anew[each.customers]) for each in found if each.case != ANEW]


def _of(found: Remade, kind: str) -> str:
    count, seconds, cpu = found.of(kind)
    return f"{cpu:.1f} ({count} in {seconds:.0f} s)"


def _held(found: float, most: float, told: str) -> str:
    return f"{told}: {'met' if found <= most else 'missed'}"


def _short(name: str) -> str:
    return name if len(name) <= 50 else f"{name[:50]}…"
