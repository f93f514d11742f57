"""Subjects under HTTP load, one after the other in every round: noise meets all of them alike."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import load
from benchmarks.bench import Bench
from benchmarks.cpu import Meter
from benchmarks.stats import median

WARM_UP_S = 0.5


@dataclass
class Subject:
    """Something that answers requests. `pids` are the trees whose CPU a request costs."""

    name: str
    port: int
    templates: list[list[str]]
    pids: dict[str, int]
    events_a_request: int = 1
    samples: "list[Sample]" = field(default_factory=list)
    ids_used: int = 0

    def spec(self, connections: int, seconds: float, series: int) -> load.Spec:
        """The load of one round; each series of ids begins with its own number."""
        return load.Spec(self.port, connections, seconds, self.templates, id_head(series))

    @property
    def rate(self) -> float:
        """Events (or requests) a second, the median of the rounds."""
        return median(sample.rate for sample in self.samples)

    @property
    def cpu_us(self) -> float:
        """CPU of an event in microseconds, the median of the rounds."""
        return median(sum(sample.cpu_us.values()) for sample in self.samples)

    @property
    def cpu_parts(self) -> str:
        """Whose CPU it was."""
        names = self.samples[0].cpu_us
        parts = {name: median(sample.cpu_us[name] for sample in self.samples) for name in names}
        return " + ".join(f"{name} {part:.1f}" for name, part in parts.items())

    @property
    def latency(self) -> str:
        """p50 and p99 of a call, in milliseconds, under this closed loop."""
        p50 = median(sample.p50_us for sample in self.samples) / 1000
        p99 = median(sample.p99_us for sample in self.samples) / 1000
        return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"

    @property
    def load_share(self) -> str:
        """How busy the load generator was; near a whole core it would be the bottleneck."""
        share = max(sample.load_share for sample in self.samples)
        return f"load generator {share:.0%} of a core"


@dataclass(frozen=True)
class Sample:
    """One round of one subject, per event."""

    rate: float
    cpu_us: dict[str, float]
    p50_us: float
    p99_us: float
    load_share: float


# A number for each load of this run: no two ids may be alike.
series_numbers = itertools.count(1)


def id_head(series: int) -> str:
    """The head of time-ordered ids in the shape of a UUIDv7; a running number follows."""
    return f"01930000-{series:04x}-7000-8000-"


def once(subject: Subject, connections: int, seconds: float) -> Sample:
    """One round of one subject. Raises `LoadFailed`."""
    meter = Meter(subject.pids)
    result = load.run(subject.spec(connections, seconds, next(series_numbers)))
    return sample(result, meter.spent_s(), subject.events_a_request)


def sample(result: load.Result, spent_s: dict[str, float], events_a_request: int = 1) -> Sample:
    """A load's result and the CPU that it cost, per event."""
    events = result.requests * events_a_request
    return Sample(
        rate=events / result.seconds,
        cpu_us={name: spent / events * 1e6 for name, spent in spent_s.items()},
        p50_us=result.p50_us,
        p99_us=result.p99_us,
        load_share=result.client_cpu_s / result.seconds,
    )


def interleaved(
    bench: Bench, subjects: Sequence[Subject], connections: int, count: int, seconds: float
) -> None:
    """Fill every subject's samples."""
    for subject in subjects:
        subject.samples = []
        bench.say(f"warming up {subject.name}, {connections} connections")
        once(subject, connections, WARM_UP_S)
    for number in range(count):
        for subject in subjects:
            bench.say(f"{subject.name}, {connections} connections, round {number + 1} of {count}")
            subject.samples.append(once(subject, connections, seconds))
