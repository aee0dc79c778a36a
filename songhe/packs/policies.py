"""A policy as data: how its model answers, its figures by date, and what stands in the way of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from songhe.engines.policy import Model, PolicyError, check, load_model, try_examples
from songhe.engines.policy.model import Table

# The names by which every policy model answers; the rest of its graph is its own affair.
ENTITLED = "资格"
REASON = "结论"
AMOUNT = "月度额度"
ONCE_AMOUNT = "奖补金额"
PARAMETERS = "参数"

# A model of the rules between benefits answers for a policy under this prefix, with this word or a reason against.
MAY = "可享"
ALLOWED = "可享受"

SUBJECTS = ("elder", "provider", "facility", "staff", "benefits")
FORMS = ("credit", "voucher", "cash", "service", "once", "monthly", "yearly")
_MENTION = re.compile(rf"{PARAMETERS}\.(\w+)")


@lru_cache(maxsize=128)
def read_model(text: str) -> Model:
    """Return a model read from its text; the same text is read once."""
    return load_model(text)


def amount_of(model: Model) -> str:
    """Return the decision by which a model answers how much: once, or a month."""
    return ONCE_AMOUNT if ONCE_AMOUNT in model.decisions else AMOUNT


def figures(parameters: Iterable[Mapping[str, Any]], on: date) -> dict[str, Decimal]:
    """Return the parameters in force on a day by name; a row's ``last`` is the last day that counts."""
    day = on.isoformat()
    return {
        row["name"]: Decimal(str(row["value"]))
        for row in parameters
        if row["first"] <= day <= (row["last"] or "9999-12-31")
    }


def problems(
    text: str,
    *,
    subject: str,
    form: str,
    parameters: Sequence[Mapping[str, Any]],
    examples: Sequence[Mapping[str, str]],
    on: date,
) -> list[str]:
    """Return what stands in the way of a rule: it cannot be read, is unsound, lacks figures or fails an example,
    or could not be asked about a whole population.
    """
    try:
        model = load_model(text)
    except PolicyError as error:
        return [str(error)]
    found = [*check(model), *_unanswered(model, subject), *_without_figures(text, parameters, on)]
    found += _without_clause(model)
    found = found or _not_columnar(model, subject, form, parameters, on)
    return found or failures(model, parameters, examples, on)


def failures(
    model: Model, parameters: Sequence[Mapping[str, Any]], examples: Sequence[Mapping[str, str]], on: date
) -> list[str]:
    """Return what a model says otherwise than its named test persons."""
    try:
        return try_examples(model, examples, {PARAMETERS: figures(parameters, on)})
    except PolicyError as error:
        return [str(error)]


def _unanswered(model: Model, subject: str) -> list[str]:
    if subject == "benefits":
        if any(name.startswith(MAY) for name in model.decisions):
            return []
        return [f"待遇衔接的模型应有以“{MAY}”开头、后接政策名称的决策。"]
    wanted = (ENTITLED, AMOUNT if subject == "elder" else ONCE_AMOUNT, REASON)
    return [f"缺少决策“{name}”，每项政策都要回答它。" for name in wanted if name not in model.decisions]


def _without_figures(text: str, parameters: Sequence[Mapping[str, Any]], on: date) -> list[str]:
    known = {row["name"] for row in parameters}
    numbers = figures(parameters, on)
    used = sorted(set(_MENTION.findall(text)))
    return [f"模型用了参数“{name}”，但参数表里没有它。" for name in used if name not in known] + [
        f"参数“{name}”在 {on:%Y年%m月%d日} 没有数值，请补充这一天的历史。"
        for name in used
        if name in known and name not in numbers
    ]


def _not_columnar(
    model: Model, subject: str, form: str, parameters: Sequence[Mapping[str, Any]], on: date
) -> list[str]:
    """Return why a rule for elders could not be tried on all of them; a service's list of items is read one by one."""
    if subject not in ("elder", "benefits"):
        return []
    # More than a second to import, which only looking a rule over should wait for.
    from songhe.engines.policy.columns import compile_model

    wanted = [ENTITLED, amount_of(model), *([REASON] if form != "service" else [])]
    if subject == "benefits":
        wanted = [name for name in model.decisions if name.startswith(MAY)]
    try:
        compile_model(model, {PARAMETERS: figures(parameters, on)}, tuple(wanted))
    except PolicyError as error:
        return [f"{str(error).rstrip('。')}，因此不能对全部老人测算，请换一种写法。"]
    return []


def _without_clause(model: Model) -> list[str]:
    return [
        f"决策“{decision.name}”第 {rule.number} 条规则没有写依据。"
        for decision in model.decisions.values()
        if isinstance(decision.logic, Table)
        for rule in decision.logic.rules
        if not rule.clause
    ]
