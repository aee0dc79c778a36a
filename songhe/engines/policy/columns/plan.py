"""A model's whole graph over a population: each decision a column, with the rule that made it.

The steps are projections one upon another, so that what several rules ask is computed once: a decision's inputs, then
its rule's number, then what that rule answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from songhe.engines.policy.columns.expressions import Expressions
from songhe.engines.policy.columns.values import (
    BOOLEAN,
    DATE,
    INTEGER_DIGITS,
    MOMENT,
    NULL,
    NUMBER,
    STRING,
    Choices,
    Column,
    Columnar,
    Constant,
    Items,
    ListColumn,
    Members,
    NotColumnar,
    common,
    one_kind,
    type_of,
)
from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.interpreter import plain
from songhe.engines.policy.model import (
    Choice,
    Decision,
    Entries,
    Expression,
    Function,
    Invocation,
    Logic,
    Model,
    Relation,
    Rule,
    Table,
)
from songhe.engines.policy.model import Items as BoxedList
from songhe.engines.policy.overlaps import apart, disjoint
from songhe.engines.policy.syntax import Literal, Node, UnaryTests

_DEEPEST = 32


@ibis.udf.scalar.builtin(name="string_to_array")  # type: ignore[untyped-decorator]
def _string_to_array(text: str, delimiter: str) -> dt.Array[dt.string]:
    """Part a text in PostgreSQL; of an empty one nothing is left."""
    raise NotImplementedError


# Stands for a rule's number where a unique table has several that hit.
_CONTRADICTED = -1


@dataclass(frozen=True)
class Answer:
    """Where a decision's results are: ``columns`` by the output's name ("" for a lone one), each with its kind.

    ``rules`` names the column of the rule that hit: a number, or a list of numbers where a table answers with several.
    """

    columns: dict[str, tuple[str, str]]
    rules: str = ""


@dataclass(frozen=True)
class Plan:
    """A compiled model: an Ibis table with the population's columns and those of every answer."""

    table: ir.Table
    answers: dict[str, Answer]


def build(
    model: Model, population: ir.Table, constants: Mapping[str, Any], decisions: tuple[str, ...], backend: str
) -> Plan:
    """Compile decisions (all, if none are named) over a population whose columns bear the inputs' names.

    Raises:
        NotColumnar: a construct cannot be computed by columns; the decision, the place and the reason are named.
        PolicyError: the model has no such decision, or its requirements go round in a circle.
    """
    return _Planner(model, population, constants, backend).build(decisions)


class _Planner:
    """One compilation: ``table`` is the latest projection, ``names`` what may be spoken of."""

    def __init__(self, model: Model, population: ir.Table, constants: Mapping[str, Any], backend: str) -> None:
        self.model = model
        self.table = population
        self.expressions = Expressions(backend, frozenset(model.functions), self._call)
        self.names: dict[str, Columnar] = {}
        self.rules: dict[str, Any] = {}
        self.under_way: list[str] = []
        self.depth = 0
        self.place = ""
        self.fresh = 0
        self.made: dict[str, Columnar] = {}
        for name in dict.fromkeys([*model.inputs, *population.columns]):
            if name in constants:
                continue
            if name in population.columns:
                if name in model.inputs:
                    self.names[name] = _input(name, population[name])
            else:
                self.names[name] = NULL
        self.names |= {name: Constant(plain(value)) for name, value in constants.items()}

    def build(self, decisions: tuple[str, ...]) -> Plan:
        """Make each decision and the columns of its answer."""
        wanted = decisions or tuple(self.model.decisions)
        for name in wanted:
            self._make(name)
        answers: dict[str, Answer] = {}
        last: dict[str, Any] = {}
        for name in wanted:
            self.place = f"决策“{name}”的结果"
            try:
                answers[name] = self._answer(name, last)
            except NotColumnar as error:
                raise self._refusal(error) from error
        return Plan(self.table.mutate(**last) if last else self.table, answers)

    def _answer(self, name: str, last: dict[str, Any]) -> Answer:
        value = self.made[name]
        spread = {"": value}
        if isinstance(value, Members):
            spread = dict(value.members)
        elif isinstance(value, Items) and any(isinstance(item, Members) for _present, item in value.items):
            keys = dict.fromkeys(key for _p, item in value.items if isinstance(item, Members) for key in item.members)
            spread = {
                key: Items(
                    tuple((p, item.members.get(key, NULL)) for p, item in value.items if isinstance(item, Members))
                )
                for key in keys
            }
        columns = {}
        for key, each in spread.items():
            title = f"{name}.{key}" if key else name
            expression, kind = self._result(each)
            last[title] = expression
            columns[key] = (title, kind)
        rules = ""
        if name in self.rules:
            rules = f"{name}：规则"
            last[rules] = self.rules[name]
        return Answer(columns, rules)

    def _result(self, value: Columnar) -> tuple[Any, str]:
        if isinstance(value, ListColumn):
            return value.expression, f"list {value.kind}"
        if isinstance(value, Items) or (isinstance(value, Constant) and isinstance(value.value, list)):
            return self._gathered(self.expressions.items(value))
        column = self.expressions.column(value)
        return (ibis.null(dt.string), "null") if column is None else (column.expression, column.kind)

    def _gathered(self, items: tuple[tuple[Any, Columnar], ...]) -> tuple[Any, str]:
        """Return a list of the elements that are there."""
        columns = [(present, self.expressions.column(item)) for present, item in items]
        some = [column for _present, column in columns if column is not None]
        kind = one_kind(some) if some else STRING
        scale, digits = common(some) if some else (0, 0)
        type_ = type_of(kind, scale, digits)
        gathered: Any = None
        for present, column in columns:
            one = ibis.array([ibis.null(type_) if column is None else column.expression.cast(type_)])
            if present is not None:
                one = ibis.ifelse(present, one, self._nothing(type_))
            gathered = one if gathered is None else gathered.concat(one)
        return gathered, f"list {kind}"

    def _nothing(self, type_: dt.DataType) -> Any:
        # PostgreSQL has no empty list that knows its type.
        if self.expressions.backend == "postgres":
            return _string_to_array("", ",").cast(dt.Array(type_))
        return ibis.literal([], type=dt.Array(type_))

    # --- graph -----------------------------------------------------------------------------------------------------

    def _make(self, name: str) -> Columnar:
        if name in self.made:
            return self.made[name]
        decision = self.model.decisions.get(name)
        if decision is None:
            raise PolicyError(f"模型“{self.model.name}”没有决策“{name}”。")
        if name in self.under_way:
            raise PolicyError(f"决策“{name}”依赖自己：{' → '.join([*self.under_way, name])}。")
        self.under_way.append(name)
        for required in decision.requires:
            if required in self.model.decisions:
                self._make(required)
        self.under_way.pop()
        self.place = f"决策“{name}”"
        try:
            value = self._logic(decision.logic, self.names, decision, top=True)
        except NotColumnar as error:
            raise self._refusal(error) from error
        self.made[name] = self.names[name] = self._kept(value)
        return self.made[name]

    def _refusal(self, error: NotColumnar) -> NotColumnar:
        return NotColumnar(f"{self.place}不能按列计算：{str(error).rstrip('。')}。")

    def _call(self, name: str, arguments: list[Columnar], argument_names: tuple[str, ...]) -> Columnar:
        function = self.model.functions[name]
        if argument_names:
            given = dict(zip(argument_names, arguments, strict=True))
        else:
            given = dict(zip(function.parameters, arguments, strict=False))
        return self._invoke(function, given)

    def _invoke(self, function: Function, given: Mapping[str, Columnar]) -> Columnar:
        if self.depth > _DEEPEST:
            raise NotColumnar(f"业务知识“{function.name}”调用自己")
        self.depth += 1
        names = {**self.names, **dict.fromkeys(function.parameters, NULL), **given}
        if function.logic is None:
            return NULL
        value = self._logic(function.logic, names, function, top=False)
        self.depth -= 1
        return value

    def _logic(self, logic: Logic, names: dict[str, Columnar], owner: Decision | Function, top: bool) -> Columnar:
        match logic:
            case Table():
                return self._table(logic, names, owner, top)
            case Expression(node, text):
                if top:
                    self.place = f"决策“{owner.name}”表达式“{text}”"
                return self.expressions.value(node, names)
            case Entries(entries):
                inner = dict(names)
                made: dict[str, Columnar] = {}
                for name, entry in entries:
                    value = self._logic(entry, inner, owner, top=False)
                    if not name:
                        return value
                    inner[name] = made[name] = value
                return Members(made)
            case Invocation(function, bindings, _):
                target = self.model.functions.get(function)
                if target is None:
                    raise PolicyError(f"“{owner.name}”调用的“{function}”不在模型中。")
                given = {name: self._logic(bound, names, owner, top=False) for name, bound in bindings}
                return self._invoke(target, given)
            case Choice(condition, then, otherwise):
                chosen = self.expressions.truth(self._logic(condition, names, owner, top=False))
                branches = [self._logic(each, names, owner, top=False) for each in (then, otherwise)]
                return self.expressions.cases([(chosen, branches[0])], branches[1])
            case BoxedList(items):
                return Items(tuple((None, self._logic(item, names, owner, top=False)) for item in items))
            case Relation(columns, rows):
                return Items(
                    tuple(
                        (
                            None,
                            Members(
                                {
                                    name: self._logic(cell, names, owner, top=False)
                                    for name, cell in zip(columns, row, strict=True)
                                }
                            ),
                        )
                        for row in rows
                    )
                )
        raise NotColumnar(f"“{type(logic).__name__}”框")

    # --- steps -----------------------------------------------------------------------------------------------------

    def _kept(self, value: Columnar) -> Columnar:
        """Compute what a decision says once, however many others ask for it."""
        found: dict[str, Any] = {}
        kept = self._named(value, found)
        self._step(found)
        return self._reread(kept, found)

    def _named(self, value: Columnar, found: dict[str, Any]) -> Columnar:
        if isinstance(value, Column) and not isinstance(
            value.expression.op(), ibis.expr.operations.Literal | ibis.expr.operations.Field
        ):
            self.fresh += 1
            name = f"·{self.fresh}"
            found[name] = value.expression
            return Column(name, value.kind, value.scale, value.digits, value.choices)
        if isinstance(value, Members):
            members = {name: self._named(member, found) for name, member in value.members.items()}
            present = value.present
            if present is not None:
                present = self._named(Column(present, BOOLEAN), found)
                present = present.expression if isinstance(present, Column) else present
            return Members(members, present)
        return value

    def _reread(self, value: Columnar, found: Mapping[str, Any]) -> Columnar:
        if isinstance(value, Column) and isinstance(value.expression, str):
            return Column(self.table[value.expression], value.kind, value.scale, value.digits, value.choices)
        if isinstance(value, Members):
            present = self.table[value.present] if isinstance(value.present, str) else value.present
            return Members({name: self._reread(member, found) for name, member in value.members.items()}, present)
        return value

    def _step(self, found: Mapping[str, Any]) -> None:
        if found:
            self.table = self.table.mutate(**found)

    # --- tables ----------------------------------------------------------------------------------------------------

    def _table(self, table: Table, names: dict[str, Columnar], owner: Decision | Function, top: bool) -> Columnar:
        named = f"“{owner.name}”"
        seen = []
        for column in table.inputs:
            self.place = f"{named}“{column.label}”列"
            value = self.expressions.value(column.node, names)
            seen.append(self._kept(value) if top else value)
        hits: list[Hit] = []
        tests: dict[tuple[int, Any], Columnar] = {}
        for rule in table.rules:
            holds: Columnar = Constant(True)
            asked: dict[int, Columnar] = {}
            for number_, (column, test, value) in enumerate(zip(table.inputs, rule.tests, seen, strict=True)):
                if test.anything:
                    continue
                self.place = f"{named}第 {rule.number} 条规则“{column.label}”列"
                key = (number_, test)
                if key not in tests:
                    tests[key] = self.expressions.passes(test, value, names, lax=True)
                asked[number_] = tests[key]
                holds = self.expressions.logic("and", holds, tests[key])
            if not (isinstance(holds, Constant) and holds.value is not True):
                hits.append(Hit(rule, holds, asked))
        answer = _Answering(self, table, names, named)
        if table.hit_policy in ("RULE ORDER", "OUTPUT ORDER", "COLLECT"):
            return answer.several(hits, owner.name if top else "")
        return answer.one(hits, owner.name if top else "")

    def keep(self, column: Column) -> Column:
        """Compute a column once; return where it is."""
        kept = self._kept(column)
        assert isinstance(kept, Column)
        return kept


@dataclass(frozen=True)
class Hit:
    """A rule, the condition on which it hits, and that of each column it asks."""

    rule: Rule
    holds: Columnar
    asked: dict[int, Columnar]


class _Answering:
    """What a table says, by its hit policy (DMN 1.5, clause 8.2.8)."""

    def __init__(self, planner: _Planner, table: Table, names: dict[str, Columnar], named: str) -> None:
        self.planner = planner
        self.table = table
        self.names = names
        self.named = named
        self.expressions = planner.expressions

    def one(self, hits: list[Hit], owner: str) -> Columnar:
        """Answer with the first rule that hits (in order of priority), or not at all where several contradict."""
        hits = self._in_priority(hits) if self.table.hit_policy == "PRIORITY" else hits
        hits = _until_certain(hits, self.table.hit_policy)
        several = self.table.hit_policy in ("UNIQUE", "ANY") and not disjoint(self.table, [hit.rule for hit in hits])
        if owner and several and len(hits) > 1:
            hits = [Hit(hit.rule, self._kept_truth(hit.holds), {}) for hit in hits]
        rule = self._hit(hits, frozenset(range(len(self.table.inputs))))
        if several:
            rule = self._unless_contradicted(hits, rule)
        if owner and isinstance(rule, Column):
            rule = self.planner.keep(rule)
        if owner:
            shown = self.expressions.column(rule)
            number = ibis.null(dt.int64) if shown is None else shown.expression
            self.planner.rules[owner] = self._shown(number) if several else number
        return self._answer_of(rule, [hit.rule for hit in hits], several)

    def _hit(self, hits: list[Hit], columns: frozenset[int]) -> Columnar:
        """Return the number of the first rule that hits.

        Rules that ask a column the same are taken together, so that it is asked once, where no value passes two of the
        column's tests: whoever meets none of one group's rules meets none of another's.
        """
        for place in sorted(columns) if len(hits) > 2 else ():
            groups: dict[UnaryTests, list[Hit]] = {}
            for hit in hits:
                groups.setdefault(hit.rule.tests[place], []).append(hit)
            if len(groups) < len(hits) and apart(groups) and all(place in hit.asked for hit in hits):
                left = columns - {place}
                return self.expressions.cases(
                    [
                        (group[0].asked[place], self._hit(self._without(group, place), left))
                        for group in groups.values()
                    ],
                    NULL,
                )
        return self.expressions.cases([(hit.holds, Constant(Decimal(hit.rule.number))) for hit in hits], NULL)

    def _without(self, hits: list[Hit], place: int) -> list[Hit]:
        """Return rules whose test of one column is known to hold."""
        made = []
        for hit in hits:
            asked = {other: test for other, test in hit.asked.items() if other != place}
            holds: Columnar = Constant(True)
            for test in asked.values():
                holds = self.expressions.logic("and", holds, test)
            made.append(Hit(hit.rule, holds, asked))
        return made

    def _shown(self, rule: Any) -> Any:
        return ibis.ifelse(rule < 0, ibis.null(dt.int64), rule)

    def _answer_of(self, rule: Columnar, rules: list[Rule], several: bool) -> Columnar:
        """Return what the rule of this number answers; rules that answer alike are one case."""
        if isinstance(rule, Constant):
            known = [each for each in rules if each.number == rule.value]
            return self._row(known[0]) if known else self._default()
        assert isinstance(rule, Column)
        alike: dict[tuple[Node, ...], list[int]] = {}
        for each in rules:
            alike.setdefault(each.outputs, []).append(each.number)
        first = {each.number: each for each in reversed(rules)}
        rows = [(numbers, self._row(first[numbers[0]])) for numbers in alike.values()]
        chosen = [(Column(_one_of(rule.expression, numbers), BOOLEAN), row) for numbers, row in rows]
        default = self._default()
        if default != NULL and several:
            chosen.append((Column(rule.expression == _CONTRADICTED, BOOLEAN), NULL))
        if len(chosen) > 2 and default != NULL:
            # Most people meet no rule of most tables: they are done with first.
            chosen.insert(0, (Column(rule.expression.isnull(), BOOLEAN), default))
        answer = self.expressions.cases(chosen, default)
        if isinstance(answer, Column) and not several and isinstance(default, Constant):
            answers = tuple((tuple(numbers), row.value) for numbers, row in rows if isinstance(row, Constant))
            if len(answers) == len(rows):
                return replace(answer, choices=Choices(rule.expression, answers, default.value))
        return answer

    def _kept_truth(self, holds: Columnar) -> Columnar:
        return self.planner.keep(holds) if isinstance(holds, Column) else holds

    def _unless_contradicted(self, hits: list[Hit], rule: Columnar) -> Columnar:
        """Mark the rows where more rules hit than the policy allows."""
        groups: dict[Any, Columnar] = {}
        for hit in hits:
            each, holds = hit.rule, hit.holds
            key: Any = each.number
            if self.table.hit_policy == "ANY":
                if not all(isinstance(node, Literal) for node in each.outputs):
                    raise NotColumnar(f"命中策略 ANY 的第 {each.number} 条规则的输出不是常数，无法比较是否一致")
                key = each.outputs
            groups[key] = self.expressions.logic("or", groups[key], holds) if key in groups else holds
        if len(groups) < 2:
            return rule
        total: Any = ibis.literal(0, dt.int64)
        for holds in groups.values():
            column = self.expressions.column(holds)
            if column is not None:
                total = total + ibis.ifelse(column.expression.fill_null(False), 1, 0).cast(dt.int64)
        return self.expressions.cases([(Column(total > 1, BOOLEAN), Constant(Decimal(_CONTRADICTED)))], rule)

    def _in_priority(self, hits: list[Hit]) -> list[Hit]:
        return sorted(hits, key=lambda hit: self._priority(hit.rule))

    def _priority(self, rule: Rule) -> tuple[int, ...]:
        places = []
        for output, node in zip(self.table.outputs, rule.outputs, strict=True):
            if not self.expressions._is_constant(node, self.names):
                raise NotColumnar(f"命中策略 {self.table.hit_policy} 的第 {rule.number} 条规则的输出不是常数，无法排序")
            value = self.expressions.value(node, self.names)
            known = value.value if isinstance(value, Constant) else None
            places.append(output.values.index(known) if known in output.values else len(output.values))
        return tuple(places)

    def several(self, hits: list[Hit], owner: str) -> Columnar:
        """Answer with all that hit, as a list or summed up."""
        if self.table.hit_policy == "OUTPUT ORDER":
            hits = self._in_priority(hits)
        rows = []
        for hit in hits:
            rule, held = hit.rule, self._kept_truth(hit.holds) if owner else hit.holds
            column = None if isinstance(held, Constant) else self.expressions.column(held)
            rows.append((column.expression.fill_null(False) if column else None, rule))
        if owner:
            numbers = tuple((present, Constant(Decimal(rule.number))) for present, rule in rows)
            self.planner.rules[owner] = self.planner._gathered(numbers)[0] if numbers else ibis.null(dt.Array(dt.int64))
        items = Items(tuple((present, self._row(rule)) for present, rule in rows))
        made = self._summed(items) if self.table.aggregation else items
        default = self._default()
        if default == NULL and not self.table.aggregation:
            return made
        some: Columnar = Constant(False)
        for present, _rule in rows:
            some = self.expressions.logic("or", some, Constant(True) if present is None else Column(present, BOOLEAN))
        if default == NULL or self.table.aggregation:
            return self.expressions.cases([(some, made)], default)
        raise NotColumnar("命中多条规则的表不能有默认输出")

    def _summed(self, items: Items) -> Columnar:
        match self.table.aggregation:
            case "SUM":
                return self.expressions._sum(items)
            case "COUNT":
                return self.expressions._count(items)
            case "MIN":
                return self.expressions._best("<", items)
        return self.expressions._best(">", items)

    def _row(self, rule: Rule) -> Columnar:
        values = []
        for output, node in zip(self.table.outputs, rule.outputs, strict=True):
            self.planner.place = f"{self.named}第 {rule.number} 条规则“{output.name or '输出'}”列"
            values.append(self.expressions.value(node, self.names))
        return self._shaped(values)

    def _shaped(self, values: list[Columnar]) -> Columnar:
        if len(values) == 1:
            return values[0]
        return Members({output.name: value for output, value in zip(self.table.outputs, values, strict=True)})

    def _default(self) -> Columnar:
        values = [
            self.expressions.value(output.default, self.names) if output.default else NULL
            for output in self.table.outputs
        ]
        if all(value == NULL for value in values):
            return Constant(Decimal(0)) if self.table.aggregation == "COUNT" else NULL
        return self._shaped(values)


def _one_of(rule: Any, numbers: list[int]) -> Any:
    return rule == numbers[0] if len(numbers) == 1 else rule.isin(numbers)


def _until_certain(hits: list[Hit], hit_policy: str) -> list[Hit]:
    """Drop the rules behind one that always hits, where only the first counts."""
    if hit_policy not in ("FIRST", "PRIORITY"):
        return hits
    kept = []
    for hit in hits:
        kept.append(hit)
        if isinstance(hit.holds, Constant):
            break
    return kept


def _input(name: str, column: Any) -> Columnar:
    """Take a population's column for an input."""
    type_ = column.type()
    if type_.is_integer():
        # The digits an integer of so many bytes surely holds keep products narrow; 64 bits are taken at their word.
        return Column(column.cast(dt.int64), NUMBER, 0, {1: 3, 2: 5, 4: 10}.get(type_.nbytes, INTEGER_DIGITS))
    if type_.is_decimal():
        if type_.scale is None or type_.precision is None:
            raise PolicyError(f"列“{name}”应为有精度的 decimal。")
        if not type_.scale:
            return Column(column.cast(dt.int64), NUMBER)
        return Column(column, NUMBER, type_.scale, type_.precision)
    if type_.is_array():
        element = "string" if type_.value_type.is_string() else "number" if type_.value_type.is_integer() else ""
        if element:
            return ListColumn(column, element)
    for kind, holds in (
        (STRING, type_.is_string() or type_.is_uuid()),
        (BOOLEAN, type_.is_boolean()),
        (DATE, type_.is_date()),
        (MOMENT, type_.is_timestamp()),
    ):
        if holds:
            return Column(column, kind)
    if type_.is_null():
        return NULL
    raise PolicyError(f"列“{name}”的类型 {type_} 不能作为输入：数字应为整数或 decimal（不可为浮点数）。")
