"""Named persons and what a model should say of them: a table that people who know the policy write and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.evaluation import evaluate
from songhe.engines.policy.interpreter import Value
from songhe.engines.policy.model import LIST, Model
from songhe.engines.policy.wording import written

BETWEEN = "|"
NAME = "例"


def try_examples(model: Model, rows: Iterable[Mapping[str, str]], facts: Mapping[str, Any]) -> list[str]:
    """Return what the model says otherwise than its examples, as Chinese sentences; none when all agree.

    A row's columns are inputs, read by the model's types (a list's items parted by ``|``, an empty cell unknown), and
    decisions, whose values are expected; one more names the person, wherever it stands: JSON in a database keeps no
    order. ``facts`` holds what is the same for all, such as the parameters.

    Raises:
        PolicyError: a column is neither input nor decision, or a cell is not of its type.
    """
    failures = []
    for number, row in enumerate(rows, 1):
        title = name_column(model, row)
        label = row[title] if title else ""
        columns = [(name, text) for name, text in row.items() if name != title]
        given = {name: _read(text, model.inputs[name], name) for name, text in columns if name in model.inputs}
        found = evaluate(model, {**facts, **given}).results
        for name, text in columns:
            if name in model.inputs:
                continue
            if name not in found:
                raise PolicyError(f"示例表的“{name}”列既不是输入，也不是决策。")
            expected = _read(text, model.decisions[name].type_name, name)
            if found[name] != expected:
                failures.append(
                    f"第 {number} 行“{label}”：{name}应为“{written(expected)}”，得出“{written(found[name])}”。"
                )
    return failures


def name_column(model: Model, columns: Iterable[str]) -> str:
    """Return the column that names the person: “例”, or the first that is neither input nor decision; "" if none is."""
    others = [name for name in columns if name not in model.inputs and name not in model.decisions]
    return NAME if NAME in others else others[0] if others else ""


def _read(text: str, type_name: str, name: str) -> Value:
    text = text.strip()
    if type_name == LIST:
        return [item.strip() for item in text.split(BETWEEN) if item.strip()]
    if not text:
        return None
    if type_name == "boolean":
        if text not in ("true", "false"):
            raise PolicyError(f"示例表的“{name}”列应为 true 或 false，得到“{text}”。")
        return text == "true"
    if type_name == "string" or type_name in ("date", "time", "dateTime", "dayTimeDuration", "yearMonthDuration"):
        return text
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise PolicyError(f"示例表的“{name}”列应为数字，得到“{text}”。") from error
