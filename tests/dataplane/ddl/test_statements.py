"""SQL text into statements: as Postgres scans it, bounded, and never the end of the process."""

import threading

import pytest

from apps.dataplane.ddl import statements
from apps.dataplane.ddl.statements import MOST_STATEMENTS, Refused


def refused(sql: str) -> statements.Refusal:
    with pytest.raises(Refused) as caught:
        statements.read(sql)
    return caught.value.refusal


def test_semicolons_in_strings_and_comments_part_nothing() -> None:
    sql = "COMMENT ON TABLE a IS 'x;y'; -- a;b\n/* c;d */ CREATE TABLE é (f text DEFAULT $$;$$);;\n"
    found = statements.read(sql)
    assert [(one.number, one.line) for one in found] == [(1, 1), (2, 2)]
    assert found[1].text == "CREATE TABLE é (f text DEFAULT $$;$$)"


@pytest.mark.parametrize("sql", ["", " \n", ";;", "-- nothing"])
def test_nothing_is_refused(sql: str) -> None:
    assert refused(sql).code == "blank"


def test_a_syntax_error_has_its_line() -> None:
    found = refused("CREATE TABLE a (b int);\nCREATE TABLE c\n(d int,, e int)")
    assert (found.code, found.statement, found.line) == ("syntax", 2, 3)
    assert "syntax error" in found.sentence


@pytest.mark.parametrize("sql", ["SELECT 'a", "CREATE TABLE a (b int", 'CREATE TABLE "a'])
def test_text_that_never_ends(sql: str) -> None:
    assert refused(sql).code == "syntax"


def test_too_much_text() -> None:
    assert refused("-" * 300_000).code == "max_length"


def test_too_many_statements() -> None:
    assert refused("DROP TABLE a;" * (MOST_STATEMENTS + 1)).code == "max_length"


def test_a_statement_too_long() -> None:
    found = refused("DROP TABLE a;\nDROP TABLE " + ", ".join(["a"] * 6_000))
    assert (found.code, found.statement, found.line) == ("max_length", 2, 2)


@pytest.mark.parametrize(
    "deep",
    [
        "1" + "+1" * 2_400,
        "- " * 4_900 + "1",
        "(" * 2_400 + "1" + ")" * 2_400,
        "array[" * 1_600 + "1" + "]" * 1_600,
        "f(" * 1_600 + "1" + ")" * 1_600,
        "not " * 4_900 + "true",
    ],
    ids=["sums", "signs", "brackets", "arrays", "calls", "nots"],
)
def test_a_deep_statement_is_read_or_refused_on_a_small_stack(deep: str) -> None:
    """A parser that recursed on the web process' own stack would end the process."""
    outcomes: list[object] = []

    def read() -> None:
        try:
            outcomes.append(len(statements.read(f"CREATE TABLE a (b int CHECK ({deep} > 0))")))
        except Refused as error:
            outcomes.append(error.refusal.code)

    before = threading.stack_size(256 * 1024)
    thread = threading.Thread(target=read)
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert outcomes in ([1], ["syntax"])
