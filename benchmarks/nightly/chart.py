"""The nights as a picture: seconds by step for each size, and how they grow. Plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

from benchmarks.nightly.measure import Night
from benchmarks.nightly.results import groups

WIDTH, HEIGHT = 960, 420
TOP, BOTTOM = 56, 340
# Nine tones that are told apart in print and by most of those who see colours otherwise.
COLOURS = (
    *("#4477aa", "#bbbbbb", "#228833", "#ccbb44", "#999999"),
    *("#ee6677", "#66ccee", "#882255", "#dddddd", "#aa3377"),
)
OURS, FLOOR = "#4477aa", "#ee6677"


def chart(nights: Sequence[Night]) -> str:
    """Return an SVG: on the left the last night of each size by step, on the right its growth."""
    last = list({night.customers: night for night in nights}.values())
    parts = [*_bars(last), *_growth(last)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="11" role="img" aria-label="What a night costs">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _bars(nights: Sequence[Night]) -> list[str]:
    told = [groups(night) for night in nights]
    highest = max(
        max(sum(cpu for _, cpu in each.values()), n.of("floor")[1])
        for each, n in zip(told, nights, strict=True)
    )
    parts = [_text(40, 28, "CPU seconds of a night by step; beside it the floor", weight="bold")]
    parts += _scale(highest, 40, 360)
    step = 320 / len(nights)
    for number, (night, groups_of) in enumerate(zip(nights, told, strict=True)):
        left, base = 50 + number * step, float(BOTTOM)
        for (name, (_, seconds)), colour in zip(groups_of.items(), COLOURS, strict=True):
            height = seconds / highest * (BOTTOM - TOP)
            base -= height
            parts.append(_bar(left, base, step * 0.45, height, colour, f"{name}: {seconds:.1f} s"))
        height = night.of("floor")[1] / highest * (BOTTOM - TOP)
        told_floor = f"floor: {night.of('floor')[1]:.1f} s"
        parts.append(
            _bar(left + step * 0.5, BOTTOM - height, step * 0.25, height, "#333333", told_floor)
        )
        parts.append(_text(left, BOTTOM + 16, _count(night.customers)))
    names = [*told[0], "the floor"]
    for number, (name, colour) in enumerate(zip(names, (*COLOURS, "#333333"), strict=True)):
        top = TOP + 10 + number * 20
        parts += [_bar(380, top - 9, 12, 12, colour, name), _text(398, top + 1, name)]
    return parts


def _growth(nights: Sequence[Night]) -> list[str]:
    parts = [_text(600, 28, "CPU seconds as customers grow (both by tens)", weight="bold")]
    sizes = [log10(night.customers) for night in nights]
    seconds = [value for night in nights for value in (night.cpu, night.of("floor")[1])]
    low, high = log10(min(seconds)) // 1, -(-log10(max(seconds)) // 1)
    first, last = min(sizes), max(max(sizes), min(sizes) + 1)

    def place(customers: float, value: float) -> tuple[float, float]:
        x = 640 + (log10(customers) - first) / (last - first) * 260
        return x, BOTTOM - (log10(value) - low) / (high - low) * (BOTTOM - TOP)

    for power in range(int(low), int(high) + 1):
        y = place(10**first, 10**power)[1]
        parts.append(f'<line x1="630" y1="{y:.1f}" x2="920" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(_text(598, y + 4, f"{10**power:,}"))
    for colour, name, values in (
        (OURS, "the night", [(n.customers, n.cpu) for n in nights]),
        (FLOOR, "the floor", [(n.customers, n.of("floor")[1]) for n in nights]),
    ):
        points = [place(*value) for value in values]
        told = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), (_, value) in zip(points, values, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
            parts.append(_text(x - 10, y - 8, f"{value:.0f}"))
        parts.append(_text(points[0][0] + 12, points[0][1] + 16, name, colour))
    parts += [
        _text(place(n.customers, 10**low)[0] - 16, BOTTOM + 16, _count(n.customers)) for n in nights
    ]
    return parts


def _scale(highest: float, left: float, right: float) -> list[str]:
    step = next(each for each in (5, 10, 20, 50, 100, 200, 500, 1000) if highest / each <= 8)
    parts = []
    for value in range(0, int(highest) + 1, step):
        y = BOTTOM - value / highest * (BOTTOM - TOP)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(_text(left - 28, y + 4, str(value)))
    return parts


def _bar(x: float, y: float, width: float, height: float, colour: str, told: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{colour}"><title>{escape(told)}</title></rect>'
    )


def _text(x: float, y: float, text: str, colour: str = "#222222", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )


def _count(customers: int) -> str:
    return f"{customers / 1e6:g} M" if customers >= 1e6 else f"{customers / 1e3:g} k"
