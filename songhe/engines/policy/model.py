"""What a decision model (DMN 1.5) is: a graph of decisions, each a table or an expression, parsed once."""

from __future__ import annotations

from dataclasses import dataclass, field

from songhe.engines.policy.interpreter import Value
from songhe.engines.policy.syntax import Node, UnaryTests

HIT_POLICIES = ("UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT")
# How a type that the model defines as a collection is known here, whatever its own name.
LIST = "list"
AGGREGATIONS = {"SUM": "sum", "MIN": "min", "MAX": "max", "COUNT": "count"}


@dataclass(frozen=True)
class Input:
    """A column that is asked about."""

    label: str
    node: Node
    text: str
    allowed: UnaryTests | None = None


@dataclass(frozen=True)
class Output:
    """A column that answers; ``values`` are the allowed ones, the first of highest priority."""

    name: str
    values: tuple[Value, ...] = ()
    default: Node | None = None


@dataclass(frozen=True)
class Rule:
    """One row: a test for each input, an expression for each output, and the clause it comes from."""

    number: int
    tests: tuple[UnaryTests, ...]
    outputs: tuple[Node, ...]
    clause: str


@dataclass(frozen=True)
class Table:
    """A decision table."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    hit_policy: str
    aggregation: str = ""


@dataclass(frozen=True)
class Expression:
    """A literal expression."""

    node: Node
    text: str


@dataclass(frozen=True)
class Entries:
    """A boxed context: named logics, each seeing those before; the last without a name is the result."""

    entries: tuple[tuple[str, Logic], ...]


@dataclass(frozen=True)
class Invocation:
    """A call of a business knowledge model with named arguments."""

    function: str
    bindings: tuple[tuple[str, Logic], ...]


@dataclass(frozen=True)
class Relation:
    """Rows of named cells: a list of contexts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Logic, ...], ...]


@dataclass(frozen=True)
class Function:
    """Business knowledge: parameters and a logic."""

    name: str
    parameters: tuple[str, ...]
    logic: Logic


Logic = Table | Expression | Entries | Invocation | Relation


@dataclass(frozen=True)
class Decision:
    """One decision: what it needs, how it is made, and the name of its result's type."""

    name: str
    requires: tuple[str, ...]
    logic: Logic
    type_name: str = ""


@dataclass(frozen=True)
class Model:
    """A decision requirements graph; ``inputs`` holds the name of each input's type by the input's name.

    ``allowed`` holds, for those inputs whose type says so, the values they may have.
    """

    name: str
    inputs: dict[str, str]
    decisions: dict[str, Decision]
    functions: dict[str, Function]
    allowed: dict[str, UnaryTests] = field(default_factory=dict)
