#!/usr/bin/env python3
"""Whether the three SDKs have the same methods, errors, enumerations and event names.

What there must be is read from `conformance/methods.json`, from the table of errors in `README.md`
and from `openapi.json`; what there is, from each SDK's source. Prints what is missing and ends with
status 1 when anything is.
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# Methods that are no operation of the API.
FURTHER = {
    "tenants.health",
    "isolation.waitForMigration",
    "usage.buffer",
    "webhooks.verify",
}
ERROR_ROW = re.compile(r"^\| `(\w+)`", re.MULTILINE)


@dataclass
class Surface:
    """What one SDK has, in the API's own spelling."""

    methods: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    choices: list[set[str]] = field(default_factory=list)


@dataclass
class Wanted:
    """What each must have. `choices` are values by where the document has them."""

    methods: set[str]
    errors: set[str]
    choices: dict[str, set[str]]


def wanted(sdks: Path, document: Path) -> Wanted:
    """What `methods.json`, the README and the document ask for."""
    rows = json.loads((sdks / "conformance" / "methods.json").read_text())
    methods = {row["method"] for row in rows} | FURTHER
    methods |= {f"{row['method']}All" for row in rows if row["page"]}
    errors = set(ERROR_ROW.findall((sdks / "README.md").read_text()))
    return Wanted(methods, errors, choices_of(json.loads(document.read_text())))


def choices_of(document: Any) -> dict[str, set[str]]:
    """Each enumeration of the document once, by the first place that has it."""
    found: dict[frozenset[str], str] = {}
    for place, values in enumerations(document, ""):
        found.setdefault(values, place)
    return {place: set(values) for values, place in found.items() if values}


def enumerations(node: Any, place: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Every `enum` below a node. `*` stands for all event names, null for none."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from enumerations(item, f"{place}.{index}")
    elif isinstance(node, dict):
        values = node.get("enum")
        if isinstance(values, list):
            yield place, frozenset(one for one in values if isinstance(one, str) and one != "*")
        for name, item in node.items():
            yield from enumerations(item, f"{place}.{name}" if place else name)


def snake(name: str) -> str:
    """`rotateApiKey` as Python writes it."""
    return re.sub(r"([A-Z])", r"_\1", name).lower()


# ---- Python: by its own parser
def python_surface(folder: Path, methods: set[str]) -> Surface:
    """A method counts when both the async client and its twin have it."""
    package = folder / "src" / "tenlyr"
    both = [_python_methods(package / twin / "resources") for twin in ("", "_sync")]
    trees = [ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))]
    named = {name: _python_name(name) for name in methods}
    return Surface(
        {name for name in methods if all(named[name] in one for one in both)},
        _python_errors(ast.parse((package / "_errors.py").read_text())),
        [one for tree in trees for one in _python_choices(tree)],
    )


def _python_name(method: str) -> str:
    resource, _, name = method.partition(".")
    return f"{resource}.{snake(name)}"


def _python_methods(resources: Path) -> set[str]:
    found = set()
    for path in sorted(resources.glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                found |= {f"{path.stem}.{name}" for name in _members(node)}
    return found


def _members(node: ast.ClassDef) -> Iterator[str]:
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield item.name
        elif isinstance(item, ast.Assign):
            yield from (one.id for one in item.targets if isinstance(one, ast.Name))


def _python_errors(tree: ast.Module) -> set[str]:
    found = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found |= {one.id for one in node.targets if isinstance(one, ast.Name)}
    return found


def _python_choices(tree: ast.Module) -> Iterator[set[str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal"):
            texts = [one.value for one in ast.walk(node.slice) if isinstance(one, ast.Constant)]
            yield {one for one in texts if isinstance(one, str)}


# ---- TypeScript: a member of a class stands two blanks in
TS_COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)
TS_MEMBER = re.compile(r"^  (?:(?:static|async|readonly) +|\*)*(\w+)(?:<[^>]*>)?(?: *=|\()", re.M)
TS_CLASS = re.compile(r"^export class (\w+)", re.MULTILINE)
TS_CHOICES = re.compile(r'"[^"\n]*"(?:\s*[|,]\s*"[^"\n]*")*')
TEXT = re.compile(r'"([^"\n]*)"')


def typescript_surface(folder: Path, methods: set[str]) -> Surface:
    """Members of the classes below `resources`, and what `errors.ts` exports."""
    source = {
        path: TS_COMMENT.sub("", path.read_text()) for path in sorted(folder.glob("src/**/*.ts"))
    }
    found = {
        f"{path.stem}.{name}"
        for path, text in source.items()
        if path.parent.name == "resources"
        for name in TS_MEMBER.findall(text)
    }
    errors = set(TS_CLASS.findall(source[folder / "src" / "errors.ts"]))
    said = source[folder / "src" / "index.ts"]
    everything = re.search(r'export \* from "\./errors', said)
    return Surface(
        methods & found,
        {one for one in errors if everything or re.search(rf"\b{one}\b", said)},
        [set(TEXT.findall(one)) for text in source.values() for one in TS_CHOICES.findall(text)],
    )


# ---- Go: a method of a service, and constants by their type
GO_COMMENT = re.compile(r"//.*?$", re.MULTILINE)
GO_METHOD = re.compile(r"^func \(\w+ \*?(\w+)Service\) (\w+)[\[(]", re.MULTILINE)
GO_TYPE = re.compile(r"^type (\w+)\b", re.MULTILINE)
GO_CONSTANT = re.compile(r'^\s*(?:const )?\w+ +(\w+) += "([^"\n]*)"', re.MULTILINE)


def go_surface(folder: Path, methods: set[str]) -> Surface:
    """Names are compared without their case: Go writes `RotateAPIKey`."""
    paths = [path for path in sorted(folder.glob("*.go")) if not path.stem.endswith("_test")]
    whole = "\n".join(GO_COMMENT.sub("", path.read_text()) for path in paths)
    found = {f"{service}.{name}".lower() for service, name in GO_METHOD.findall(whole)}
    by_type: dict[str, set[str]] = {}
    for kind, value in GO_CONSTANT.findall(whole):
        by_type.setdefault(kind, set()).add(value)
    return Surface(
        {one for one in methods if one.lower() in found},
        set(GO_TYPE.findall(whole)),
        list(by_type.values()),
    )


SURFACES: dict[str, Callable[[Path, set[str]], Surface]] = {
    "typescript": typescript_surface,
    "python": python_surface,
    "go": go_surface,
}


def missing(must: Wanted, has: Surface) -> Iterator[str]:
    """What an SDK lacks, in words."""
    for method in sorted(must.methods - has.methods):
        yield f"method {method}"
    for error in sorted(must.errors - has.errors):
        yield f"error {error}"
    for place, values in must.choices.items():
        if not any(values <= one for one in has.choices):
            nearest = max(has.choices, key=lambda one: len(values & one), default=set())
            lacks = ", ".join(sorted(values - nearest)) or "all of it in one declaration"
            yield f"enumeration {place}: {lacks}"


def main() -> int:
    """Compare, tell, and answer the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--sdks", type=Path, default=HERE, help="the folder that holds the SDKs")
    parser.add_argument("--openapi", type=Path, help="the document (default: openapi.json beside)")
    parser.add_argument(
        "--only", choices=SURFACES, action="append", help="one language, or several"
    )
    options = parser.parse_args()
    must = wanted(options.sdks, options.openapi or options.sdks.parent / "openapi.json")
    found = 0
    for language in options.only or SURFACES:
        folder = options.sdks / language
        lacks = (
            list(missing(must, SURFACES[language](folder, must.methods)))
            if folder.is_dir()
            else ["the folder itself"]
        )
        found += len(lacks)
        for one in lacks:
            print(f"{language} lacks {one}")
    print(
        f"{len(must.methods)} methods, {len(must.errors)} errors, "
        f"{len(must.choices)} enumerations: " + (f"{found} missing" if found else "all there")
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
