"""O1 and O2 as joins between what was sent and what is there: each looks for rows that break it."""

from dataclasses import dataclass

from tests.faults.ledger import Ledger
from tests.faults.workload import Customer

SHOWN_EXAMPLES = 5
# Sums by tenant, metric and month of what is stored: the truth that all other sums must equal.
TOTALS = """
total AS (
    SELECT tenant, metric, month, count(*) AS count, sum(is_error) AS errors, sum(delta) AS micro
    FROM stored GROUP BY 1, 2, 3
)
"""
# The same by counter: a gauge has one level, the others one counter a month.
LEVELS = """
level AS (
    SELECT tenant, metric,
           CASE WHEN metric IN ('seats', 'storage_gb') THEN 'level' ELSE month END AS period,
           sum(delta) AS micro
    FROM stored GROUP BY 1, 2, 3
)
"""

CHECKS = {
    # ---- acked ⊆ stored, but for what a FLUSHALL demonstrably took out of the streams
    "lost": """
        SELECT s.seq, s.id, s.mark FROM sent s
        WHERE s.state = 'acked'
          AND NOT EXISTS (SELECT 1 FROM stored t WHERE t.tenant = s.tenant AND t.id = s.id)
          AND s.mark NOT IN (SELECT mark FROM loss)
    """,
    # ---- each once: under one id, and under whatever id
    "doubled": """
        SELECT tenant, id, count(*) FROM stored GROUP BY 1, 2 HAVING count(*) > 1
        UNION ALL
        SELECT tenant, mark, count(*) FROM stored GROUP BY 1, 2 HAVING count(*) > 1
    """,
    # ---- stored ⊆ acked or unknown
    "stored, yet never sent": """
        SELECT t.tenant, t.id, t.mark FROM stored t LEFT JOIN sent s ON s.mark = t.mark
        WHERE s.mark IS NULL
    """,
    "stored, yet refused": """
        SELECT s.seq, s.state, t.id FROM sent s JOIN stored t ON t.mark = s.mark
        WHERE s.state IN ('refused', 'not_done') AND NOT s.doubt
    """,
    "stored otherwise than sent": """
        SELECT s.seq, t.tenant, t.id, t.metric, t.micro, t.mode, t.status_code, t.ts_ms
        FROM sent s JOIN stored t ON t.mark = s.mark
        WHERE t.tenant <> s.tenant OR t.id <> s.id OR t.metric <> s.metric OR t.micro <> s.micro
           OR t.mode IS NOT s.mode OR t.status_code IS NOT s.status_code OR t.ts_ms <> s.ts_ms
           OR t.billable <> (coalesce(s.status_code, 0) < 500)
    """,
    # ---- what each event did to its counter (a `set` depends on what was there before)
    "counted otherwise than meant": """
        SELECT tenant, id, metric, micro, mode, delta FROM stored
        WHERE CASE WHEN NOT billable THEN delta <> 0
                   WHEN mode = 'decrement' THEN delta <> -micro
                   WHEN mode = 'set' THEN 0
                   ELSE delta <> micro END
    """,
    # ---- Σ events = Σ minutes = Σ hours = Σ days = months, in number, errors and value
    "rollups differ from events": f"""
        WITH {TOTALS}, grains (grain) AS (VALUES ('minute'), ('hour'), ('day'), ('month'))
        SELECT t.tenant, t.metric, t.month, g.grain, t.count, u.count, t.errors, u.errors,
               t.micro, u.micro
        FROM total t CROSS JOIN grains g
        LEFT JOIN summed u ON u.tenant = t.tenant AND u.metric = t.metric AND u.month = t.month
                          AND u.grain = g.grain
        WHERE u.count IS NOT t.count OR u.errors IS NOT t.errors OR u.micro IS NOT t.micro
        UNION ALL
        SELECT u.tenant, u.metric, u.month, u.grain, 0, u.count, 0, u.errors, 0, u.micro
        FROM summed u
        WHERE NOT EXISTS (SELECT 1 FROM stored t WHERE t.tenant = u.tenant
                          AND t.metric = u.metric AND t.month = u.month)
    """,
    # ---- … = Redis' counter
    "counters differ from events": f"""
        WITH {LEVELS}
        SELECT l.tenant, l.metric, l.period, l.micro, c.micro
        FROM level l LEFT JOIN counter c USING (tenant, metric, period)
        WHERE coalesce(c.micro, 0) <> l.micro
        UNION ALL
        SELECT c.tenant, c.metric, c.period, 0, c.micro
        FROM counter c LEFT JOIN level l USING (tenant, metric, period)
        WHERE l.micro IS NULL AND c.micro <> 0
    """,
    # ---- … = what the API shows of this month
    "usage/metrics differs from events": f"""
        WITH {LEVELS}
        SELECT w.tenant, w.metric, w.micro, l.micro
        FROM shown w LEFT JOIN level l ON l.tenant = w.tenant AND l.metric = w.metric
             AND l.period IN ('level', strftime('%Y%m', 'now'))
        WHERE w.micro <> coalesce(l.micro, 0)
    """,
    "unresolved after a minute": "SELECT seq, id FROM sent WHERE state = 'unknown' AND is_given",
    "dead letters": "SELECT shard, entry, reason FROM dead",
    "answers that no fault explains": "SELECT kind, what FROM surprise WHERE kind = 'answer'",
}
# After a FLUSHALL Redis no longer knows an id: the limit may answer before Postgres is asked.
WITHOUT_FLUSH = {
    "acknowledged, then refused": "SELECT what FROM surprise WHERE kind = 'forgotten'",
}
ADMITTED = """
SELECT coalesce(sum(delta), 0) / 1000000 FROM stored
WHERE tenant = ? AND metric = 'api_call' AND month = strftime('%Y%m', 'now')
"""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that did not hold: how many rows say so, and a few of them."""

    promise: str
    count: int
    examples: list[str]


def exactly_once(ledger: Ledger, *, was_flushed: bool = False) -> list[Violation]:
    """O1. With `was_flushed` only what the streams held at that moment may be missing."""
    checks = CHECKS if was_flushed else CHECKS | WITHOUT_FLUSH
    return [found for promise, query in checks.items() if (found := _ask(ledger, promise, query))]


def limits(ledger: Ledger, customers: list[Customer], *, are_full: bool) -> list[Violation]:
    """O2: never above the limit; with `are_full` (offers were refused to the end) exactly at it."""
    found = []
    for customer in customers:
        admitted = int(ledger.ask(ADMITTED, customer.id)[0][0])
        if customer.limit is None or admitted == customer.limit:
            continue
        if admitted > customer.limit or are_full:
            example = f"{customer.id}: {admitted} of {customer.limit}"
            promise = "above the limit" if admitted > customer.limit else "below a limit reached"
            found.append(Violation(promise, abs(admitted - customer.limit), [example]))
    return found


def _ask(ledger: Ledger, promise: str, query: str) -> Violation | None:
    rows = ledger.ask(query)
    examples = [str(row) for row in rows[:SHOWN_EXAMPLES]]
    return Violation(promise, len(rows), examples) if rows else None
