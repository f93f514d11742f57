"""What a release may say: tables, their indexes, enums and sequences, by unqualified names."""

from collections.abc import Callable
from typing import Any

from pglast import ast
from pglast.enums import AlterTableType, ConstrType, ObjectType

from apps.dataplane.ddl.statements import Refused, Statement
from apps.dataplane.ddl.walking import nodes, words

TENANT = "tenant_id"
OURS = "tenlyr"
DROPPED = {
    ObjectType.OBJECT_TABLE,
    ObjectType.OBJECT_INDEX,
    ObjectType.OBJECT_TYPE,
    ObjectType.OBJECT_SEQUENCE,
}
COMMENTED = {*DROPPED, ObjectType.OBJECT_COLUMN, ObjectType.OBJECT_TABCONSTRAINT}
RENAMED = {
    ObjectType.OBJECT_TABLE,
    ObjectType.OBJECT_INDEX,
    ObjectType.OBJECT_TYPE,
    ObjectType.OBJECT_COLUMN,
    ObjectType.OBJECT_TABCONSTRAINT,
}
ALTERED = {
    getattr(AlterTableType, f"AT_{name}")
    for name in (
        *("AddColumn", "DropColumn", "ColumnDefault", "DropNotNull", "SetNotNull"),
        *("AlterColumnType", "SetStatistics", "SetStorage", "SetCompression", "DropExpression"),
        *("AddConstraint", "AlterConstraint", "ValidateConstraint", "DropConstraint"),
        *("AddIdentity", "SetIdentity", "DropIdentity", "SetRelOptions", "ResetRelOptions"),
    )
}
# Of the tenant's column only comments and indexes may speak: what it is, the data plane decides.
ON_TENANT = {
    getattr(AlterTableType, f"AT_{name}")
    for name in ("DropColumn", "ColumnDefault", "DropNotNull", "AlterColumnType", "AddIdentity")
}
# Functions that run SQL, wait, or reach beyond the row; the prefixes are administration's.
REFUSED_PREFIXES = ("pg_", "lo_", "dblink", "binary_upgrade_", "currtid")
REFUSED_FUNCTIONS = frozenset({"set_config", "ts_stat", "ts_rewrite", "setval", "inet_server_addr"})
ALLOWED = (
    "CREATE TABLE, ALTER TABLE, DROP TABLE, CREATE INDEX, DROP INDEX, CREATE TYPE … AS ENUM,"
    " ALTER TYPE … ADD VALUE, DROP TYPE, CREATE SEQUENCE, DROP SEQUENCE and COMMENT"
)


def check(statement: Statement) -> None:
    """Raise `Refused` unless the statement is one that a release may hold."""
    rule = _RULES.get(type(statement.node))
    if rule is None:
        raise statement.refused("forbidden_statement", f"A release holds only {ALLOWED}.")
    rule(statement, statement.node)
    for node in nodes(statement.node):
        inner = _INNER.get(type(node))
        if inner is not None:
            inner(statement, node)


def tables_named(statement: Statement) -> set[str]:
    """The tables a statement is about: where to look when one of them turns out wrong."""
    found = [node.relname for node in nodes(statement.node) if isinstance(node, ast.RangeVar)]
    if isinstance(statement.node, ast.RenameStmt):
        found.append(statement.node.newname)
    return {name for name in found if name}


def _forbidden(statement: Statement, what: str) -> Refused:
    return statement.refused("forbidden_statement", what)


def _create_table(statement: Statement, node: Any) -> None:
    if node.inhRelations or node.ofTypename or node.partbound or node.partspec:
        raise _forbidden(statement, "A table here is neither partitioned nor inherited nor typed.")
    if node.tablespacename or node.accessMethod:
        raise _forbidden(statement, "A table's storage is not chosen in a release.")


def _alter_table(statement: Statement, node: Any) -> None:
    if node.objtype is not ObjectType.OBJECT_TABLE:
        raise _forbidden(statement, "Only tables are altered by ALTER TABLE.")
    for command in node.cmds:
        if command.subtype not in ALTERED:
            raise _forbidden(
                statement, "This change of a table is not for a release: owner, RLS, triggers,"
                " inheritance and storage are Tenlyr's."
            )  # fmt: skip
        if command.name == TENANT and command.subtype in ON_TENANT:
            raise _tenant_column(statement)


def _tenant_column(statement: Statement) -> Refused:
    return statement.refused(
        "tenant_column", "tenant_id stays as it is: Tenlyr fills and fences it."
    )


def _rename(statement: Statement, node: Any) -> None:
    if node.renameType not in RENAMED:
        raise _forbidden(statement, "This cannot be renamed in a release.")
    if node.renameType is ObjectType.OBJECT_COLUMN and node.subname == TENANT:
        raise _tenant_column(statement)
    _own_name(statement, node.newname)
    if node.renameType is ObjectType.OBJECT_TYPE:
        _unqualified(statement, node.object)


def _index(statement: Statement, node: Any) -> None:
    if node.concurrent:
        raise _forbidden(statement, "CONCURRENTLY is not taken: a release is one transaction.")
    if node.tableSpace:
        raise _forbidden(statement, "An index's tablespace is not chosen in a release.")


def _enum(statement: Statement, node: Any) -> None:
    _unqualified(statement, node.typeName)


def _drop(statement: Statement, node: Any) -> None:
    if node.removeType not in DROPPED:
        raise _forbidden(statement, f"A release holds only {ALLOWED}.")
    if node.concurrent:
        raise _forbidden(statement, "CONCURRENTLY is not taken: a release is one transaction.")
    for one in node.objects:
        _unqualified(statement, one.names if isinstance(one, ast.TypeName) else one)


def _comment(statement: Statement, node: Any) -> None:
    if node.objtype not in COMMENTED:
        raise _forbidden(statement, "A comment is on a table, column, index, type or constraint.")
    names = node.object.names if isinstance(node.object, ast.TypeName) else node.object
    has_table = {ObjectType.OBJECT_COLUMN, ObjectType.OBJECT_TABCONSTRAINT}
    _unqualified(statement, names, parts=2 if node.objtype in has_table else 1)


def _sequence(statement: Statement, node: Any) -> None:
    """The sequence's own name is a RangeVar; the options are looked at below."""


def _unqualified(statement: Statement, names: Any, parts: int = 1) -> None:
    found = words(names)
    if len(found) > parts:
        raise statement.refused("qualified_name", "Names carry no schema: each tenant has its own.")
    _own_name(statement, found[-1])


def _own_name(statement: Statement, name: str) -> None:
    if name.lower().startswith(OURS):
        raise statement.refused("reserved_name", "Names that begin with tenlyr are Tenlyr's.")


def _range(statement: Statement, node: Any) -> None:
    if node.schemaname or node.catalogname:
        raise statement.refused("qualified_name", "Names carry no schema: each tenant has its own.")
    if node.relpersistence != "p":
        raise _forbidden(statement, "TEMPORARY and UNLOGGED tables are not taken.")
    _own_name(statement, node.relname)


def _type(statement: Statement, node: Any) -> None:
    found = words(node.names)
    if len(found) > 2 or (len(found) == 2 and found[0] != "pg_catalog") or node.pct_type:
        raise statement.refused(
            "qualified_name", "Types are Postgres' own or this release's enums."
        )


def _constraint(statement: Statement, node: Any) -> None:
    if node.contype is ConstrType.CONSTR_EXCLUSION:
        raise _forbidden(statement, "EXCLUDE is not taken: it would compare tenants' rows.")
    if node.without_overlaps or node.fk_with_period:
        raise _forbidden(statement, "WITHOUT OVERLAPS and PERIOD are not taken.")
    if node.indexspace:
        raise _forbidden(statement, "An index's tablespace is not chosen in a release.")


def _call(statement: Statement, node: Any) -> None:
    found = words(node.funcname)
    name = found[-1].lower()
    if len(found) > 1 and found[0] != "pg_catalog":
        raise statement.refused("qualified_name", "Functions are Postgres' own, without a schema.")
    if name.startswith(REFUSED_PREFIXES) or name in REFUSED_FUNCTIONS or "_to_xml" in name:
        raise _forbidden(statement, f"The function {name} has no place in a table.")


def _query(statement: Statement, node: Any) -> None:
    raise _forbidden(statement, "A release holds no queries.")


def _like(statement: Statement, node: Any) -> None:
    raise _forbidden(statement, "LIKE is not taken: write the columns.")


def _option(statement: Statement, node: Any) -> None:
    if node.defname == "owned_by" and isinstance(node.arg, tuple):
        _unqualified(statement, node.arg, parts=2)


_RULES: dict[type, Callable[[Statement, Any], None]] = {
    ast.CreateStmt: _create_table,
    ast.AlterTableStmt: _alter_table,
    ast.RenameStmt: _rename,
    ast.IndexStmt: _index,
    ast.CreateEnumStmt: _enum,
    ast.AlterEnumStmt: _enum,
    ast.DropStmt: _drop,
    ast.CommentStmt: _comment,
    ast.CreateSeqStmt: _sequence,
    ast.AlterSeqStmt: _sequence,
}
_INNER: dict[type, Callable[[Statement, Any], None]] = {
    ast.RangeVar: _range,
    ast.TypeName: _type,
    ast.Constraint: _constraint,
    ast.FuncCall: _call,
    ast.SubLink: _query,
    ast.SelectStmt: _query,
    ast.TableLikeClause: _like,
    ast.DefElem: _option,
}
