"""No two advisory locks have the same number: one part would wait for another that knows nothing of
it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.house.sources import PRODUCT, ROOT, Source, sources

NUMBERS = range(7_362_000, 7_363_000)
# Numbers in that range that are no lock's, by file and name.
NO_LOCKS = {("apps/isolation/moves/digests.py", "SEEDS")}
# A lock that its app's own functions in the database take too, by file.
ALSO_IN = {"apps/health/sql/history.sql": "apps/health/partitions.py"}
IN_SQL = re.compile(r"pg_(?:try_)?advisory\w*lock\w*\((\d+)\b")


def numbered(source: Source) -> Iterator[int]:
    """The numbers of a module's locks."""
    for node in source.tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        if (source.name, node.targets[0].id) in NO_LOCKS:
            continue
        for part in ast.walk(node.value):
            number = part.value if isinstance(part, ast.Constant) else None
            if isinstance(number, int) and number in NUMBERS:
                yield number


def locks() -> dict[int, set[str]]:
    """The files in which each number is taken."""
    found: dict[int, set[str]] = defaultdict(set)
    for source in sources(*PRODUCT):
        for number in numbered(source):
            found[number].add(source.name)
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.sql")):
            name = str(path.relative_to(ROOT))
            for number in IN_SQL.findall(path.read_text()):
                found[int(number)].add(ALSO_IN.get(name, name))
    return found


def test_each_lock_has_a_number_of_its_own() -> None:
    shared = {number: files for number, files in locks().items() if len(files) > 1}
    assert shared == {}


def test_the_check_sees_both_kinds() -> None:
    everywhere = {file for files in locks().values() for file in files}
    assert {"apps/isolation/roles.py", "apps/health/partitions.py"} <= everywhere
    text = "LOCK = 7_362_000\nOTHER = 5\n"
    assert list(numbered(Source("x.py", text, ast.parse(text)))) == [7_362_000]
    assert IN_SQL.findall("PERFORM pg_advisory_xact_lock(7362011);") == ["7362011"]
