"""From FEEL to columns: the same three-valued logic and decimals, a population at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from songhe.engines.policy.columns.values import (
    BOOLEAN,
    DATE,
    DAYS,
    DECIMAL_DIGITS,
    INTEGER_DIGITS,
    KIND_NAMES,
    MOMENT,
    MONTHS,
    NULL,
    NUMBER,
    STRING,
    Column,
    Columnar,
    Constant,
    Items,
    ListColumn,
    Members,
    NotColumnar,
    Ratio,
    common,
    constant,
    is_context,
    is_list,
    is_never_null,
    members_of,
    null_of,
    number,
    of_number,
    one_kind,
    presence,
    type_of_number,
    typed,
)
from songhe.engines.policy.comparing import Interval, same
from songhe.engines.policy.interpreter import evaluate_node
from songhe.engines.policy.syntax import (
    Between,
    Binary,
    Call,
    Compare,
    ContextOf,
    Filter,
    For,
    Holds,
    If,
    In,
    ListOf,
    Literal,
    Name,
    Node,
    Path,
    Quantified,
    Range,
    Unary,
    UnaryTests,
    parts,
)
from songhe.engines.policy.temporal import Months

Names = Mapping[str, Columnar]
# Calls a business knowledge model with its arguments, by place or by name.
Caller = Callable[[str, list[Columnar], tuple[str, ...]], Columnar]
_ORDERS = ("<", "<=", ">", ">=")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_MOST_ITEMS = 500


@ibis.udf.scalar.builtin(name="divide")  # type: ignore[untyped-decorator]
def _divide(left: int, right: int) -> int:
    """Divide whole numbers in DuckDB (whose ``/`` goes by floats); other engines are given ``/`` of decimals."""
    raise NotImplementedError


class Expressions:
    """Compiles expressions for one engine (``duckdb``, ``postgres`` or ``pyspark``)."""

    def __init__(self, backend: str, functions: frozenset[str], call: Caller) -> None:
        self.backend = backend
        self.functions = functions
        self.call_model = call

    # --- any expression --------------------------------------------------------------------------------------------

    def value(self, node: Node, names: Names) -> Columnar:
        """Return an expression over the columns that ``names`` speak of."""
        if self._is_constant(node, names):
            known = {name: value.value for name, value in names.items() if isinstance(value, Constant)}
            return Constant(evaluate_node(node, known))
        match node:
            case Name(name):
                return names.get(name, NULL)
            case Path(of, member):
                return self._member(self.value(of, names), member)
            case Binary("and" | "or" as sign, left, right):
                return self.logic(sign, self.truth(self.value(left, names)), self.truth(self.value(right, names)))
            case Binary("+" | "-" | "*" | "/" | "**" as sign, left, right):
                return self.arithmetic(sign, self.value(left, names), self.value(right, names))
            case Binary(sign, left, right):
                return self.compare(sign, self.value(left, names), self.value(right, names))
            case Unary(_, operand):
                return self.arithmetic("-", Constant(Decimal(0)), self.value(operand, names))
            case If(condition, then, otherwise):
                chosen = [(self.truth(self.value(condition, names)), self.value(then, names))]
                return self.cases(chosen, self.value(otherwise, names))
            case Between(value, low, high):
                return self._within(
                    self.value(value, names), self.value(low, names), self.value(high, names), True, True
                )
            case In(value, tests):
                return self.passes(tests, self.value(value, names), names)
            case Call(function, arguments, argument_names):
                return self._call(function, [self.value(each, names) for each in arguments], argument_names)
            case ListOf(items):
                return Items(tuple((None, self.value(item, names)) for item in items))
            case ContextOf(entries):
                made: dict[str, Columnar] = {}
                for key, entry in entries:
                    made[key] = self.value(entry, {**names, **made})
                return Members(made)
            case Filter(of, by):
                return self._filtered(self.value(of, names), by, names)
            case For(variables, result):
                return Items(
                    tuple(
                        (present, self.value(result, {**names, **each}))
                        for present, each in self._each(variables, names)
                    )
                )
            case Quantified(every, variables, condition):
                return self._quantified(every, variables, condition, names)
            case Compare(sign, operand):
                return self.compare(sign, names.get("?", NULL), self.value(operand, names))
            case Holds(condition):
                return self.truth(self.value(condition, names))
            case UnaryTests():
                return self.passes(node, names.get("?", NULL), names)
        raise NotColumnar(f"{type(node).__name__} 这种写法")

    def _is_constant(self, node: Node, names: Names) -> bool:
        for part in parts(node):
            if isinstance(part, Name) and not isinstance(names.get(part.name, NULL), Constant):
                return False
            if isinstance(part, Call) and part.function in (*self.functions, "now", "today"):
                return False
            if isinstance(part, Compare) and not isinstance(names.get("?", NULL), Constant):
                return False
        return True

    # --- shapes ----------------------------------------------------------------------------------------------------

    def column(self, value: Columnar) -> Column | None:
        """Return a value as a column; None for null. Lists and contexts are none."""
        match value:
            case Column():
                return value
            case Constant(None):
                return None
            case Constant(bool() as known):
                return Column(ibis.literal(known), BOOLEAN)
            case Constant(Decimal() as known):
                return of_number(known)
            case Constant(str() as known):
                return Column(ibis.literal(known), STRING)
            case Constant(datetime() as known) if known.tzinfo is None:
                return Column(ibis.literal(known.isoformat(" ")).cast(dt.timestamp), MOMENT)
            case Constant(date() as known) if not isinstance(known, datetime):
                # Every engine reads this text; not every one has the function that Ibis writes a date with.
                return Column(ibis.literal(known.isoformat()).cast(dt.date), DATE)
            case Constant(Months() as known):
                return Column(ibis.literal(known.count, dt.int64), MONTHS)
            case Constant(timedelta() as known) if known == timedelta(days=known.days):
                return Column(ibis.literal(known.days, dt.int64), DAYS)
            case Ratio():
                raise NotColumnar("除法的商除不尽，须先取整（如 decimal(…, 2)）或直接比较，才能按列计算")
            case ListColumn() | Items() | Constant(list()):
                raise NotColumnar("此处应为单个的值，却是列表")
            case Members():
                raise NotColumnar("此处应为单个的值，却是上下文")
        raise NotColumnar(f"此处的值“{value}”")

    def items(self, value: Columnar) -> tuple[tuple[Any, Columnar], ...]:
        """Return the possible elements of a list, with the condition on which each is there."""
        match value:
            case Items(items):
                found = items
            case Constant(list() as known):
                found = tuple((None, constant(item)) for item in known)
            case ListColumn():
                raise NotColumnar("对一列清单（每人一份、长短不一）只能用 list contains、count、some、every")
            case _:
                found = ((None, value),)
        if len(found) > _MOST_ITEMS:
            raise NotColumnar(f"列表超过 {_MOST_ITEMS} 项")
        return found

    def cases(self, chosen: Sequence[tuple[Columnar, Columnar]], otherwise: Columnar) -> Columnar:
        """Return the value beside the first condition that is true."""
        kept: list[tuple[Any, Columnar]] = []
        for condition, value in chosen:
            if isinstance(condition, Constant):
                if condition.value is True:
                    otherwise = value
                    break
                continue
            assert isinstance(condition, Column)
            kept.append((condition.expression, value))
        values = [value for _condition, value in kept] + [otherwise]
        if not kept or (
            all(value == values[0] for value in values if isinstance(value, Constant))
            and all(isinstance(value, Constant) for value in values)
        ):
            return values[0] if kept else otherwise
        if any(isinstance(value, Members) or is_context(value) for value in values):
            return self._cases_of_contexts(kept, otherwise)
        if any(isinstance(value, Items | ListColumn) or is_list(value) for value in values):
            raise NotColumnar("按条件在几个列表中选一个")
        columns = [self.column(value) for value in values]
        some = [column for column in columns if column is not None]
        if not some:
            return NULL
        kind = one_kind(some)
        scale, digits = common(some)
        shape = Column(None, kind, scale, digits)
        branches = [null_of(shape) if column is None else typed(column, scale, digits) for column in columns]
        conditions = [condition for condition, _value in kept]
        expression = ibis.cases(*zip(conditions, branches[:-1], strict=True), else_=branches[-1])
        return Column(expression, kind, scale, digits)

    def _cases_of_contexts(self, kept: list[tuple[Any, Columnar]], otherwise: Columnar) -> Columnar:
        spread = [(condition, members_of(value)) for condition, value in kept]
        rest = members_of(otherwise)
        keys = list(
            dict.fromkeys(key for _c, each in [*spread, (None, rest)] for key in (each.members if each else {}))
        )
        made = {
            key: self.cases(
                [(Column(c, BOOLEAN), each.members.get(key, NULL) if each else NULL) for c, each in spread],
                rest.members.get(key, NULL) if rest else NULL,
            )
            for key in keys
        }
        present = self.cases([(Column(c, BOOLEAN), presence(each)) for c, each in spread], presence(rest))
        return Members(made, present.expression if isinstance(present, Column) else None)

    def _member(self, value: Columnar, member: str) -> Columnar:
        match value:
            case Members(members, _present):
                return members.get(member, NULL)
            case Items(items):
                return Items(tuple((present, self._member(item, member)) for present, item in items))
            case Constant(known):
                return Constant(evaluate_node(Path(Name("?"), member), {"?": known}))
            case Column(expression, "date" | "date and time") if member in ("year", "month", "day"):
                return number(getattr(expression, member)())
            case Column(expression, "date" | "date and time") if member == "weekday":
                return number(expression.day_of_week.index() + 1)
            case Column(expression, "months") if member in ("years", "months"):
                whole, rest = self._halves(expression, 12)
                return Column(whole if member == "years" else rest, NUMBER)
            case Column(expression, "days") if member == "days":
                return Column(expression, NUMBER)
        raise NotColumnar(f"成员“.{member}”")

    # --- logic -----------------------------------------------------------------------------------------------------

    def truth(self, value: Columnar) -> Columnar:
        """Return a value as a condition: null where it is none."""
        if isinstance(value, Column) and value.kind == BOOLEAN:
            return value
        if isinstance(value, Constant) and isinstance(value.value, bool):
            return value
        return NULL

    def logic(self, sign: str, left: Columnar, right: Columnar) -> Columnar:
        """Return ``and`` or ``or`` of two truths, deciding what is known before."""
        decided = sign == "or"
        for value, other in ((left, right), (right, left)):
            if isinstance(value, Constant) and value.value is decided:
                return value
            if isinstance(value, Constant) and value.value is (not decided):
                return other
        if isinstance(left, Constant) and isinstance(right, Constant):
            return NULL
        first, second = (ibis.null(dt.boolean) if isinstance(v, Constant) else v.expression for v in (left, right))  # type: ignore[union-attr]
        return Column(first & second if sign == "and" else first | second, BOOLEAN)

    def negation(self, value: Columnar) -> Columnar:
        """Return ``not`` of a truth."""
        value = self.truth(value)
        if isinstance(value, Constant):
            return NULL if value.value is None else Constant(not value.value)
        assert isinstance(value, Column)
        return Column(~value.expression, BOOLEAN)

    def compare(self, sign: str, left: Columnar, right: Columnar, lax: bool = False) -> Columnar:
        """Compare two values; null where either is null, except that null equals null.

        ``lax`` lets an equality be null where it is false: the same to whoever only asks whether it is true.
        """
        if isinstance(left, Constant) and isinstance(right, Constant):
            return Constant(evaluate_node(Binary(sign, Name("a"), Name("b")), {"a": left.value, "b": right.value}))
        if isinstance(left, Ratio) or isinstance(right, Ratio):
            return self._compare_ratios(sign, left, right)
        if sign in ("=", "!="):
            missing = right if left == NULL else left if right == NULL else None
            if missing is not None:
                found = self._is_null(missing)
                return found if sign == "=" else self.negation(found)
        first, second = self.column(left), self.column(right)
        if first is None or second is None:
            return NULL
        kind = one_kind([first, second])
        if sign in ("=", "!=") and (known := self._among_choices(left, right, lax and sign == "=")):
            return known if sign == "=" else self.negation(known)
        one, other = first.expression, second.expression
        if kind == NUMBER and first.scale and second.scale:
            one, other = (typed(each, *common([first, second])) for each in (first, second))
        if sign in ("=", "!="):
            if isinstance(left, Constant) or isinstance(right, Constant):
                same = one == other if kind != BOOLEAN else _is_truth(left, right, one, other)
                same = same if lax and sign == "=" else same.fill_null(False)
            else:
                same = one.identical_to(other)
            return Column(same if sign == "=" else ~same, BOOLEAN)
        if kind == BOOLEAN:
            return NULL
        if kind == STRING and self.backend == "postgres":
            raise NotColumnar("文字的先后比较（PostgreSQL 的排序规则因库而异）")
        return Column(_ordered(sign, one, other), BOOLEAN)

    def _among_choices(self, left: Columnar, right: Columnar, lax: bool) -> Columnar | None:
        """Tell which rules answer with a constant, where that is known of a column."""
        value, wanted = (left, right) if isinstance(right, Constant) else (right, left)
        if not isinstance(value, Column) or value.choices is None or not isinstance(wanted, Constant):
            return None
        known = value.choices
        numbers = [number for each, answer in known.answers if same(answer, wanted.value) for number in each]
        missing = known.rule.isnull() if same(known.otherwise, wanted.value) else None
        if not numbers:
            return Constant(False) if missing is None else Column(missing, BOOLEAN)
        hit = known.rule == numbers[0] if len(numbers) == 1 else known.rule.isin(numbers)
        if missing is not None:
            return Column(missing | hit.fill_null(False), BOOLEAN)
        return Column(hit if lax else hit.fill_null(False), BOOLEAN)

    def _is_null(self, value: Columnar) -> Columnar:
        match value:
            case Members(_, None) | Items():
                return Constant(False)
            case Members(_, present):
                return Column(~present, BOOLEAN)
            case Column(expression) | ListColumn(expression, _):
                return Column(expression.isnull(), BOOLEAN)
            case Ratio(top, bottom):
                return Column(top.expression.isnull() | bottom.expression.isnull() | (bottom.expression == 0), BOOLEAN)
        return Constant(value == NULL)

    def _compare_ratios(self, sign: str, left: Columnar, right: Columnar) -> Columnar:
        if not isinstance(left, Ratio):
            left, right, sign = right, left, _MIRRORED[sign]
        assert isinstance(left, Ratio)
        if isinstance(right, Ratio):
            raise NotColumnar("两个商的比较，请先取整")
        if sign in ("=", "!="):
            raise NotColumnar("商与数的相等比较，请先取整")
        other = self.arithmetic("*", right, left.denominator)
        if other == NULL:
            return NULL
        bottom = left.denominator.expression
        direct, turned = self.compare(sign, left.numerator, other), self.compare(_MIRRORED[sign], left.numerator, other)
        return self.cases([(Column(bottom > 0, BOOLEAN), direct), (Column(bottom < 0, BOOLEAN), turned)], NULL)

    def _within(self, value: Columnar, low: Columnar, high: Columnar, low_closed: bool, high_closed: bool) -> Columnar:
        return self.logic(
            "and",
            self.compare(">=" if low_closed else ">", value, low),
            self.compare("<=" if high_closed else "<", value, high),
        )

    def passes(self, tests: UnaryTests, value: Columnar, names: Names, lax: bool = False) -> Columnar:
        """Tell the rows whose input passes a cell's tests; ``lax`` as in ``compare``."""
        lax = lax and not tests.negated
        if tests.anything:
            return Constant(True)
        inner = {**names, "?": value}
        result: Columnar = Constant(False)
        for test in tests.tests:
            result = self.logic("or", result, self._passes_one(test, value, inner, lax))
        return self.negation(result) if tests.negated else result

    def _passes_one(self, test: Node, value: Columnar, names: Names, lax: bool) -> Columnar:
        if isinstance(test, Compare | Holds):
            return self.truth(self.value(test, names))
        if isinstance(test, Range) and test.low is not None and test.high is not None:
            bounds = self.value(test.low, names), self.value(test.high, names)
            return self._within(value, *bounds, test.low_closed, test.high_closed)
        found = self.value(test, names)
        if isinstance(found, Constant) and isinstance(found.value, Interval):
            span = found.value
            return self._within(value, Constant(span.low), Constant(span.high), span.low_closed, span.high_closed)
        if isinstance(value, ListColumn):
            return self._list_against(value, found)
        if is_list(found) and not is_list(value):
            return self._contains(found, value)
        return self.compare("=", value, found, lax)

    def _list_against(self, value: ListColumn, found: Columnar) -> Columnar:
        if found == NULL:
            return Column(value.expression.isnull(), BOOLEAN)
        wanted = self.column(found)
        assert wanted is not None
        # A list of one stands for its element; any other is of another kind than the value it is compared with.
        lone = value.expression.length() == 1
        same = self.compare("=", Column(value.expression[0], value.kind), found)
        result = self.cases([(Column(lone, BOOLEAN), same)], NULL)
        assert isinstance(result, Column)
        return Column(ibis.ifelse(value.expression.isnull(), False, result.expression), BOOLEAN)

    # --- arithmetic ------------------------------------------------------------------------------------------------

    def arithmetic(self, sign: str, left: Columnar, right: Columnar) -> Columnar:
        """Return a sum, difference, product, quotient or power; null where either is null."""
        if left == NULL or right == NULL:
            return NULL
        if sign == "**":
            return self._power(left, right)
        if isinstance(left, Ratio) and isinstance(right, Constant) and sign in ("*", "/"):
            raise NotColumnar("对除不尽的商再作乘除，请先取整或改变运算次序")
        first, second = self.column(left), self.column(right)
        assert first is not None and second is not None
        if first.kind != NUMBER or second.kind != NUMBER:
            return self._temporal(sign, first, second)
        if sign == "/":
            return self._quotient(first, right, second)
        if sign == "*":
            one, other = first.expression, second.expression
            if first.scale and second.scale:
                # Ibis multiplies decimals only where one's type holds the other's.
                one, other = (typed(each, *common([first, second])) for each in (first, second))
            product = one * other
            return number(product, first.scale + second.scale, first.digits + second.digits)
        scale, digits = common([first, second])
        one, other = typed(first, scale, digits), typed(second, scale, digits)
        total = one + other if sign == "+" else one - other
        return number(total, scale, digits + 1)

    def _quotient(self, left: Column, given: Columnar, right: Column) -> Columnar:
        if isinstance(given, Constant):
            if given.value == 0:
                return NULL
            inverse = _finite_inverse(given.value)
            if inverse is not None:
                return self.arithmetic("*", left, Constant(inverse))
        return Ratio(left, right)

    def _power(self, left: Columnar, right: Columnar) -> Columnar:
        if not isinstance(right, Constant) or right.value not in range(2, 9):
            raise NotColumnar("乘方的指数须是 2 到 8 的整数")
        result = left
        for _ in range(int(right.value) - 1):
            result = self.arithmetic("*", result, left)
        return result

    def _temporal(self, sign: str, left: Column, right: Column) -> Columnar:
        match left.kind, sign, right.kind:
            case ("string", "+", "string"):
                return Column(left.expression + right.expression, STRING)
            case ("date", "+" | "-", "days"):
                days = right.expression if sign == "+" else -right.expression
                return self._moved(left.expression, days, "D")
            case ("days", "+", "date"):
                return self._moved(right.expression, left.expression, "D")
            case ("date", "+" | "-", "months"):
                months = right.expression if sign == "+" else -right.expression
                return self._moved(left.expression, months, "M")
            case ("months", "+", "date"):
                return self._moved(right.expression, left.expression, "M")
            case ("date", "-", "date"):
                return Column(self._days_between(right.expression, left.expression), DAYS)
            case ("months", "+" | "-", "months") | ("days", "+" | "-", "days"):
                both = left.expression, right.expression
                return Column(both[0] + both[1] if sign == "+" else both[0] - both[1], left.kind)
            case ("months" | "days", "*", "number") if not right.scale:
                return Column(left.expression * right.expression, left.kind)
        names = KIND_NAMES[left.kind], KIND_NAMES[right.kind]
        raise NotColumnar(f"{names[0]} {sign} {names[1]}")

    def _moved(self, day: Any, amount: Any, unit: str) -> Column:
        moved = (day + amount.as_interval(unit)).cast(dt.date)
        # Beyond the calendar there is no date.
        return Column(ibis.ifelse(moved.year().between(1, 9999), moved, ibis.null(dt.date)), DATE)

    def _days_between(self, start: Any, end: Any) -> Any:
        return end.delta(start, unit="day").cast(dt.int64)

    def _halves(self, whole: Any, by: int) -> tuple[Any, Any]:
        rest = whole % by
        return self._exact(whole - rest, ibis.literal(by, dt.int64)), rest

    def _exact(self, top: Any, bottom: Any) -> Any:
        """Divide whole numbers that divide evenly."""
        if self.backend == "duckdb":
            return _divide(top, bottom)
        wide = dt.Decimal(DECIMAL_DIGITS, 0)
        return (top.cast(wide) / bottom.cast(wide)).cast(wide).cast(dt.int64)

    # --- functions -------------------------------------------------------------------------------------------------

    def _call(self, function: str, arguments: list[Columnar], argument_names: tuple[str, ...]) -> Columnar:
        if function in self.functions:
            return self.call_model(function, arguments, argument_names)
        if argument_names:
            raise NotColumnar(f"按名称给函数 {function} 传参数")
        known = _FUNCTIONS.get(function)
        if known is None:
            raise NotColumnar(f"函数 {function}")
        try:
            return known(self, *arguments)
        except TypeError as error:
            raise NotColumnar(f"函数 {function} 用 {len(arguments)} 个参数") from error

    def _rounded(self, mode: str, value: Columnar, places: Columnar = Constant(Decimal(0))) -> Columnar:
        if value == NULL:
            return NULL
        if not isinstance(places, Constant) or not isinstance(places.value, Decimal) or not 0 <= places.value <= 9:
            raise NotColumnar("取整的小数位数须是 0 到 9 的常数")
        to = int(places.value)
        if isinstance(value, Ratio):
            top, bottom = value.numerator, value.denominator
        else:
            column = self.column(value)
            assert column is not None
            if column.kind != NUMBER:
                return NULL
            if column.scale <= to:
                return column
            if mode == "half up":
                # Every engine rounds decimals so, away from zero.
                return number(column.expression.round(to), to, column.digits - column.scale + to + 1)
            top, bottom = column, of_number(Decimal(1))
        # Whole numbers: top · 10^to ÷ bottom, both freed of their decimals.
        scale = max(top.scale - to, bottom.scale)
        above = self._whole(top, scale + to)
        below = self._whole(bottom, scale).nullif(0)
        rest = above % below
        quotient = self._exact(above - rest, below)
        sign = ibis.ifelse((above < 0) == (below < 0), 1, -1).cast(dt.int64)
        twice, against = rest.abs() * 2, below.abs()
        step = {
            "floor": (rest != 0) & (sign < 0),
            "ceiling": (rest != 0) & (sign > 0),
            "up": rest != 0,
            "down": ibis.literal(False),
            "half up": twice >= against,
            "half down": twice > against,
            "half even": (twice > against) | ((twice == against) & (quotient % 2 != 0)),
        }[mode]
        whole = quotient + ibis.ifelse(step, sign, ibis.literal(0, dt.int64))
        if not to:
            return Column(whole, NUMBER)
        return number(whole * ibis.literal(Decimal(1).scaleb(-to), dt.Decimal(to + 1, to)), to, INTEGER_DIGITS + to)

    def _whole(self, column: Column, scale: int) -> Any:
        if not scale:
            return column.expression.cast(dt.int64)
        shifted = column.expression * ibis.literal(10**scale, dt.int64)
        return shifted.cast(dt.int64)

    def _numbers(self, values: tuple[Columnar, ...]) -> list[tuple[Any, Column | None]]:
        items = self.items(values[0]) if len(values) == 1 else [(None, value) for value in values]
        return [(present, self.column(item)) for present, item in items]

    def _sum(self, *values: Columnar) -> Columnar:
        found = self._numbers(values)
        if any(column is None and present is None for present, column in found):
            return NULL
        total: Column | None = None
        for present, column in found:
            if column is None:
                column = Column(ibis.null(dt.int64), NUMBER)
            if column.kind != NUMBER:
                return NULL
            if present is not None:
                nothing = ibis.literal(0, type_of_number(column))
                column = Column(ibis.ifelse(present, column.expression, nothing), NUMBER, column.scale, column.digits)
            added = column if total is None else self.arithmetic("+", total, column)
            assert isinstance(added, Column)
            total = added
        return NULL if total is None else self._unless_empty(found, total)

    def _unless_empty(self, found: list[tuple[Any, Column | None]], result: Column) -> Columnar:
        conditions = [present for present, _column in found]
        if any(present is None for present in conditions):
            return result
        present = conditions[0].fill_null(False)
        for other in conditions[1:]:
            present = present | other.fill_null(False)
        return self.cases([(Column(present, BOOLEAN), result)], NULL)

    def _count(self, *values: Columnar) -> Columnar:
        if len(values) == 1 and isinstance(values[0], ListColumn):
            return Column(values[0].expression.length().cast(dt.int64), NUMBER)
        if len(values) == 1 and values[0] == NULL:
            return NULL
        items = self.items(values[0]) if len(values) == 1 else [(None, value) for value in values]
        total = ibis.literal(sum(present is None for present, _item in items), dt.int64)
        for present, _item in items:
            if present is not None:
                total = total + ibis.ifelse(present, 1, 0).cast(dt.int64)
        return Column(total, NUMBER)

    def _best(self, sign: str, *values: Columnar) -> Columnar:
        found = self._numbers(values)
        if any(column is None and present is None for present, column in found):
            return NULL
        columns = [column for _present, column in found if column is not None]
        if not columns:
            return NULL
        kind = one_kind(columns)
        scale, digits = common(columns)
        if kind == STRING and self.backend == "postgres":
            raise NotColumnar("文字的最大最小")
        shape = Column(None, kind, scale, digits)
        offers = []
        spoilt: Any = None
        for present, column in found:
            here = null_of(shape) if column is None else typed(column, scale, digits)
            if column is None or not is_never_null(column):
                missing = here.isnull() if present is None else present.fill_null(False) & here.isnull()
                spoilt = missing if spoilt is None else spoilt | missing
            offers.append(here if present is None else ibis.ifelse(present, here, null_of(shape)))
        # The least and greatest of SQL pass nulls over, FEEL's do not.
        best = offers[0] if len(offers) == 1 else (ibis.least if sign == "<" else ibis.greatest)(*offers)
        return Column(best if spoilt is None else ibis.ifelse(spoilt, null_of(shape), best), kind, scale, digits)

    def _mean(self, *values: Columnar) -> Columnar:
        return self.arithmetic("/", self._sum(*values), self._count(*values))

    def _contains(self, items: Columnar, wanted: Columnar) -> Columnar:
        if isinstance(items, ListColumn):
            if not isinstance(wanted, Constant) or wanted.value is None:
                raise NotColumnar("list contains 的第二个参数须是不为空的常数")
            literal = self.column(wanted)
            assert literal is not None
            if literal.kind != items.kind:
                return self.cases([(Column(items.expression.isnull(), BOOLEAN), NULL)], Constant(False))
            held = items.expression.contains(literal.expression)
            return Column(held, BOOLEAN)
        if items == NULL or not is_list(items):
            return NULL
        result: Columnar = Constant(False)
        for present, item in self.items(items):
            same = self.compare("=", wanted, item)
            here = same if present is None else self.logic("and", Column(present.fill_null(False), BOOLEAN), same)
            result = self.logic("or", result, here)
        if isinstance(result, Column):
            return Column(result.expression.fill_null(False), BOOLEAN)
        return Constant(result.value is True) if isinstance(result, Constant) else result

    def _modulo(self, left: Columnar, right: Columnar) -> Columnar:
        if left == NULL or right == NULL:
            return NULL
        first, second = self.column(left), self.column(right)
        assert first is not None and second is not None
        scale = max(first.scale, second.scale)
        above, below = self._whole(first, scale), self._whole(second, scale).nullif(0)
        rest = ((above % below) + below) % below
        if not scale:
            return Column(rest, NUMBER)
        return number(
            rest * ibis.literal(Decimal(1).scaleb(-scale), dt.Decimal(scale + 1, scale)), scale, INTEGER_DIGITS + scale
        )

    def _abs(self, value: Columnar) -> Columnar:
        column = self.column(value)
        if column is None or column.kind not in (NUMBER, DAYS):
            return NULL
        return Column(column.expression.abs(), column.kind, column.scale, column.digits)

    def _parity(self, odd: bool, value: Columnar) -> Columnar:
        rest = self._modulo(value, Constant(Decimal(2)))
        return self.compare("!=" if odd else "=", rest, Constant(Decimal(0))) if rest != NULL else NULL

    def _of_texts(self, kind: str, *values: Columnar) -> Columnar:
        columns = [self.column(value) for value in values]
        if any(column is None or column.kind != STRING for column in columns):
            return NULL
        texts = [column.expression for column in columns if column]
        match kind:
            case "string length":
                return Column(texts[0].length().cast(dt.int64), NUMBER)
            case "starts with":
                return Column(texts[0].startswith(texts[1]), BOOLEAN)
            case "ends with":
                return Column(texts[0].endswith(texts[1]), BOOLEAN)
            case _:
                return Column(texts[0].contains(texts[1]), BOOLEAN)

    def _months_between(self, start: Columnar, end: Columnar) -> Columnar:
        first, last = self.column(start), self.column(end)
        if first is None or last is None or {first.kind, last.kind} > {DATE}:
            return NULL
        return Column(
            ibis.ifelse(
                last.expression < first.expression,
                -_months(last.expression, first.expression),
                _months(first.expression, last.expression),
            ),
            MONTHS,
        )

    def _to_date(self, *values: Columnar) -> Columnar:
        if len(values) == 1:
            column = self.column(values[0])
            if column is None or column.kind == DATE:
                return values[0]
            if column.kind == MOMENT:
                return Column(column.expression.date(), DATE)
        raise NotColumnar("从列中的文字或数字造日期")

    def _to_text(self, value: Columnar) -> Columnar:
        column = self.column(value)
        if column is None or column.kind == STRING:
            return value
        if column.kind == BOOLEAN:
            return self.cases([(column, Constant("true")), (self.negation(column), Constant("false"))], NULL)
        if column.kind not in (NUMBER, DATE):
            raise NotColumnar(f"把{KIND_NAMES[column.kind]}写成文字")
        text = column.expression.cast(dt.string)
        return Column(text.re_replace(r"\.?0+$", "") if column.scale else text, STRING)

    # --- lists -----------------------------------------------------------------------------------------------------

    def _filtered(self, value: Columnar, by: Node, names: Names) -> Columnar:
        if isinstance(value, ListColumn):
            raise NotColumnar("对每人一份的清单作筛选，请改用 some … satisfies 或 list contains")
        items = () if value == NULL else self.items(value)
        if isinstance(by, Literal | Unary | Name) and self._is_constant(by, names):
            place = self.value(by, names)
            if isinstance(place, Constant) and isinstance(place.value, Decimal):
                return self._at(items, int(place.value))
        kept = []
        for present, item in items:
            inner = {**names, "item": item, **(m.members if (m := members_of(item)) else {})}
            holds = self.truth(self.value(by, inner))
            if isinstance(holds, Constant):
                if holds.value is True:
                    kept.append((present, item))
                continue
            assert isinstance(holds, Column)
            kept.append((holds.expression if present is None else present & holds.expression, item))
        return Items(tuple(kept))

    def _at(self, items: tuple[tuple[Any, Columnar], ...], place: int) -> Columnar:
        if all(present is None for present, _item in items):
            index = place - 1 if place > 0 else len(items) + place
            return items[index][1] if place and 0 <= index < len(items) else NULL
        if place not in (1, -1):
            raise NotColumnar("在筛选后的列表中取第一个或最后一个以外的元素")
        ordered = items if place == 1 else items[::-1]
        return self.cases(
            [(Constant(True) if present is None else Column(present, BOOLEAN), item) for present, item in ordered], NULL
        )

    def _each(self, variables: tuple[tuple[str, Node], ...], names: Names) -> list[tuple[Any, dict[str, Columnar]]]:
        rows: list[tuple[Any, dict[str, Columnar]]] = [(None, {})]
        for name, node in variables:
            if isinstance(node, Range):
                made = For(((name, node),), Name(name))
                if not self._is_constant(made, names):
                    raise NotColumnar("循环的起止须是常数")
                items = self.items(self.value(made, names))
            else:
                items = self.items(self.value(node, names))
            rows = [(_both(before, present), {**each, name: item}) for before, each in rows for present, item in items]
        if len(rows) > _MOST_ITEMS:
            raise NotColumnar(f"循环超过 {_MOST_ITEMS} 次")
        return rows

    def _quantified(
        self, every: bool, variables: tuple[tuple[str, Node], ...], condition: Node, names: Names
    ) -> Columnar:
        values = self.value(variables[0][1], names) if len(variables) == 1 else None
        if values == NULL:
            return NULL
        if isinstance(values, ListColumn):
            return self._quantified_column(every, variables[0][0], values, condition, names)
        result: Columnar = Constant(every)
        for present, each in self._each(variables, names):
            holds = self.truth(self.value(condition, {**names, **each}))
            if present is not None:
                holds = self.cases([(Column(present, BOOLEAN), holds)], Constant(every))
            result = self.logic("and" if every else "or", result, holds)
        return result

    def _quantified_column(self, every: bool, name: str, values: ListColumn, condition: Node, names: Names) -> Columnar:
        def held(item: Any) -> Any:
            found = self.truth(self.value(condition, {**names, name: Column(item, values.kind)}))
            return found.expression if isinstance(found, Column) else ibis.literal(found.value, dt.boolean)  # type: ignore[union-attr]

        truths = values.expression.map(held)
        decided = truths.filter(lambda truth: truth == ibis.literal(not every)).length() > 0
        unknown = truths.filter(lambda truth: truth.isnull()).length() > 0
        answer = ibis.cases((decided, not every), (unknown, ibis.null(dt.boolean)), else_=ibis.literal(every))
        missing = Column(values.expression.isnull(), BOOLEAN)
        return self.cases([(missing, NULL)], Column(answer, BOOLEAN))


_FUNCTIONS: dict[str, Callable[..., Columnar]] = {
    "not": Expressions.negation,
    "sum": Expressions._sum,
    "count": Expressions._count,
    "mean": Expressions._mean,
    "min": lambda self, *values: self._best("<", *values),
    "max": lambda self, *values: self._best(">", *values),
    "floor": lambda self, *values: self._rounded("floor", *values),
    "ceiling": lambda self, *values: self._rounded("ceiling", *values),
    "decimal": lambda self, value, places: self._rounded("half even", value, places),
    "round up": lambda self, value, places: self._rounded("up", value, places),
    "round down": lambda self, value, places: self._rounded("down", value, places),
    "round half up": lambda self, value, places: self._rounded("half up", value, places),
    "round half down": lambda self, value, places: self._rounded("half down", value, places),
    "abs": Expressions._abs,
    "modulo": Expressions._modulo,
    "odd": lambda self, value: self._parity(True, value),
    "even": lambda self, value: self._parity(False, value),
    "list contains": Expressions._contains,
    "string": Expressions._to_text,
    "string length": lambda self, text: self._of_texts("string length", text),
    "contains": lambda self, text, part: self._of_texts("contains", text, part),
    "starts with": lambda self, text, part: self._of_texts("starts with", text, part),
    "ends with": lambda self, text, part: self._of_texts("ends with", text, part),
    "years and months duration": Expressions._months_between,
    "date": Expressions._to_date,
}


def _both(first: Any, second: Any) -> Any:
    return second if first is None else first if second is None else first & second


def _is_truth(left: Columnar, right: Columnar, one: Any, other: Any) -> Any:
    """Tell whether a truth is a known one."""
    known, asked = (left, other) if isinstance(left, Constant) else (right, one)
    return asked if isinstance(known, Constant) and known.value is True else ~asked


def _ordered(sign: str, left: Any, right: Any) -> Any:
    match sign:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right


def _months(first: Any, last: Any) -> Any:
    count = (last.year() - first.year()).cast(dt.int64) * 12 + (last.month() - first.month()).cast(dt.int64)
    return ibis.ifelse(last.day() < first.day(), count - 1, count)


def _finite_inverse(value: Decimal) -> Decimal | None:
    """Return 1/value where it is a finite decimal of few places."""
    inverse = Decimal(1) / value
    return inverse if inverse * value == 1 and -inverse.normalize().as_tuple().exponent <= 9 else None  # type: ignore[operator]
