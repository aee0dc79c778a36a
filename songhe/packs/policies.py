"""A policy as data: how its model answers, its figures by date, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from songhe.engines.policy import Domain, Finding, Model, PolicyError, inspect, load_model, try_examples
from songhe.engines.policy.provenance import Span, inspect_clauses, inspect_figures

# The names by which every policy model answers; the rest of its graph is its own affair.
ENTITLED = "资格"
REASON = "结论"
AMOUNT = "月度额度"
ONCE_AMOUNT = "奖补金额"
PARAMETERS = "参数"
# A voucher's model may say which share of each price, in per cent, the voucher pays; the rest is the person's own.
SHARE = "抵扣比例"

# A model of the rules between benefits answers for a policy under this prefix, with this word or a reason against.
MAY = "可享"
ALLOWED = "可享受"

SUBJECTS = ("elder", "provider", "facility", "staff", "benefits")
FORMS = ("credit", "voucher", "cash", "service", "once", "monthly", "yearly")
# What may be asked of an elder, and the values that the register has for it (``elders.selectors.facts_for_policy``).
ELDER_FACTS = {
    "年龄": Domain("[0..150]", whole=True),
    "性别": Domain(),
    "在册": Domain(),
    "户籍在本市": Domain(),
    "居住区划": Domain(),
    "居住状况": Domain(),
    "困难类别": Domain(),
    "残疾等级": Domain("1, 2, 3, 4"),
    "能力等级": Domain("0, 1, 2, 3, 4"),
}
# Facts of the national list that no register holds: rules on them serve those for whom a person says so.
SAID_BY_HAND = frozenset({"生活无着"})
NOTHING: Mapping[str, str] = {}


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
    since: date | None = None,
    last: date | None = None,
    documents: Collection[str] | None = None,
    words: Mapping[str, str] = NOTHING,
) -> list[str]:
    """Return what stands in the way of a rule: it cannot be read, is unsound, lacks figures or fails an example,
    or could not be asked about a whole population.

    Figures must hold on every day from ``since`` (``on`` if not given) to ``last`` (None: for ever). Clauses must be
    of the ``documents`` whose titles are given. ``words`` gives codes their names.
    """
    try:
        model = load_model(text)
    except PolicyError as error:
        return [str(error)]
    spans = since or on, last
    flaws = look_over(model, subject, parameters, on, spans, documents, words)
    found = [*_unanswered(model, subject), *(str(flaw) for flaw in flaws if not flaw.is_remark)]
    found = found or _not_columnar(model, subject, form, parameters, on)
    return found or failures(model, parameters, examples, on)


def look_over(
    model: Model,
    subject: str,
    parameters: Sequence[Mapping[str, Any]],
    on: date,
    days: Span,
    documents: Collection[str] | None = None,
    words: Mapping[str, str] = NOTHING,
) -> list[Finding]:
    """Return flaws and remarks of a model with the figures of a day; ``days`` are those it is law."""
    return [
        *inspect_figures(model, PARAMETERS, histories(parameters), *days),
        *inspect_clauses(model, documents),
        *inspect(
            model,
            constants={PARAMETERS: figures(parameters, on)},
            domains=ELDER_FACTS if subject == "elder" else {},
            supplied={*ELDER_FACTS, *SAID_BY_HAND, PARAMETERS} if subject == "elder" else None,
            words=words,
        ),
    ]


def histories(parameters: Iterable[Mapping[str, Any]]) -> dict[str, list[Span]]:
    """Return when each parameter has a value: first and last days."""
    found: dict[str, list[Span]] = {}
    for row in parameters:
        last = date.fromisoformat(row["last"]) if row["last"] else None
        found.setdefault(row["name"], []).append((date.fromisoformat(row["first"]), last))
    return found


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
