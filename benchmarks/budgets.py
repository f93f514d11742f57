"""The promises of `budgets.toml`, and whether a measurement keeps one."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("budgets.toml")


class BrokenBudget(Exception):
    """The file promises something that cannot be judged."""


class Verdict(StrEnum):
    """How a measurement stands to its budget."""

    MOONSHOT = "moonshot"
    MET = "met"
    SLACK = "in slack"
    MISSED = "MISSED"


@dataclass(frozen=True)
class Figure:
    """One measurement: ours, and the baseline's from the same run where there is one."""

    key: str
    ours: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours to the baseline."""
        return self.ours / self.baseline if self.baseline else None


@dataclass(frozen=True)
class Budget:
    """A promise; see the file's head for what its fields mean."""

    means: str
    better: str
    floor: float
    moonshot: float | None = None
    slack: float = 0.0
    of: str = "ratio"

    def judged(self, figure: Figure) -> float:
        """What the promise is about. Raises `BrokenBudget` where that takes a baseline."""
        value = figure.ours if self.of == "value" else figure.ratio
        if value is None:
            raise BrokenBudget(f"{figure.key} is judged by a ratio and was measured without one")
        return value

    def verdict(self, figure: Figure) -> Verdict:
        """How the measurement stands."""
        value = self.judged(figure)
        if self.moonshot is not None and self._reaches(value, self.moonshot):
            return Verdict.MOONSHOT
        if self._reaches(value, self.floor):
            return Verdict.MET
        by_slack = self.floor * (1 - self.slack if self.better == "higher" else 1 + self.slack)
        return Verdict.SLACK if self.slack and self._reaches(value, by_slack) else Verdict.MISSED

    def _reaches(self, value: float, mark: float) -> bool:
        return value >= mark if self.better == "higher" else value <= mark


def load(path: Path = FILE) -> dict[str, Budget]:
    """All promises by their key (`G1.cpu`). Raises `BrokenBudget`."""
    with path.open("rb") as file:
        tables = tomllib.load(file)
    return {
        f"{goal}.{name}": _budget(f"{goal}.{name}", fields)
        for goal, table in tables.items()
        for name, fields in table.items()
    }


def _budget(key: str, fields: dict[str, Any]) -> Budget:
    try:
        budget = Budget(**fields)
    except TypeError as error:
        raise BrokenBudget(f"{key}: {error}") from error
    if budget.better not in {"higher", "lower"} or budget.of not in {"ratio", "value"}:
        raise BrokenBudget(f"{key}: `better` is higher or lower, `of` is ratio or value")
    return budget
