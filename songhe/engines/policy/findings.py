"""What a policy officer is told of a model: each finding with its place, and a person who shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from songhe.engines.policy.wording import written

NOBODY: Mapping[str, Any] = {}


class Kind(StrEnum):
    """What sort of flaw was found."""

    UNKNOWN_NAME = "用了没有的名称"
    CIRCLE = "依赖自己"
    EMPTY = "没有内容"
    GAP = "空档"
    UNKNOWN_FACT = "未考虑事实不明"
    OVERLAP = "重叠"
    UNREACHABLE = "不会符合"
    COVERED = "轮不到"
    NOT_ALLOWED = "不在允许值内"
    UNSUPPLIED = "无人提供"
    NO_CLAUSE = "没有依据"
    NO_DOCUMENT = "依据的文件不存在"
    NO_FIGURE = "没有参数"
    OUTSIDE_DATES = "超出参数的起止日期"
    UNCHECKED = "没有检查"


# What a rule may be put in force with: the officer is told, and decides.
REMARKS = frozenset({Kind.UNKNOWN_FACT, Kind.UNCHECKED})


@dataclass(frozen=True)
class Finding:
    """One flaw: ``sentence`` says it, the other fields name its place; ``example`` are the facts that show it."""

    kind: Kind
    sentence: str
    decision: str = ""
    rules: tuple[int, ...] = ()
    column: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    @property
    def is_remark(self) -> bool:
        """Tell whether a model may be put in force with it."""
        return self.kind in REMARKS

    def __str__(self) -> str:
        return f"{self.file}：{self.sentence}" if self.file else self.sentence


def in_file(findings: Iterable[Finding], file: str) -> list[Finding]:
    """Return findings that name their file."""
    return [replace(finding, file=file) for finding in findings]


def of_person(facts: Mapping[str, Any], words: Mapping[str, str] = NOBODY) -> str:
    """Describe a person by facts: ``年龄为80、能力等级不明``."""
    return "、".join(
        f"{name}不明" if value is None else f"{name}为{_quoted(value, words)}" for name, value in facts.items()
    )


def _quoted(value: Any, words: Mapping[str, str]) -> str:
    text = written(value, words)
    return f"“{text}”" if isinstance(value, str) else text
