"""Results as a table of text; it is Markdown too."""

from tests.bench.results import Case, Results, median, p95


def text(results: Results) -> str:
    """The whole: what was measured where, and a row for each case: median, p95, shares of the others'."""
    head = ["case", "unit"]
    for target in results.targets:
        head += [target, "p95"]
    head += [f"{mine} / {other}" for mine, other in results.pairs()]
    rows = [head, *(_row(results, case) for case in results.cases.values())]
    return "\n".join([*results.described, "", *aligned(rows, left=(0, 1))]) + "\n"


def aligned(rows: list[list[str]], *, left: tuple[int, ...]) -> list[str]:
    """Lines of a Markdown table; the first row is its head. `left` are the columns of text, others are figures."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = ["-" * width if column in left else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return ["| " + " | ".join(_padded(row, widths, left)) + " |" for row in (rows[0], rule, *rows[1:])]


def _row(results: Results, case: Case) -> list[str]:
    row = [case.name, case.unit + (" (more is better)" if case.more_is_better else "")]
    for target in results.targets:
        samples = case.samples.get(target)
        row += [number(median(samples)), number(p95(samples)) if len(samples) > 1 else ""] if samples else ["–", ""]
    for mine, other in results.pairs():
        ratio = results.ratio(case, mine, other)
        row.append("–" if ratio is None else f"{ratio:.2f}")
    return row


def _padded(row: list[str], widths: list[int], left: tuple[int, ...]) -> list[str]:
    return [
        cell.ljust(width) if column in left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def number(value: float) -> str:
    """Three digits that say something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
