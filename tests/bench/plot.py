"""Results as one SVG picture: for each case a group of bars, each target's median as a share of the slowest's."""

from html import escape

from tests.bench.results import Case, Results, median
from tests.bench.table import number

COLOURS = ("#1f6f8b", "#c9773a", "#6b8e4e", "#8c6bb1", "#a04a5b")
NAMES, BARS, FIGURES = 230, 420, 110
BAR, GAP = 13, 12


def svg(results: Results) -> str:
    """The picture. Bars are medians; of each case the longest bar fills the width, and the figure stands beside it."""
    parts, top = _legend(results), 50.0
    for case in results.cases.values():
        drawn, height = _group(results, case, top)
        parts += drawn
        top += height + GAP
    width = NAMES + BARS + FIGURES
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top:.0f}" viewBox="0 0 {width} {top:.0f}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _legend(results: Results) -> list[str]:
    parts, left = [], 10
    for target, colour in zip(results.targets, _colours(results), strict=True):
        parts.append(f'<rect x="{left}" y="14" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{left + 18}" y="25">{escape(target)}</text>')
        left += 40 + 8 * len(target)
    return parts


def _colours(results: Results) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(results.targets))]


def _group(results: Results, case: Case, top: float) -> tuple[list[str], float]:
    longest = max(median(samples) for samples in case.samples.values()) or 1.0
    title = f"{case.name}, {case.unit}" + (" ↑" if case.more_is_better else "")
    middle = top + BAR * len(results.targets) / 2 + 4
    parts = [f'<text x="{NAMES - 10}" y="{middle:.0f}" text-anchor="end">{escape(title)}</text>']
    for row, (target, colour) in enumerate(zip(results.targets, _colours(results), strict=True)):
        if samples := case.samples.get(target):
            length, y = BARS * median(samples) / longest, top + BAR * row
            parts.append(f'<rect x="{NAMES}" y="{y:.0f}" width="{length:.1f}" height="{BAR - 2}" fill="{colour}"/>')
            label = number(median(samples))
            parts.append(f'<text x="{NAMES + length + 6:.1f}" y="{y + BAR - 3:.0f}" font-size="11">{label}</text>')
    return parts, float(BAR * len(results.targets))
