"""The abstract syntax of FEEL, as far as this engine speaks it (DMN 1.5, clause 10.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Literal:
    """A number, string, boolean or null."""

    value: Any


@dataclass(frozen=True)
class Name:
    """A value by its name; names may hold spaces and Chinese."""

    name: str


@dataclass(frozen=True)
class Path:
    """A member of a context."""

    of: Node
    member: str


@dataclass(frozen=True)
class Filter:
    """A list narrowed by a condition, or one element by its position from 1."""

    of: Node
    by: Node


@dataclass(frozen=True)
class Call:
    """A function with positional arguments, or named ones."""

    function: str
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unary:
    """A sign before a number."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Binary:
    """An operator between two expressions: arithmetic, comparison, and, or."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Apply:
    """A function that an expression gives, with positional arguments, or named ones."""

    of: Node
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class FunctionOf:
    """A function; an external one has no body, and is null."""

    parameters: tuple[str, ...]
    types: tuple[str, ...]
    body: Node | None


@dataclass(frozen=True)
class InstanceOf:
    """Whether a value is of a type, by its name."""

    value: Node
    type_name: str


@dataclass(frozen=True)
class Range:
    """An interval; a bound is open or closed, and None where there is none (``(>= 5)``)."""

    low: Node | None
    high: Node | None
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class ListOf:
    """A list."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class ContextOf:
    """A context: named entries, each seeing those before it."""

    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True)
class If:
    """A choice."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True)
class Between:
    """Within two bounds, both counted."""

    value: Node
    low: Node
    high: Node


@dataclass(frozen=True)
class In:
    """A value against unary tests."""

    value: Node
    tests: UnaryTests


@dataclass(frozen=True)
class For:
    """A list made from others, element by element; a span of whole numbers (``1..3``) is a closed ``Range``."""

    variables: tuple[tuple[str, Node], ...]
    result: Node


@dataclass(frozen=True)
class Quantified:
    """``some`` or ``every``."""

    every: bool
    variables: tuple[tuple[str, Node], ...]
    condition: Node


@dataclass(frozen=True)
class Compare:
    """A unary test: the input against an expression (``< 60``)."""

    operator: str
    operand: Node


@dataclass(frozen=True)
class Holds:
    """A unary test that is a condition of its own (``contains(?, "x")``, ``a > b``), not a value to be equal to."""

    condition: Node


@dataclass(frozen=True)
class UnaryTests:
    """The cell of a decision table: any of these tests, or none of them."""

    tests: tuple[Node, ...]
    negated: bool = False
    anything: bool = False


Node = (
    Literal
    | Name
    | Path
    | Filter
    | Call
    | Apply
    | FunctionOf
    | InstanceOf
    | Unary
    | Binary
    | Range
    | ListOf
    | ContextOf
    | If
    | Between
    | In
    | For
    | Quantified
    | Compare
    | Holds
    | UnaryTests
)


def parts(node: Node) -> Iterator[Node]:
    """Yield a node and everything within it."""
    yield node
    for each in fields(node):
        yield from _within(getattr(node, each.name))


def _within(value: Any) -> Iterator[Node]:
    if isinstance(value, tuple):
        for item in value:
            yield from _within(item)
    elif isinstance(value, Node):
        yield from parts(value)


def unknown_names(node: Node, known: frozenset[str], functions: frozenset[str]) -> Iterator[str]:
    """Yield the names and functions an expression speaks of that are neither known nor bound within it.

    Inside a filter any name may be a member of the list's elements, so names there are not judged.
    """
    match node:
        case Name(name):
            if name not in known and name != "?":
                yield name
            return
        case Call(function, _, _) if function not in functions and function not in known:
            yield function
        case ContextOf(entries):
            for key, value in entries:
                # A function may call itself.
                yield from unknown_names(value, known | {key} if isinstance(value, FunctionOf) else known, functions)
                known |= {key}
            return
        case FunctionOf(parameters, _, body):
            if body is not None:
                yield from unknown_names(body, known.union(parameters), functions)
            return
        case For(variables, body) | Quantified(_, variables, body):
            if isinstance(node, For):
                known |= {"partial"}
            for variable, values in variables:
                yield from unknown_names(values, known, functions)
                known |= {variable}
            yield from unknown_names(body, known, functions)
            return
        case Filter(of, _):
            yield from unknown_names(of, known, functions)
            return
    for each in fields(node):
        for child in _children(getattr(node, each.name)):
            yield from unknown_names(child, known, functions)


def children(node: Node) -> Iterator[Node]:
    """Yield what stands directly within a node."""
    for each in fields(node):
        yield from _children(getattr(node, each.name))


def _children(value: Any) -> Iterator[Node]:
    if isinstance(value, tuple):
        for item in value:
            yield from _children(item)
    elif isinstance(value, Node):
        yield value
