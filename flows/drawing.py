"""Small pictures as inline SVG: no file beside the page, no script, light and dark by its style.

Every figure in them also stands in a table or a title beside: a picture is never the only place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from flows.distributions import Bucket, Distribution
from flows.pictures import NOBODY, Picture

WIDTH, HEIGHT, GAP = 280, 64, 2
NODE, LEFT, FLOW = 10, 130, 560


@dataclass(frozen=True)
class _Place:
    """Where a bar stands in a flow: its top, and how far its ribbons have filled it."""

    top: float
    height: float
    filled: float = 0.0


def histogram(found: Distribution) -> Markup:
    """Return an attribute's buckets as bars, those of the base as outlines; the unknown first."""
    bars = list(found.buckets)
    if found.unknown.today or found.unknown.before:
        bars.insert(0, found.unknown)
    if not bars:
        return Markup("")
    most = max(max(each.today, each.before or 0) for each in bars) or 1
    step = WIDTH / len(bars)
    drawn = [
        _bar(each, place * step, step - GAP, most, each is found.unknown)
        for place, each in enumerate(bars)
    ]
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>'
    ).format(WIDTH, HEIGHT, f"{found.attribute}: {len(bars)} buckets", Markup("").join(drawn))


def before_and_after(found: Distribution) -> tuple[Markup, Markup]:
    """Return two pictures of an attribute's buckets, in one scale: the earlier build, the later.

    Both are empty where nothing can be laid beside each other.
    """
    bars = [each for each in (found.unknown, *found.buckets) if each.today or each.before]
    if not bars or any(each.before is None for each in bars):
        return Markup(""), Markup("")
    most = max(max(each.today, each.before or 0) for each in bars)
    return (
        _alone(found, [(b, b.before or 0) for b in bars], most, "then"),
        _alone(found, [(b, b.today) for b in bars], most, "now"),
    )


def in_share(count: int, of: int) -> str:
    """Return a share in percent, with as many digits as say something."""
    share = 100 * count / of if of else 0.0
    if share in (0.0, 100.0):
        return f"{share:.0f} %"
    return f"{share:.1f} %" if share >= 0.1 else "< 0.1 %"


def flow(picture: Picture) -> Markup:
    """Return who moved as ribbons from the stages they left to those they entered.

    Who stayed is left out: they are nearly all, and would hide the others.
    """
    labels, live = picture.labels, picture.live_stages
    moved = {pair: count for pair, count in picture.moves.items() if pair[0] != pair[1]}
    if not moved:
        return Markup("")
    order = [name for name in labels if any(name in pair for pair in moved)]
    scale = 260 / sum(moved.values())
    left = _places(order, {n: sum(c for p, c in moved.items() if p[0] == n) for n in order}, scale)
    right = _places(order, {n: sum(c for p, c in moved.items() if p[1] == n) for n in order}, scale)
    bottom = max(place.top + place.height for place in [*left.values(), *right.values()])
    parts = [*_ends(left, labels, "left"), *_ends(right, labels, "right")]
    parts += _ribbons(order, moved, labels, (left, right), scale, live)
    return Markup('<svg viewBox="0 0 {} {:.0f}" role="img" aria-label="{}">{}</svg>').format(
        FLOW + 2 * LEFT, bottom + 12, "Who changed the stage", Markup("").join(parts)
    )


def kind_of_move(one: str, other: str, live: frozenset[str]) -> str:
    """Return whether a move `won` or `lost` the customer, or was `within` the live or the lost."""
    if other in live:
        return "within" if one in live else "won"
    return "within" if one == NOBODY else "lost"


def _bar(bucket: Bucket, x: float, width: float, most: int, is_unknown: bool) -> Markup:
    said = f"{bucket.label}: {bucket.today:,}"
    before = Markup("")
    if bucket.before is not None:
        said += f", yesterday {bucket.before:,}"
        height = _height(bucket.before, most)
        before = Markup(
            '<rect class="was" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        ).format(x + 0.5, HEIGHT - height + 0.5, max(width - 1, 0.5), max(height - 1, 0))
    height = _height(bucket.today, most)
    return Markup(
        '<g><title>{}</title><rect class="hit" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>'
        '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>{}</g>'
    ).format(
        *(said, x, width, HEIGHT, "unknown" if is_unknown else "now"),
        *(x, HEIGHT - height, width, height, before),
    )


def _alone(found: Distribution, bars: Sequence[tuple[Bucket, int]], most: int, look: str) -> Markup:
    step = WIDTH / len(bars)
    drawn = [
        Markup(
            '<g><title>{}: {} ({})</title><rect class="hit" x="{:.1f}" y="0" width="{:.1f}" '
            'height="{}"/><rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
            "</g>"
        ).format(
            *(bucket.label, f"{count:,}", in_share(count, found.all_count)),
            *(place * step, step - GAP, HEIGHT),
            "unknown" if bucket is found.unknown else look,
            *(place * step, HEIGHT - _height(count, most), step - GAP, _height(count, most)),
        )
        for place, (bucket, count) in enumerate(bars)
    ]
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>'
    ).format(WIDTH, HEIGHT, f"{found.attribute}: {len(bars)} buckets", Markup("").join(drawn))


def _height(count: int, most: int) -> float:
    # What is there can be seen, be it one customer.
    return max(1.5, (HEIGHT - 2) * count / most) if count else 0.0


def _places(order: Sequence[str], sizes: Mapping[str, int], scale: float) -> dict[str, _Place]:
    found, top = {}, 6.0
    for name in order:
        height = sizes[name] * scale
        if sizes[name]:
            found[name] = _Place(top, height)
            top += max(height, 8) + 12
    return found


def _ends(places: Mapping[str, _Place], labels: Mapping[str, str], side: str) -> list[Markup]:
    x = LEFT - NODE if side == "left" else LEFT + FLOW
    text, anchor = (x - 6, "end") if side == "left" else (x + NODE + 6, "start")
    return [
        Markup(
            '<rect class="node" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>'
            '<text x="{}" y="{:.1f}" text-anchor="{}">{}</text>'
        ).format(
            *(x, place.top, NODE, max(place.height, 1), text, place.top + place.height / 2 + 4),
            *(anchor, labels[name]),
        )
        for name, place in places.items()
    ]


def _ribbons(
    order: Sequence[str],
    moved: Mapping[tuple[str, str], int],
    labels: Mapping[str, str],
    sides: tuple[dict[str, _Place], dict[str, _Place]],
    scale: float,
    live: frozenset[str],
) -> list[Markup]:
    parts, (left, right) = [], sides
    for one in order:
        for other in order:
            count = moved.get((one, other), 0)
            if not count:
                continue
            width = count * scale
            y0, y1 = left[one].top + left[one].filled, right[other].top + right[other].filled
            left[one], right[other] = _fill(left[one], width), _fill(right[other], width)
            said = f"{labels[one]} → {labels[other]}: {count:,}"
            parts.append(_ribbon(y0, y1, width, said, kind_of_move(one, other, live)))
    return parts


def _fill(place: _Place, width: float) -> _Place:
    return _Place(place.top, place.height, place.filled + width)


def _ribbon(y0: float, y1: float, width: float, said: str, kind: str) -> Markup:
    x0, x1, middle = LEFT, LEFT + FLOW, LEFT + FLOW / 2
    low0, low1 = y0 + width, y1 + width
    path = (
        f"M{x0} {y0:.1f}C{middle} {y0:.1f} {middle} {y1:.1f} {x1} {y1:.1f}"
        f"V{low1:.1f}C{middle} {low1:.1f} {middle} {low0:.1f} {x0} {low0:.1f}Z"
    )
    return Markup('<path class="ribbon {}" d="{}"><title>{}</title></path>').format(
        kind, path, escape(said)
    )
