"""Results as people read them: each figure beside its baseline, its floor and its moonshot."""

from collections.abc import Iterable, Iterator

from benchmarks.budgets import Budget, Figure, Verdict

HEAD = ("", "ours", "baseline of the same run", "ratio", "floor", "moonshot", "")


def number(value: float) -> str:
    """Three to five digits, as many as mean something."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 100 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def _mark(budget: Budget, mark: float | None) -> str:
    if mark is None:
        return ""
    return f"{'≥' if budget.better == 'higher' else '≤'} {mark:g}"


def _row(figure: Figure, budget: Budget | None) -> tuple[str, ...]:
    baseline = ""
    if figure.baseline is not None:
        baseline = f"{figure.baseline_name} {number(figure.baseline)} {figure.unit}".strip()
    ratio = number(figure.ratio) if figure.ratio is not None else ""
    cells = (figure.key, f"{number(figure.ours)} {figure.unit}".strip(), baseline, ratio)
    if budget is None:
        return (*cells, "", "", "")
    verdict = budget.verdict(figure)
    return (*cells, _mark(budget, budget.floor), _mark(budget, budget.moonshot), verdict.value)


def table(figures: Iterable[Figure], budgets: dict[str, Budget]) -> Iterator[str]:
    """The lines of a table; below a figure stands what its promise means, and its note."""
    figures = list(figures)
    rows = [HEAD, *(_row(figure, budgets.get(figure.key)) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row, figure in zip(rows, [None, *figures], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
        if figure is not None:
            budget = budgets.get(figure.key)
            for text in (budget.means if budget else "", figure.note):
                if text:
                    yield f"    {text}"


def missed(figures: Iterable[Figure], budgets: dict[str, Budget]) -> list[str]:
    """The keys of the floors that were not met."""
    return [
        figure.key
        for figure in figures
        if figure.key in budgets and budgets[figure.key].verdict(figure) is Verdict.MISSED
    ]
