"""The undo stack alone, with commands made for the purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from core.canvas.undo import UndoStack
from core.geometry import Rect


@dataclass
class Note:
    """A command that writes down what happens to it."""

    name: str
    bytes: int = 10
    log: list[str] = field(default_factory=list)
    fails: bool = False

    def undo(self, document: Any) -> Rect:
        if self.fails:
            raise RuntimeError(self.name)
        self.log.append(f"undo {self.name}")
        return Rect(0, 0, 1, 1)

    def redo(self, document: Any) -> Rect:
        if self.fails:
            raise RuntimeError(self.name)
        self.log.append(f"redo {self.name}")
        return Rect(0, 0, 2, 2)


def test_an_empty_stack_does_nothing():
    stack = UndoStack()
    assert not stack.can_undo
    assert not stack.can_redo
    assert (stack.undo_name, stack.redo_name) == ("", "")
    assert stack.undo(None).is_empty
    assert stack.redo(None).is_empty


def test_commands_are_undone_last_first_and_redone_first_last():
    log: list[str] = []
    stack = UndoStack()
    for name in "abc":
        stack.push(Note(name, log=log))
    assert stack.undo(None) == Rect(0, 0, 1, 1)
    stack.undo(None)
    assert (stack.undo_name, stack.redo_name) == ("a", "b")
    assert stack.redo(None) == Rect(0, 0, 2, 2)
    assert log == ["undo c", "undo b", "redo b"]


def test_a_smaller_limit_forgets_the_oldest_at_once():
    stack = UndoStack(limit_bytes=100)
    for name in "abc":
        stack.push(Note(name))
    seen: list[int] = []

    def look() -> None:
        seen.append(stack.bytes_used)

    stack.changed.connect(look)
    stack.limit_bytes = 25
    assert (stack.limit_bytes, stack.bytes_used) == (25, 20)
    stack.limit_bytes = 1
    assert stack.undo_name == "c"
    stack.limit_bytes = 100
    assert seen == [20, 10]


def test_pushing_forgets_what_was_undone():
    stack = UndoStack()
    stack.push(Note("a"))
    stack.undo(None)
    stack.push(Note("b"))
    assert not stack.can_redo
    assert stack.undo_name == "b"


def test_the_oldest_go_when_there_are_too_many_bytes_but_the_newest_stays():
    stack = UndoStack(limit_bytes=25)
    for name in "abc":
        stack.push(Note(name))
    assert stack.bytes_used == 20
    stack.push(Note("huge", bytes=1000))
    assert stack.undo_name == "huge"
    stack.undo(None)
    assert not stack.can_undo


def test_a_command_that_fails_stays_where_it_was():
    stack = UndoStack()
    stack.push(Note("a", fails=True))
    with pytest.raises(RuntimeError, match="a"):
        stack.undo(None)
    assert stack.undo_name == "a"
    assert not stack.can_redo


def test_every_change_is_announced_once_and_after_it_happened():
    stack = UndoStack()
    seen: list[tuple[str, str]] = []

    def look() -> None:
        seen.append((stack.undo_name, stack.redo_name))

    stack.changed.connect(look)
    stack.push(Note("a"))
    stack.undo(None)
    stack.redo(None)
    stack.redo(None)
    assert seen == [("a", ""), ("", "a"), ("a", "")]


def test_the_position_is_the_same_object_where_the_state_is_the_same():
    stack = UndoStack(limit_bytes=25)
    start = stack.position
    stack.push(Note("a"))
    after_a = stack.position
    stack.push(Note("b"))
    assert after_a is not start
    stack.undo(None)
    assert stack.position is after_a
    stack.undo(None)
    assert stack.position is start
    stack.push(Note("c"))
    assert stack.position is not after_a


def test_a_dropped_command_takes_its_start_away_with_it():
    stack = UndoStack(limit_bytes=25)
    start = stack.position
    positions = []
    for name in "abc":
        stack.push(Note(name))
        positions.append(stack.position)
    stack.undo(None)
    stack.undo(None)
    assert not stack.can_undo
    assert stack.position is positions[0]
    assert stack.position is not start
