"""Which rules of a table can hit together: what a unique table must not have, and what need not be watched for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from songhe.engines.policy.model import Rule, Table
from songhe.engines.policy.syntax import Compare, Literal, Node, Range, UnaryTests

# Above so many pairs the answer is not worth its time.
_MOST_PAIRS = 200_000


def disjoint(table: Table, rules: Sequence[Rule]) -> bool:
    """Tell whether no two of these rules can hit together, as far as their constants show it."""
    if len(rules) * (len(rules) - 1) // 2 > _MOST_PAIRS:
        return False
    spans = [[_Cell(test) for test in rule.tests] for rule in rules]
    return all(
        any(first.apart(second) for first, second in zip(spans[here], spans[there], strict=True))
        for here in range(len(rules))
        for there in range(here)
    )


def apart(tests: Iterable[UnaryTests]) -> bool:
    """Tell whether no value passes two of these tests of one column, as far as their constants show it."""
    cells = [_Cell(test) for test in tests]
    return len(cells) * (len(cells) - 1) // 2 <= _MOST_PAIRS and all(
        first.apart(second) for place, first in enumerate(cells) for second in cells[:place]
    )


class _Cell:
    """The values that a cell lets through: points, spans of numbers, or not known."""

    def __init__(self, tests: UnaryTests) -> None:
        self.points: set[tuple[type, object]] = set()
        self.spans: list[tuple[Decimal | None, bool, Decimal | None, bool]] = []
        self.known = not tests.anything
        self.negated = tests.negated
        for test in tests.tests:
            self._add(test)

    def _add(self, test: Node) -> None:
        match test:
            case Literal(value) if value is not None:
                self.points.add((type(value), value))
                if isinstance(value, Decimal):
                    self.spans.append((value, True, value, True))
            case Compare("=", Literal(value)) if value is not None:
                self._add(Literal(value))
            case Compare("<" | "<=" as sign, Literal(Decimal() as high)):
                self.spans.append((None, False, high, sign == "<="))
            case Compare(">" | ">=" as sign, Literal(Decimal() as low)):
                self.spans.append((low, sign == ">=", None, False))
            case Range(Literal(Decimal() as low), Literal(Decimal() as high), low_closed, high_closed):
                self.spans.append((low, low_closed, high, high_closed))
            case _:
                self.known = False

    def apart(self, other: _Cell) -> bool:
        """Tell whether no value passes both; False where that is not known."""
        if not self.known or not other.known:
            return False
        if self.negated and other.negated:
            return False
        if self.negated or other.negated:
            negated, plain = (self, other) if self.negated else (other, self)
            return bool(plain.points) and not plain.spans and plain.points <= negated.points
        if any(first in other.points for first in self.points):
            return False
        return not any(_meet(first, second) for first in self.spans for second in other.spans)


def _meet(
    first: tuple[Decimal | None, bool, Decimal | None, bool], second: tuple[Decimal | None, bool, Decimal | None, bool]
) -> bool:
    return not (_before(first, second) or _before(second, first))


def _before(
    first: tuple[Decimal | None, bool, Decimal | None, bool], second: tuple[Decimal | None, bool, Decimal | None, bool]
) -> bool:
    """Tell whether the first span ends before the second begins."""
    high, high_closed, low, low_closed = first[2], first[3], second[0], second[1]
    if high is None or low is None:
        return False
    return high < low or (high == low and not (high_closed and low_closed))
