"""Every function is typed: its arguments and what it returns (conventions, 3)."""

import ast

from tests.house.sources import BESIDE, PRODUCT, Function, sources

UNTYPED_BY_NATURE = frozenset({"self", "cls"})


def is_typed(function: Function) -> bool:
    """Whether everything that goes in and comes out has a type."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    arguments += [one for one in (given.vararg, given.kwarg) if one is not None]
    return function.returns is not None and all(
        one.annotation is not None or one.arg in UNTYPED_BY_NATURE for one in arguments
    )


def test_every_function_says_its_types() -> None:
    untyped = [
        f"{one.name}:{function.lineno} {function.name}"
        for one in sources(*PRODUCT, *BESIDE)
        for function in one.functions()
        if not is_typed(function)
    ]
    assert untyped == []


def test_the_check_sees_what_it_looks_for() -> None:
    typed = "def f(self, a: int, *b: int, c: str = '', **d: int) -> None: ..."
    holes = [
        "def f() : ...",
        "def f(a) -> None: ...",
        "def f(*a) -> None: ...",
        "def f(**a) -> None: ...",
        "def f(*, a) -> None: ...",
    ]
    functions = [ast.parse(text).body[0] for text in (typed, *holes)]
    assert [isinstance(one, Function) and is_typed(one) for one in functions] == [True] + [
        False
    ] * len(holes)
