"""The rights of a demo region: who was assessed, what was decided, and the months' credits.

Those in difficulty come in the order they were found, for as long as the year's budget line pays for all months of
those found entitled: a region of a million has no more money than its pack grants.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db import connection
from django.utils import timezone

from songhe.core.calendar.services import at, months_after
from songhe.core.ids import uuid7
from songhe.core.ledger.services import balance
from songhe.core.numbers import next_numbers
from songhe.core.scope.services import Scope, use
from songhe.demo.bulk import copy_rows, loading
from songhe.demo.region import Region
from songhe.engines.policy import as_json
from songhe.engines.scales import Scale, score
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import facts_for_policy
from songhe.registers.funds.selectors import budget_line_for
from songhe.rights.assessment.flow import AssessmentState
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import DEFAULT, scale
from songhe.rights.policy import services as policy
from songhe.rights.policy.models import Decision, Entitlement, Policy, PolicyVersion
from songhe.rights.policy.rules import Judgement, judge
from songhe.rights.policy.selectors import version_on

ELDERS_AT_ONCE = 2000
# So many different sheets of answers are kept for each level; people share them.
SHEETS_A_LEVEL = 40
LEVELS = (0, 1, 2, 3, 4)

_ASSESSMENT = (
    "id", "number", "elder_id", "area_id", "applied_on", "applicant", "assessed_at", "informant", "answers", "result",
    "total", "preliminary_level", "level", "published_on", "validity",
)  # fmt: skip
_DECISION = (
    "id", "elder_id", "area_id", "policy_version_id", "decided_on", "entitled", "monthly_fen", "reason", "facts",
    "trace", "explanation", "results",
)  # fmt: skip
_ENTITLEMENT = ("id", "elder_id", "area_id", "policy_id", "decision_id", "monthly_fen", "validity")


def live(region: Region) -> None:
    """Assess those in difficulty, decide who is entitled, and open each month's credits."""
    with use(Scope.system()):
        policies = list(Policy.objects.filter(form=Policy.Form.CREDIT))
        made = _made(region, policies)
    with loading(Assessment, Decision, Entitlement):
        users = region.users
        copy_rows(
            Assessment,
            _ASSESSMENT,
            made.assessments,
            scale=scale(DEFAULT).key,
            reason=Assessment.Reason.FIRST,
            assessor_1_id=users["assessor1"].pk,
            assessor_2_id=users["assessor2"].pk,
            informant_relation="本人",
            state=AssessmentState.PUBLISHED,
        )
        copy_rows(Decision, _DECISION, made.decisions, decided_by_id=users["county"].pk)
        copy_rows(Entitlement, _ENTITLEMENT, made.entitlements)
    _publish_levels()
    with use(Scope.system()):
        for month in region.months():
            for each in policies:
                with at(timezone.make_aware(datetime.combine(month, time(6)))):
                    policy.open_month(month=month, policy=each)


def _publish_levels() -> None:
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE elders_elder e SET ability_level = a.level, ability_assessed_on = a.published_on "
            "FROM assessment_assessment a WHERE a.elder_id = e.id AND a.state = %s",
            [AssessmentState.PUBLISHED],
        )


@dataclass
class _Made:
    assessments: list[tuple[Any, ...]] = field(default_factory=list)
    decisions: list[tuple[Any, ...]] = field(default_factory=list)
    entitlements: list[tuple[Any, ...]] = field(default_factory=list)


def _made(region: Region, policies: list[Policy]) -> _Made:
    """Draw assessments and decide, a batch of elders at a time, until the money is promised."""
    made = _Made()
    since = region.months()[0]
    sheets = _Sheets(region)
    deciders = [
        _Decider(each, version, since, _to_promise(each, since) // len(region.months()))
        for each in policies
        if (version := version_on(each, since))
    ]
    people = iter(region.difficult)
    while (ids := list(islice(people, ELDERS_AT_ONCE))) and any(decider.left > 0 for decider in deciders):
        numbers = iter(next_numbers("PG", len(ids)))
        for elder in Elder.objects.filter(pk__in=ids).prefetch_related("difficulties").order_by("id"):
            made.assessments.append(sheets.assess(elder, next(numbers), scale(DEFAULT).validity_months))
            for decider in deciders:
                decider.decide(elder, made)
    return made


def _to_promise(each: Policy, on: date) -> int:
    """Return what the budget line of a policy holds on a day, in fen."""
    line = budget_line_for(purpose=each.budget_purpose, area=each.area_id, on=on)
    return balance(line.account_id) if line is not None else 0


# --- assessments -----------------------------------------------------------------------------------------------


class _Sheets:
    """Draws levels by age, and for each level one of some sheets of answers that lead to it."""

    def __init__(self, region: Region) -> None:
        self.random, self.today = region.random, region.today
        rules = scale(DEFAULT)
        self.by_level = {level: [self._sheet(rules, level) for _ in range(SHEETS_A_LEVEL)] for level in LEVELS}

    def _sheet(self, rules: Scale, level: int) -> tuple[str, str, int | None, int | None, int | None]:
        answers = self._answers(rules, level)
        result = score(rules, answers, {})
        as_text = json.dumps(result.as_json(), ensure_ascii=False)
        return json.dumps(answers), as_text, result.total, result.preliminary_level, result.level

    def _answers(self, rules: Scale, level: int) -> dict[str, int]:
        """Return answers whose total falls into a level: points are taken away item by item until it does."""
        answers = {item.code: item.most for item in rules.items}
        goal = {0: 90, 1: 78, 2: 56, 3: 38, 4: 20}[level]
        items = [item for item in rules.items if item.most > 1]
        while sum(answers.values()) > goal:
            item = self.random.choice(items)
            if answers[item.code] > 0:
                answers[item.code] -= 1
        return answers

    def assess(self, elder: Elder, number: str, months: int) -> tuple[Any, ...]:
        """Return an elder's assessment as a row, and put its level on the elder in hand."""
        wanted = self.random.choices(LEVELS, _level_weights(elder, self.today))[0]
        answers, result, total, preliminary, level = self.random.choice(self.by_level[wanted])
        assessed = self.today - timedelta(days=self.random.randrange(20, 330))
        published = assessed + timedelta(days=5)
        elder.ability_level, elder.ability_assessed_on = level, published
        return (
            str(uuid7()), number, elder.pk, elder.area_id, assessed - timedelta(days=8), elder.name,
            timezone.make_aware(datetime.combine(assessed, time(10))), elder.name, answers, result, total, preliminary,
            level, published, f"[{published},{months_after(published, months)})",
        )  # fmt: skip


def _level_weights(elder: Elder, today: date) -> tuple[int, ...]:
    age = elder.age_on(today)
    return (70, 16, 8, 4, 2) if age < 75 else (45, 25, 15, 10, 5) if age < 85 else (22, 28, 24, 16, 10)


# --- decisions -------------------------------------------------------------------------------------------------


class _Decider:
    """Decides one policy while a monthly sum is left; a version is asked once for each set of facts that it reads."""

    def __init__(self, each: Policy, version: PolicyVersion, since: date, monthly_fen: int) -> None:
        self.policy, self.version, self.since, self.left = each, version, since, monthly_fen
        self.known: dict[str, tuple[Judgement, str]] = {}

    def decide(self, elder: Elder, made: _Made) -> None:
        """Add the decision on one elder, and the entitlement if there is one and money for it."""
        judgement, trace = self._judge(facts_for_policy(elder, self.since))
        if judgement.monthly_fen > self.left:
            return
        self.left -= judgement.monthly_fen
        decision, fen = str(uuid7()), judgement.monthly_fen
        made.decisions.append(
            (
                decision,
                elder.pk,
                elder.area_id,
                self.version.pk,
                self.since,
                judgement.entitled,
                fen,
                judgement.reason,
                json.dumps(judgement.facts, ensure_ascii=False),
                trace,
                judgement.explanation,
                json.dumps(judgement.results, ensure_ascii=False),
            )
        )
        if judgement.entitled:
            made.entitlements.append(
                (str(uuid7()), elder.pk, elder.area_id, self.policy.pk, decision, fen, f"[{self.since},)")
            )

    def _judge(self, facts: dict[str, Any]) -> tuple[Judgement, str]:
        # A model cannot read a fact that its text does not name.
        read = repr([(name, value) for name, value in facts.items() if name in self.version.model_xml])
        if read not in self.known:
            judgement = judge(self.version, facts, self.since)
            self.known[read] = judgement, json.dumps(judgement.trace, ensure_ascii=False)
        judgement, trace = self.known[read]
        return replace(judgement, facts=as_json(facts)), trace
