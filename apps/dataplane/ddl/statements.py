"""SQL text into statements, each with its number and line; nothing here knows what is allowed."""

import threading
from dataclasses import dataclass
from typing import Any, cast

from pglast import ast, parser

LONGEST_SQL = 256 * 1024  # characters of one release
MOST_STATEMENTS = 500
# A parser works recursively: a statement is short enough for the stack that it gets here.
MOST_TOKENS = 5_000
STACK_BYTES = 64 << 20

_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
_stack_size = threading.Lock()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a release is not taken: a code, one sentence, and where (0 when nowhere)."""

    code: str
    sentence: str
    statement: int = 0
    line: int = 0

    @property
    def text(self) -> str:
        """The sentence with its place."""
        if not self.statement:
            return self.sentence
        return f"Statement {self.statement}, line {self.line}: {self.sentence}"


class Refused(Exception):
    """The SQL is not taken."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: `text` as it was written, `node` as Postgres reads it."""

    number: int
    line: int
    text: str
    node: ast.Node

    def refused(self, code: str, sentence: str) -> Refused:
        """An error that names this statement."""
        return Refused(Refusal(code, sentence, self.number, self.line))


def read(sql: str) -> list[Statement]:
    """All statements of `sql`; raises `Refused` for text that Postgres would not parse."""
    if len(sql) > LONGEST_SQL:
        raise Refused(Refusal("max_length", f"At most {LONGEST_SQL} characters of SQL."))
    pieces = _split(sql)
    if not pieces:
        raise Refused(Refusal("blank", "There is no statement in it."))
    if len(pieces) > MOST_STATEMENTS:
        raise Refused(Refusal("max_length", f"At most {MOST_STATEMENTS} statements."))
    return _deep(pieces)


def _split(sql: str) -> list[tuple[int, str]]:
    """(line, text) between semicolons, as the scanner sees them: those in strings do not count."""
    pieces: list[tuple[int, str]] = []
    start, end, count = -1, -1, 0
    for token in _tokens(sql):
        if token.name in _COMMENTS:
            continue
        if token.name == "ASCII_59":  # the semicolon
            if start >= 0:
                pieces.append((sql.count("\n", 0, start) + 1, sql[start : end + 1]))
            start, count = -1, 0
            continue
        start = token.start if start < 0 else start
        end, count = token.end, count + 1
        if count > MOST_TOKENS:
            line = sql.count("\n", 0, start) + 1
            sentence = f"A statement has at most {MOST_TOKENS} words."
            raise Refused(Refusal("max_length", sentence, len(pieces) + 1, line))
    if start >= 0:
        pieces.append((sql.count("\n", 0, start) + 1, sql[start : end + 1]))
    return pieces


def _tokens(sql: str) -> Any:
    try:
        return parser.scan(sql)
    except parser.ParseError as error:
        line = sql.count("\n", 0, _index(error)) + 1
        raise Refused(Refusal("syntax", f"Line {line}: {error.args[0]}.")) from error


def _index(error: parser.ParseError) -> int:
    found = error.args[1] if len(error.args) > 1 else None
    return found if isinstance(found, int) else 0


def _deep(pieces: list[tuple[int, str]]) -> list[Statement]:
    """Parse in a thread with room: Postgres' parser does not stop before a small stack ends."""
    found: list[Statement | Refused] = []
    with _stack_size:
        before = threading.stack_size(STACK_BYTES)
        try:
            worker = threading.Thread(target=_parse_all, args=(pieces, found), daemon=True)
            worker.start()
        finally:
            threading.stack_size(before)
    worker.join()
    last = found[-1]
    if isinstance(last, Refused):
        raise last
    return [one for one in found if isinstance(one, Statement)]


def _parse_all(pieces: list[tuple[int, str]], found: list[Statement | Refused]) -> None:
    for number, (line, text) in enumerate(pieces, 1):
        try:
            [raw] = parser.parse_sql(text)
            found.append(Statement(number, line, text, cast(ast.Node, raw.stmt)))
        except (parser.ParseError, ValueError, RecursionError) as error:
            at = line
            if isinstance(error, parser.ParseError):
                at += text.count("\n", 0, _index(error))
            sentence = f"{str(error.args[0])[:200]}."
            found.append(Refused(Refusal("syntax", sentence, number, at)))
            return
