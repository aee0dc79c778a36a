"""Reading a scale from its YAML file, and scoring one person by it.

A file holds groups of items with options, ``levels`` (the first whose FEEL condition holds is the preliminary one),
``direct`` rules (a condition that sets the level without scoring) and ``raise_one`` rules (any of which makes the level
one step worse, once). Conditions speak of ``总分``, of each group's sum by its code, of a group's ``分级`` by code and
suffix, and of circumstances by key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from songhe.engines.policy.errors import FeelSyntaxError
from songhe.engines.policy.interpreter import evaluate_node, plain
from songhe.engines.policy.parser import parse_expression
from songhe.engines.policy.syntax import Node

TOTAL = "总分"
GRADE = "_分级"


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
    """Items that are summed together; ``grades`` are for scales whose level comes from the groups' grades."""

    code: str
    name: str
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
    """A whole scale; higher scores are better where ``better`` is ``high``."""

    key: str
    title: str
    source: str
    mark: str
    better: str
    validity_months: int
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
    def worst_level(self) -> int:
        """The heaviest level."""
        return max(level.outcome for level in self.levels)

    def level_name(self, level: int) -> str:
        """Return a level's name."""
        return next(each.name for each in self.levels if each.outcome == level)


@dataclass(frozen=True)
class Result:
    """What a scale makes of one person's answers."""

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
        lines = []
        for group in self.scale.groups:
            if group.code in self.groups:
                lines.append(f"{group.name}：{self.groups[group.code]} 分")
            lines += [
                f"　{item.name}：{self.answers[item.code]} / {item.most}，{item.option_text(self.answers[item.code])}"
                for item in group.items
                if item.code in self.answers
            ]
        if self.total is not None:
            lines.append(f"总分 {self.total} 分，初步等级：{self.scale.level_name(self.preliminary_level)}")
        lines += [f"等级变更：{change}" for change in self.changes]
        lines.append(f"最终等级：{self.scale.level_name(self.level)}")
        return lines


def load_scale(path: Path) -> Scale:
    """Read a scale from its file; ScaleError names what is wrong and where."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    generic = data.get("generic_options", {})
    groups = tuple(
        Group(
            code=str(group["code"]),
            name=group["name"],
            items=tuple(_item(item, generic) for item in group["items"]),
            grades=_conditions(group.get("grades", []), "grade", path),
        )
        for group in data["groups"]
    )
    return Scale(
        key=path.stem,
        title=data["title"],
        source=data["source"],
        mark=data["mark"],
        better=data.get("better", "high"),
        validity_months=data["validity_months"],
        groups=groups,
        circumstances=tuple(
            Circumstance(each["key"], each["name"], each.get("kind", "flag")) for each in data.get("circumstances", [])
        ),
        levels=_conditions(data["levels"], "level", path),
        direct=_conditions(data.get("direct", []), "level", path),
        raise_one=_conditions(data.get("raise_one", []), None, path),
    )


def _item(item: dict[str, Any], generic: dict[str, dict[int, str]]) -> Item:
    options = item["options"]
    texts = generic[options] if isinstance(options, str) else options
    return Item(str(item["code"]), item["name"], tuple(Option(int(score), text) for score, text in texts.items()))


def _conditions(entries: list[dict[str, Any]], outcome: str | None, path: Path) -> tuple[Condition, ...]:
    made = []
    for entry in entries:
        text = str(entry["when"])
        try:
            node = parse_expression(text)
        except FeelSyntaxError as error:
            raise ScaleError(f"{path.name}：条件“{text}”不正确。{error}") from error
        made.append(Condition(text, node, int(entry[outcome]) if outcome else 0, str(entry.get("name", ""))))
    return tuple(made)


def score(scale: Scale, answers: Mapping[str, int], circumstances: Mapping[str, Any]) -> Result:
    """Score one person.

    A direct rule (coma) sets the level without any item. Otherwise every item needs an answer that is one of its
    options; ScaleError lists all that are missing or unknown.
    """
    facts = {each.key: _fact(each, circumstances.get(each.key)) for each in scale.circumstances}
    for rule in scale.direct:
        if rule.holds(facts):
            return Result(scale, {}, {}, {}, None, rule.outcome, rule.outcome, (rule.name,))
    _check(scale, answers)
    sums = {group.code: sum(answers[item.code] for item in group.items) for group in scale.groups}
    total = sum(sums.values())
    names: dict[str, Any] = {**facts, TOTAL: Decimal(total), **{code: Decimal(value) for code, value in sums.items()}}
    names |= {item.code.replace(".", "_"): Decimal(answers[item.code]) for item in scale.items}
    grades = {}
    for group in scale.groups:
        if group.grades:
            grades[group.code] = _first(group.grades, names, f"“{group.name}”的分级")
            names[f"{group.code}{GRADE}"] = Decimal(grades[group.code])
    preliminary = _first(scale.levels, names, "等级")
    changes = tuple(rule.name for rule in scale.raise_one if rule.holds(names))
    level = min(preliminary + 1, scale.worst_level) if changes else preliminary
    return Result(scale, dict(answers), sums, grades, total, preliminary, level, changes)


def _fact(circumstance: Circumstance, value: Any) -> Any:
    return plain(int(value or 0)) if circumstance.kind == "number" else bool(value)


def _first(rules: tuple[Condition, ...], names: Mapping[str, Any], what: str) -> int:
    for rule in rules:
        if rule.holds(names):
            return rule.outcome
    raise ScaleError(f"量表没有为这些得分规定{what}，请核对量表文件。")


def _check(scale: Scale, answers: Mapping[str, int]) -> None:
    faults = []
    for item in scale.items:
        if item.code not in answers:
            faults.append(f"{item.code} {item.name}：没有填写")
        elif all(option.score != answers[item.code] for option in item.options):
            allowed = "、".join(str(option.score) for option in item.options)
            faults.append(f"{item.code} {item.name}：{answers[item.code]} 不是可选的得分（{allowed}）")
    known = {item.code for item in scale.items}
    faults += [f"{code}：量表没有这一项" for code in answers if code not in known]
    if faults:
        raise ScaleError("请补正以下项目：\n" + "\n".join(faults))
