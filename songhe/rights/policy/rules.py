"""Asking a policy version about one elder: facts in, a judgement with its reasons out."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from songhe.engines.policy import Model, as_json, evaluate, load_model
from songhe.registers.elders.models import DifficultyKind, LivingSituation, Sex
from songhe.rights.policy.models import PolicyVersion

# The names by which every policy model answers; the rest of its graph is its own affair.
ENTITLED = "资格"
REASON = "结论"
AMOUNT = "月度额度"
PARAMETERS = "参数"

# Facts are codes, as models compare them; people read their names.
WORDS = {
    **dict(DifficultyKind.choices),
    **dict(LivingSituation.choices),
    **dict(Sex.choices),
}


@dataclass(frozen=True)
class Judgement:
    """What a policy says of one elder: whether, how much a month in fen, why, and step by step."""

    entitled: bool
    monthly_fen: int
    reason: str
    facts: dict[str, Any]
    trace: list[dict[str, Any]]
    explanation: str


@lru_cache(maxsize=64)
def _model(version_id: UUID, digest: str, text: str) -> Model:
    return load_model(text)


def judge(version: PolicyVersion, facts: dict[str, Any]) -> Judgement:
    """Evaluate a policy version on an elder's facts."""
    evaluation = evaluate(
        _model(version.pk, version.digest, version.model_xml), {**facts, PARAMETERS: version.parameters}
    )
    entitled = bool(evaluation.results[ENTITLED])
    return Judgement(
        entitled=entitled,
        monthly_fen=int(evaluation.results[AMOUNT] or 0) if entitled else 0,
        reason=str(evaluation.results[REASON]),
        facts=as_json(facts),
        trace=evaluation.trace_as_json(),
        explanation="\n".join(evaluation.explain(WORDS)),
    )
