"""The walls between the rooms, as tests: who may import whom, and how long things may get.

pyproject.toml (import-linter, ruff) says the same for those who run `make arch lint`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "diffusers", "transformers")
FORBIDDEN = {
    "core": ("gui", "main", "tools", "tests", "qasync", "PySide6.QtWidgets", "PySide6.QtGui"),
    "gui": ("main", "tools", "tests", "sqlite3", *HEAVY),
    "tools": ("tests",),
}
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_MAIN = 400, 60, 60
# Longer than the rule, each with its reason.
MAY_BE_LONG: dict[str, str] = {}
DOCUMENTED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Finding = Iterator[str]


def sources(*folders: str) -> list[Path]:
    """Every Python file below these folders of the project."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def named(file: Path) -> str:
    """The file's path inside the project."""
    return file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name


def parsed(file: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import below `tree`, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_part_of(name: str, packages: tuple[str, ...]) -> bool:
    """Whether the dotted `name` is one of `packages` or lies inside one."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def forbidden_imports(files: list[Path], banned: tuple[str, ...]) -> Finding:
    """Imports of `banned` packages anywhere in `files`."""
    for file in files:
        for line, name in imports(parsed(file)):
            if is_part_of(name, banned):
                yield f"{named(file)}:{line} imports {name}"


def early_imports(files: list[Path]) -> Finding:
    """Imports of the heavy packages that run when the module is imported."""
    for file in files:
        for statement in _at_import(parsed(file).body):
            for line, name in imports(statement):
                if is_part_of(name, HEAVY):
                    yield f"{named(file)}:{line} imports {name} outside a function"


def _at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run at import: neither functions nor ``if TYPE_CHECKING`` blocks."""
    for statement in body:
        if isinstance(statement, FUNCTIONS) or _is_for_types(statement):
            continue
        if isinstance(statement, ast.ClassDef):
            yield from _at_import(statement.body)
        else:
            yield statement


def _is_for_types(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING")


def too_long(files: list[Path]) -> Finding:
    """Files and functions beyond the limits."""
    for file in files:
        if named(file) in MAY_BE_LONG:
            continue
        lines = len(file.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE:
            yield f"{named(file)} has {lines} lines"
        for node in ast.walk(parsed(file)):
            if isinstance(node, FUNCTIONS) and _length(node) > LONGEST_FUNCTION:
                yield f"{named(file)}:{node.lineno} {node.name} has {_length(node)} lines"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the function without its docstring."""
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    described = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
    return (node.end_lineno or node.lineno) - node.lineno + 1 - described


def undocumented(files: list[Path]) -> Finding:
    """Public modules, classes, functions and methods without a docstring."""
    for file in files:
        tree = parsed(file)
        if ast.get_docstring(tree) is None:
            yield f"{named(file)} says nothing of itself"
        for node in _public(tree):
            if ast.get_docstring(node) is None:
                yield f"{named(file)}:{node.lineno} {node.name} has no docstring"


def _public(scope: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    for node in scope.body:
        if isinstance(node, DOCUMENTED) and not node.name.startswith("_") and not _sets(node):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def _sets(node: ast.stmt) -> bool:
    """Whether this is the setter of a property, whose getter says what it is."""
    decorators = getattr(node, "decorator_list", [])
    return any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in decorators)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_nothing_forbidden(package: str) -> None:
    assert list(forbidden_imports(sources(package), FORBIDDEN[package])) == []


def test_qt_enters_core_only_through_the_engine() -> None:
    without = [f for f in sources("core") if not named(f).startswith("core/engine")]
    assert list(forbidden_imports(without, ("PySide6", "shiboken6"))) == []


def test_the_application_imports_torch_and_its_like_only_inside_functions() -> None:
    assert list(early_imports([*sources("core", "gui"), ROOT / "main.py"])) == []


def test_main_only_starts_things() -> None:
    main = ROOT / "main.py"
    assert len(main.read_text(encoding="utf-8").splitlines()) < LONGEST_MAIN
    assert list(forbidden_imports([main], ("tools", "tests", "sqlite3", *HEAVY))) == []


def test_files_and_functions_can_be_read_at_a_sitting() -> None:
    assert list(too_long(sources("core", "gui", "tools"))) == []


def test_every_exception_from_the_length_rule_is_needed() -> None:
    assert [name for name in MAY_BE_LONG if not (ROOT / name).exists()] == []


def test_everything_public_says_what_it_is() -> None:
    assert list(undocumented([*sources("core", "gui", "tools"), ROOT / "main.py"])) == []


def test_resources_hold_no_code() -> None:
    assert sources("resources") == []


PLANTED = '''
import PySide6.QtGui
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import torch
class Undescribed:
    import diffusers
    def method(self):
        """Lazily."""
        from torch import nn
'''


def test_each_rule_finds_its_planted_fault(tmp_path: Path) -> None:
    file = tmp_path / "planted.py"
    file.write_text(PLANTED + "def long():\n" + "    pass\n" * 500, encoding="utf-8")
    assert list(forbidden_imports([file], ("PySide6", "torch"))) == [
        "planted.py:2 imports PySide6.QtGui",
        "planted.py:5 imports torch",
        "planted.py:10 imports torch.nn",
    ]
    assert list(early_imports([file])) == [
        "planted.py:7 imports diffusers outside a function",
    ]
    assert list(too_long([file])) == [
        "planted.py has 511 lines",
        "planted.py:11 long has 501 lines",
    ]
    assert list(undocumented([file])) == [
        "planted.py says nothing of itself",
        "planted.py:6 Undescribed has no docstring",
        "planted.py:11 long has no docstring",
    ]
