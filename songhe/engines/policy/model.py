"""What a decision model (DMN 1.5) is: a graph of decisions, each a table or an expression, parsed once."""

from __future__ import annotations

from dataclasses import dataclass, field

from songhe.engines.policy.interpreter import Value
from songhe.engines.policy.syntax import Node, UnaryTests
from songhe.engines.policy.types import ItemType

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
    """A call of a function by its name, or of what an expression gives (``of``), with named arguments."""

    function: str
    bindings: tuple[tuple[str, Logic], ...]
    of: Node | None = None


@dataclass(frozen=True)
class Relation:
    """Rows of named cells: a list of contexts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Logic, ...], ...]


@dataclass(frozen=True)
class Items:
    """A boxed list."""

    items: tuple[Logic, ...]


@dataclass(frozen=True)
class Definition:
    """A boxed function; without a logic it is of another language, which is never run."""

    parameters: tuple[str, ...]
    types: tuple[str, ...]
    logic: Logic | None


@dataclass(frozen=True)
class Choice:
    """A boxed conditional."""

    condition: Logic
    then: Logic
    otherwise: Logic


@dataclass(frozen=True)
class Iteration:
    """A boxed iterator: ``kind`` is ``for``, ``some`` or ``every``."""

    kind: str
    variable: str
    source: Logic
    body: Logic


@dataclass(frozen=True)
class Filtering:
    """A boxed filter."""

    source: Logic
    match: Logic


@dataclass(frozen=True)
class Function:
    """Business knowledge: parameters with their types, a logic (None: of another language), the result's type."""

    name: str
    parameters: tuple[str, ...]
    logic: Logic | None
    types: tuple[str, ...] = ()
    type_name: str = ""


@dataclass(frozen=True)
class Service:
    """A decision service: a function of inputs and given decisions whose answer is that of its output decisions."""

    name: str
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]


Logic = Table | Expression | Entries | Invocation | Relation | Items | Definition | Choice | Iteration | Filtering


def inner_logics(logic: Logic) -> tuple[tuple[Logic, tuple[str, ...]], ...]:
    """Return the logics within a boxed one (tables and expressions hold none), each with the names it gives them."""
    match logic:
        case Entries(entries):
            names = tuple(name for name, _entry in entries)
            return tuple(
                (entry, names[: place + isinstance(entry, Definition)]) for place, (_name, entry) in enumerate(entries)
            )
        case Invocation(_, bindings):
            return tuple((bound, ()) for _name, bound in bindings)
        case Relation(_, rows):
            return tuple((cell, ()) for row in rows for cell in row)
        case Items(items):
            return tuple((item, ()) for item in items)
        case Definition(parameters, _, body):
            return ((body, parameters),) if body is not None else ()
        case Choice(condition, then, otherwise):
            return ((condition, ()), (then, ()), (otherwise, ()))
        case Iteration(_, variable, source, body):
            return ((source, ()), (body, (variable, "partial")))
        case Filtering(source, match):
            return ((source, ()), (match, ("item",)))
    return ()


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
    types: dict[str, ItemType] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
