"""Asking policies about one case: facts in, a judgement with its reasons out; and the rules between benefits."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from songhe.core.areas.models import Area
from songhe.engines.policy import as_json, evaluate
from songhe.packs import policies
from songhe.packs.policies import (
    ALLOWED,
    ENTITLED,
    MAY,
    PARAMETERS,
    REASON,
    amount_of,
    figures,
    read_model,
)
from songhe.registers.elders.models import AbilityLevel, DifficultyKind, LivingSituation, Sex
from songhe.rights.policy.models import PolicyVersion

# Facts are codes, as models compare them; people read their names.
WORDS = {
    **dict(DifficultyKind.choices),
    **dict(LivingSituation.choices),
    **dict(Sex.choices),
}
# Facts whose values are numbers with names.
AREA, LEVEL = "居住区划", "能力等级"
LEVEL_WORDS = {str(value): label for value, label in AbilityLevel.choices}


@dataclass(frozen=True)
class Judgement:
    """What a policy says of one case: whether, how much (a month, or once) in fen, why, and step by step."""

    entitled: bool
    monthly_fen: int
    reason: str
    facts: dict[str, Any]
    trace: list[dict[str, Any]]
    explanation: str
    results: dict[str, Any] = field(default_factory=dict)


def digest_of(model_xml: str, parameters: list[dict[str, Any]]) -> str:
    """Return what tells one rule with its figures from another."""
    rows = sorted(repr(sorted(row.items())) for row in parameters)
    return sha256(f"{model_xml}\n{rows}".encode()).hexdigest()


def given(version: PolicyVersion, facts: dict[str, Any], on: date) -> dict[str, Any]:
    """Return all that a version is asked with: facts, its own parameters of the day."""
    return {**facts, PARAMETERS: figures(version.parameters, on)}


def judge(version: PolicyVersion, facts: dict[str, Any], on: date) -> Judgement:
    """Evaluate a version on a case's facts with the parameters of a day."""
    model = read_model(version.model_xml)
    evaluation = evaluate(model, given(version, facts, on))
    results = evaluation.results
    entitled = results.get(ENTITLED) is True
    amount = results.get(amount_of(model))
    return Judgement(
        entitled=entitled,
        monthly_fen=int(amount or 0) if entitled else 0,
        reason=str(results.get(REASON) or ""),
        facts=as_json(facts),
        trace=evaluation.trace_as_json(),
        explanation="\n".join(evaluation.explain(WORDS)),
        results={name: as_json(value) for name, value in results.items()},
    )


@dataclass(frozen=True)
class Rulebook:
    """Every policy for elders in force on a day, by the policy's id, and the version that decides between them."""

    on: date
    versions: dict[UUID, PolicyVersion]
    coordination: PolicyVersion | None = None

    def coordinates(self, policy_id: UUID) -> bool:
        """Tell whether the rules between benefits speak of a policy."""
        if self.coordination is None or policy_id not in self.versions:
            return False
        return f"{MAY}{self.versions[policy_id].policy.name}" in read_model(self.coordination.model_xml).decisions

    def judge(self, facts: dict[str, Any], *asked: UUID) -> dict[UUID, Judgement]:
        """Judge a case by the policies asked for (all of them if none is named), and by those they depend on.

        The best of several benefits, and what excludes what, is said by the coordinating version: it gets every
        policy's amount by the policy's name (0 where nothing is due), and answers for each.
        """
        found = {pk: judge(self.versions[pk], facts, self.on) for pk in self.concerned(asked or tuple(self.versions))}
        return self._between(found, facts) if self.coordination else found

    def concerned(self, asked: Sequence[UUID]) -> list[UUID]:
        """Return the policies asked for that are in force, and those that the rules between benefits weigh with."""
        wanted = set(asked)
        if any(self.coordinates(pk) for pk in asked):
            wanted |= {pk for pk in self.versions if self._spoken_of(pk)}
        return [pk for pk in self.versions if pk in wanted]

    def _spoken_of(self, policy_id: UUID) -> bool:
        assert self.coordination is not None
        name = self.versions[policy_id].policy.name
        return self.coordinates(policy_id) or name in read_model(self.coordination.model_xml).inputs

    def _between(self, found: dict[UUID, Judgement], facts: dict[str, Any]) -> dict[UUID, Judgement]:
        assert self.coordination is not None
        amounts = {
            self.versions[pk].policy.name: _weight(judgement) if judgement.entitled else 0
            for pk, judgement in found.items()
        }
        model = read_model(self.coordination.model_xml)
        known = given(self.coordination, {**facts, **amounts}, self.on)
        settled = dict(found)
        for pk, judgement in found.items():
            answer = f"{MAY}{self.versions[pk].policy.name}"
            if not judgement.entitled or answer not in model.decisions:
                continue
            evaluation = evaluate(model, known, answer)
            word = str(evaluation.results[answer] or "")
            settled[pk] = replace(
                judgement,
                entitled=word == ALLOWED,
                monthly_fen=judgement.monthly_fen if word == ALLOWED else 0,
                reason=judgement.reason if word == ALLOWED else word,
                trace=[*judgement.trace, *evaluation.trace_as_json()],
                explanation="\n".join([judgement.explanation, *evaluation.explain(WORDS)]),
            )
        return settled


def _weight(judgement: Judgement) -> int:
    """Return what a benefit counts as between benefits; a service without an amount counts as one fen."""
    return judgement.monthly_fen or 1


def in_words(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return facts as people read them: names for codes, 是 and 否, a division by its full name."""
    codes = [value for name, value in facts.items() if name == AREA]
    names = dict(Area.objects.filter(pk__in=codes).values_list("pk", "full_name"))
    return [(name, _in_words(name, value, names)) for name, value in facts.items()]


def _in_words(name: str, value: Any, areas: dict[int, str]) -> str:
    if value is None or value == []:
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(WORDS.get(each, str(each)) for each in value)
    if name == AREA:
        return areas.get(value, str(value))
    if name == LEVEL:
        return LEVEL_WORDS.get(str(value), str(value))
    return WORDS.get(value, str(value))


# --- looking a version over ------------------------------------------------------------------------------------


def problems_of(version: PolicyVersion, on: date) -> list[str]:
    """Return what stands in the way of a version: it cannot be read, is unsound, lacks figures or fails an example."""
    return policies.problems(
        version.model_xml,
        subject=version.policy.subject,
        form=version.policy.form,
        parameters=version.parameters,
        examples=version.examples,
        on=on,
        last=version.validity.upper - timedelta(days=1) if version.validity.upper else None,
        words=WORDS,
    )
