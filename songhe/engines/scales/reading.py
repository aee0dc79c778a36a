"""Reading a scale from its YAML file, with every fault of the file told at once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from songhe.engines.policy.errors import FeelSyntaxError
from songhe.engines.policy.functions import FUNCTION_NAMES
from songhe.engines.policy.parser import parse_expression
from songhe.engines.policy.syntax import unknown_names
from songhe.engines.scales.scale import (
    FLAG,
    GRADE,
    HIGH,
    LOW,
    NUMBER,
    TOTAL,
    Circumstance,
    Condition,
    Group,
    Item,
    Option,
    Scale,
    ScaleError,
)

MARKS = ("verified", "single_source", "unverified")
NEEDED = ("title", "source", "mark", "validity_months", "reasons", "groups", "levels")


def load_scale(path: Path) -> Scale:
    """Read a scale from its file.

    Raises:
        ScaleError: the file is no scale; every fault is listed with its place.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScaleError(f"{path.name}：不是可读的 YAML 文件。{error}") from error
    reader = _Reader(path.stem, data if isinstance(data, dict) else {})
    try:
        scale = reader.read() if not reader.faults else None
    except KeyError as error:
        raise ScaleError(f"{path.name}：有一处缺少 {error.args[0]}") from error
    if scale is None or reader.faults:
        raise ScaleError(f"{path.name}：\n" + "\n".join(reader.faults))
    return scale


class _Reader:
    """Reads one file and gathers its faults."""

    def __init__(self, key: str, data: dict[str, Any]) -> None:
        self.key = key
        self.data = data
        self.faults = [f"缺少 {name}" for name in NEEDED if not data.get(name)]

    def read(self) -> Scale:
        """Return the scale; it is to be used only if no fault was found."""
        data = self.data
        self.expect(data["mark"] in MARKS, f"mark“{data['mark']}”应为 {'、'.join(MARKS)} 之一")
        circumstances = tuple(
            Circumstance(str(each["key"]), each["name"], each.get("kind", FLAG))
            for each in data.get("circumstances", [])
        )
        for each in circumstances:
            self.expect(each.kind in (FLAG, NUMBER), f"情况“{each.name}”的 kind 应为 {FLAG} 或 {NUMBER}")
        shells = [self.group(each) for each in data["groups"]]
        items = [item for group in shells for item in group.items]
        self.once([group.code for group in shells], "分组代码")
        self.once([item.code for item in items], "项目代码")
        facts = frozenset({*(each.key for each in circumstances), *(item.variable for item in items)})
        sums = facts | {TOTAL, *(group.code for group in shells)}
        groups = tuple(
            Group(
                shell.code,
                shell.name,
                shell.better,
                shell.items,
                self.conditions(entry.get("grades"), "grade", sums, f"分组“{shell.name}”的 grades"),
            )
            for shell, entry in zip(shells, data["groups"], strict=True)
        )
        graded = sums | {f"{group.code}{GRADE}" for group in groups if group.grades}
        levels = self.conditions(data["levels"], "level", graded, "levels")
        direct = self.conditions(data.get("direct"), "level", facts, "direct")
        outcomes = {level.outcome for level in levels}
        self.expect(outcomes == set(range(len(outcomes))), "levels 的等级应从 0 起连续编号，越大越重")
        self.expect({rule.outcome for rule in direct} <= outcomes, "direct 的等级应是 levels 中的等级")
        return Scale(
            key=self.key,
            title=data["title"],
            source=data["source"],
            mark=data["mark"],
            remarks=tuple(data.get("remarks", [])),
            validity_months=data["validity_months"],
            reasons=tuple(data["reasons"]),
            groups=groups,
            circumstances=circumstances,
            levels=levels,
            direct=direct,
            raise_one=self.conditions(data.get("raise_one"), None, graded, "raise_one"),
        )

    def group(self, entry: dict[str, Any]) -> Group:
        """Return a group without its grades, which may speak of all groups."""
        better = entry.get("better", HIGH)
        self.expect(better in (HIGH, LOW), f"分组“{entry['name']}”的 better 应为 {HIGH} 或 {LOW}")
        return Group(str(entry["code"]), entry["name"], better, tuple(map(self.item, entry["items"])), ())

    def item(self, entry: dict[str, Any]) -> Item:
        """Return an item; its options are its own or generic ones by name."""
        code, options = str(entry["code"]), entry["options"]
        if isinstance(options, str):
            generic = self.data.get("generic_options", {})
            self.expect(options in generic, f"项目 {code} 用了没有定义的选项“{options}”")
            options = generic.get(options, {0: ""})
        self.expect(
            len(options) > 1 and all(type(score) is int for score in options),
            f"项目 {code} 应有两个以上选项，得分为整数",
        )
        return Item(code, entry["name"], tuple(Option(score, text) for score, text in options.items()))

    def conditions(
        self, entries: list[dict[str, Any]] | None, outcome: str | None, known: frozenset[str], place: str
    ) -> tuple[Condition, ...]:
        """Return conditions in their order; each must be FEEL, and speak of nothing that is not known."""
        made = []
        for number, entry in enumerate(entries or [], 1):
            text = str(entry["when"])
            try:
                node = parse_expression(text, known)
            except FeelSyntaxError as error:
                self.faults.append(f"{place}第 {number} 条：{error}")
                continue
            unknown = list(dict.fromkeys(unknown_names(node, known, frozenset(FUNCTION_NAMES))))
            self.expect(not unknown, f"{place}第 {number} 条用了没有定义的“{'”“'.join(unknown)}”")
            made.append(Condition(text, node, int(entry[outcome]) if outcome else 0, str(entry.get("name", ""))))
        return tuple(made)

    def expect(self, held: bool, fault: str) -> None:
        """Note a fault where something does not hold."""
        if not held:
            self.faults.append(fault)

    def once(self, codes: Iterable[str], what: str) -> None:
        """Note every code that comes twice."""
        seen: set[str] = set()
        for code in codes:
            self.expect(code not in seen, f"{what}“{code}”出现了两次")
            seen.add(code)
