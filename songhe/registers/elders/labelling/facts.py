"""The facts that a label's condition may ask of an elder, in the words that clerks write conditions in."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from songhe.core.errors import Refused
from songhe.engines.policy import FeelSyntaxError
from songhe.engines.policy.functions import FUNCTION_NAMES
from songhe.engines.policy.interpreter import evaluate_node
from songhe.engines.policy.parser import parse_expression
from songhe.engines.policy.syntax import Name, Node, parts, unknown_names
from songhe.registers.elders.models import AbilityLevel, DifficultyKind, LivingSituation, Sex

if TYPE_CHECKING:
    import polars as pl

KINDS = "困难类别"
FACTS = {
    "年龄": "周岁，如 年龄 >= 80",
    "性别": '如 性别 = "女"',
    "户籍在本市": "如 户籍在本市 = true",
    "居住状况": f'{"、".join(LivingSituation.labels)}，如 居住状况 = "独居"',
    KINDS: f'{"、".join(DifficultyKind.labels)}，如 list contains(困难类别, "低保")',
    "残疾等级": "1 至 4，一级最重；没有为空",
    "能力等级": f"0 至 4：{'、'.join(AbilityLevel.labels)}；未评估为空，如 能力等级 >= 3",
}
_WORDS = {
    "性别": dict(Sex.choices),
    "居住状况": dict(LivingSituation.choices),
    KINDS: dict(DifficultyKind.choices),
}
_BETWEEN = "|"


@dataclass(frozen=True)
class Condition:
    """A condition read: its syntax and the facts it asks for."""

    node: Node
    asked: tuple[str, ...]

    def holds(self, facts: dict[str, Any]) -> bool:
        """Tell whether it is true of facts; one that cannot be judged (a fact is missing) is not."""
        return evaluate_node(self.node, {name: _value(facts[name]) for name in self.asked}) is True


def read(text: str) -> Condition:
    """Read a condition.

    Raises:
        Refused: it is no FEEL, speaks of facts there are none of, or asks for none.
    """
    try:
        node = parse_expression(text.strip(), FACTS)
    except FeelSyntaxError as error:
        raise Refused(f"条件写得不对：{error}", field="condition") from error
    unknown = list(dict.fromkeys(unknown_names(node, frozenset(FACTS), frozenset(FUNCTION_NAMES))))
    if unknown:
        raise Refused(f"没有这样的事实或函数：{'、'.join(unknown)}。可用：{'、'.join(FACTS)}。", field="condition")
    named = {part.name for part in parts(node) if isinstance(part, Name)}
    asked = tuple(name for name in FACTS if name in named)
    if not asked:
        raise Refused("条件没有用到任何事实，对所有人都一样。", field="condition")
    return Condition(node, asked)


def in_words(facts: dict[str, Any]) -> dict[str, Any]:
    """Return facts with names for codes, as conditions compare them."""
    found = {}
    for name, value in facts.items():
        words = _WORDS.get(name, {})
        found[name] = [words.get(each, each) for each in value] if isinstance(value, list) else words.get(value, value)
    return found


def shown(facts: dict[str, Any], asked: tuple[str, ...]) -> dict[str, str]:
    """Return the facts asked for as people read them."""
    return {name: _shown(name, facts[name]) for name in asked}


def _shown(name: str, value: Any) -> str:
    if value is None or value == []:
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(map(str, value))
    return AbilityLevel(value).label if name == "能力等级" else str(value)


def _value(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


def holders(frame: "pl.DataFrame", condition: Condition) -> "pl.DataFrame":
    """Return ``elder_id``, 居住区划 and the facts asked for (as text, in ``said``) of those a condition is true of.

    Each distinct set of the facts asked for is judged once, however many people share it.
    """
    import json

    import polars as pl

    asked = list(condition.asked)
    plain = frame.with_columns(pl.col(KINDS).list.sort().list.join(_BETWEEN).alias("kinds_text"))
    by = ["kinds_text" if name == KINDS else name for name in asked]
    distinct = plain.select(*by).unique()
    said = []
    for row in distinct.iter_rows(named=True):
        facts = {name: row["kinds_text" if name == KINDS else name] for name in asked}
        if KINDS in facts:
            facts[KINDS] = [kind for kind in facts[KINDS].split(_BETWEEN) if kind]
        facts = in_words(facts)
        told = shown(facts, condition.asked)
        said.append(json.dumps(told, ensure_ascii=False) if condition.holds(facts) else None)
    judged = distinct.with_columns(pl.Series("said", said, dtype=pl.String)).filter(pl.col("said").is_not_null())
    return plain.join(judged, on=by, how="inner", nulls_equal=True).select("elder_id", "居住区划", "said")
