"""What a scale is, and scoring one person by it.

A scale's conditions are FEEL. They speak of ``总分``, of a group's sum by its code, of its grade by its code and
``_分级``, of an item's score by its code with ``_`` for its dots, and of circumstances by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from songhe.engines.policy.interpreter import evaluate_node
from songhe.engines.policy.syntax import Node

TOTAL = "总分"
GRADE = "_分级"
HIGH, LOW = "high", "low"
FLAG, NUMBER = "flag", "number"


class ScaleError(Exception):
    """Answers that the scale cannot score, or a file that is no scale; the message lists every fault in Chinese."""


@dataclass(frozen=True)
class Option:
    """One answer: its score and what it means."""

    score: int
    text: str


@dataclass(frozen=True)
class Item:
    """One question."""

    code: str
    name: str
    options: tuple[Option, ...]

    @property
    def most(self) -> int:
        """The highest score."""
        return max(option.score for option in self.options)

    @property
    def variable(self) -> str:
        """The name by which conditions speak of the item's score."""
        return self.code.replace(".", "_")

    def option_text(self, score: int | None) -> str:
        """Return what a score means; empty for none."""
        return next((option.text for option in self.options if option.score == score), "")


@dataclass(frozen=True)
class Condition:
    """A FEEL condition with what follows from it: a level, a grade, or a clause."""

    text: str
    node: Node
    outcome: int
    name: str

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Tell whether the condition is true; unknown is not true."""
        return evaluate_node(self.node, names) is True


@dataclass(frozen=True)
class Group:
    """Items that are summed together; ``grades`` are for scales whose level comes from the groups' grades.

    ``better`` is ``high`` where a higher score is better, ``low`` where a lower one is.
    """

    code: str
    name: str
    better: str
    items: tuple[Item, ...]
    grades: tuple[Condition, ...]


@dataclass(frozen=True)
class Circumstance:
    """A fact beside the items (a diagnosis, how often somebody fell) that rules ask for; ``kind`` is flag or number."""

    key: str
    name: str
    kind: str


@dataclass(frozen=True)
class Scale:
    """A whole scale. ``mark`` says how far its source can be trusted, ``remarks`` what of it is in doubt.

    The first of ``levels`` that holds is the preliminary one. The first of ``direct`` that holds sets the level
    without scoring. Any of ``raise_one`` makes the level one step heavier, once.
    """

    key: str
    title: str
    source: str
    mark: str
    remarks: tuple[str, ...]
    validity_months: int
    reasons: tuple[str, ...]
    groups: tuple[Group, ...]
    circumstances: tuple[Circumstance, ...]
    levels: tuple[Condition, ...]
    direct: tuple[Condition, ...]
    raise_one: tuple[Condition, ...]

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in order."""
        return tuple(item for group in self.groups for item in group.items)

    @property
    def item_count(self) -> int:
        """How many items there are."""
        return len(self.items)

    @property
    def most(self) -> int:
        """The highest total."""
        return sum(item.most for item in self.items)

    @property
    def has_total(self) -> bool:
        """Whether the groups' sums mean something together: they count in one direction."""
        return len({group.better for group in self.groups}) == 1

    @property
    def worst_level(self) -> int:
        """The heaviest level."""
        return max(level.outcome for level in self.levels)

    def level_name(self, level: int) -> str:
        """Return a level's name."""
        return next(each.name for each in self.levels if each.outcome == level)


@dataclass(frozen=True)
class Result:
    """What a scale makes of one person's answers; a level set directly has neither groups nor total."""

    scale: Scale
    answers: dict[str, int]
    groups: dict[str, int]
    grades: dict[str, int]
    total: int | None
    preliminary_level: int
    level: int
    changes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of the result."""
        return {
            "scale": self.scale.key,
            "groups": self.groups,
            "grades": self.grades,
            "total": self.total,
            "preliminary_level": self.preliminary_level,
            "preliminary_name": self.scale.level_name(self.preliminary_level),
            "level": self.level,
            "level_name": self.scale.level_name(self.level),
            "changes": list(self.changes),
        }

    def explain(self) -> list[str]:
        """Return the result item by item as Chinese sentences."""
        lines = [line for group in self.scale.groups if group.code in self.groups for line in self._group(group)]
        if self.groups:
            total = f"总分 {self.total} 分，" if self.total is not None else ""
            lines.append(f"{total}初步等级：{self.scale.level_name(self.preliminary_level)}")
        lines += [f"等级变更：{change}" for change in self.changes]
        if self.groups and self.changes and self.level == self.preliminary_level:
            lines.append("初步等级已是最重一级，不再上调")
        lines.append(f"最终等级：{self.scale.level_name(self.level)}")
        return lines

    def _group(self, group: Group) -> list[str]:
        grade = f"，分级 {self.grades[group.code]}" if group.code in self.grades else ""
        lines = [f"{group.name}：{self.groups[group.code]} 分{grade}"]
        for item in group.items:
            score = self.answers[item.code]
            of = f"{score} / {item.most}" if group.better == HIGH else f"{score} 分"
            lines.append(f"　{item.name}：{of}，{item.option_text(score)}")
        return lines


def score(scale: Scale, answers: Mapping[str, int], circumstances: Mapping[str, Any]) -> Result:
    """Score one person.

    A direct rule (coma) sets the level, and no item needs an answer. Otherwise every item needs one of its options.

    Raises:
        ScaleError: items without an answer, answers or circumstances that the scale does not know; all are listed.
    """
    facts, faults = _facts(scale, circumstances)
    wrong, missing = _faults(scale, answers)
    if faults or wrong:
        raise ScaleError(_listed(faults + wrong + missing))
    sure = {**facts, **{item.variable: _number(answers.get(item.code)) for item in scale.items}}
    for rule in scale.direct:
        if rule.holds(sure):
            return Result(scale, dict(answers), {}, {}, None, rule.outcome, rule.outcome, (rule.name,))
    if missing:
        raise ScaleError(_listed(missing))
    sums = {group.code: sum(answers[item.code] for item in group.items) for group in scale.groups}
    total = sum(sums.values()) if scale.has_total else None
    names = {**sure, TOTAL: _number(total), **{code: _number(value) for code, value in sums.items()}}
    grades = {}
    for group in scale.groups:
        if group.grades:
            grades[group.code] = _first(group.grades, names, f"“{group.name}”的分级")
    names |= {f"{code}{GRADE}": _number(grade) for code, grade in grades.items()}
    preliminary = _first(scale.levels, names, "等级")
    changes = tuple(rule.name for rule in scale.raise_one if rule.holds(names))
    level = min(preliminary + 1, scale.worst_level) if changes else preliminary
    return Result(scale, dict(answers), sums, grades, total, preliminary, level, changes)


def _number(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _facts(scale: Scale, circumstances: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the circumstances as conditions read them, and what is wrong with them; none given means not so."""
    facts: dict[str, Any] = {}
    faults = []
    for each in scale.circumstances:
        value = circumstances.get(each.key)
        if each.kind == FLAG and (value is None or isinstance(value, bool)):
            facts[each.key] = bool(value)
        elif each.kind == NUMBER and (value is None or (type(value) is int and value >= 0)):
            facts[each.key] = Decimal(value or 0)
        else:
            faults.append(f"{each.name}：“{value}”应为{'是或否' if each.kind == FLAG else '不小于 0 的整数'}")
    known = {each.key for each in scale.circumstances}
    faults += [f"{key}：量表没有这一情况" for key in circumstances if key not in known]
    return facts, faults


def _faults(scale: Scale, answers: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Return the answers that are wrong, and the items that have none."""
    wrong, missing = [], []
    for item in scale.items:
        if answers.get(item.code) is None:
            missing.append(f"{item.code} {item.name}：没有填写")
            continue
        answer = answers[item.code]
        allowed = [option.score for option in item.options]
        if type(answer) is not int or answer not in allowed:
            scores = "、".join(map(str, allowed))
            wrong.append(f"{item.code} {item.name}：{answer} 不是可选的得分（{scores}）")
    known = {item.code for item in scale.items}
    wrong += [f"{code}：量表没有这一项" for code in answers if code not in known]
    return wrong, missing


def _listed(faults: list[str]) -> str:
    return "请补正以下项目：\n" + "\n".join(faults)


def _first(rules: tuple[Condition, ...], names: Mapping[str, Any], what: str) -> int:
    for rule in rules:
        if rule.holds(names):
            return rule.outcome
    raise ScaleError(f"量表没有为这些得分规定{what}，请核对量表文件。")
