"""Writing, using and giving up labels, and bringing who bears them in line with the roll."""

from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import now, today
from songhe.core.errors import Refused
from songhe.core.flow.services import fire, start
from songhe.core.ids import uuid7
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.flow import LabelRuleState
from songhe.registers.elders.labelling import facts
from songhe.registers.elders.models import LabelRule
from songhe.registers.elders.selectors import facts_frame


@transaction.atomic
def draft(*, area: Area, name: str, condition: str, why: str, tone: str = LabelRule.Tone.BLUE, user: User) -> LabelRule:
    """Write a label's rule for an area; it is borne by nobody until it is put to use.

    Raises:
        Refused: the condition is no FEEL or speaks of unknown facts.
    """
    facts.read(condition)
    rule = LabelRule(area=area, name=name.strip(), condition=condition.strip(), why=why.strip(), tone=tone)
    save(rule)
    start(rule, user)
    return rule


@transaction.atomic
def amend(
    *, label_rule: LabelRule, name: str, condition: str, why: str, tone: str, version: int | None = None
) -> LabelRule:
    """Change a rule; what one in use says stays, for it says why somebody bears the label."""
    rule = locked(LabelRule.objects.filter(pk=label_rule.pk), version=version)
    if rule.state == LabelRuleState.RETIRED:
        raise Refused("这个标签已停用，不能修改。")
    if rule.state == LabelRuleState.IN_FORCE and condition.strip() != rule.condition:
        raise Refused("使用中的标签不能改条件：请停用后另写一条，以便查清谁因何有过这个标签。", field="condition")
    facts.read(condition)
    rule.name, rule.condition, rule.why, rule.tone = name.strip(), condition.strip(), why.strip(), tone
    return save(rule)


@transaction.atomic
def enact(*, label_rule: LabelRule, user: User, version: int | None = None) -> LabelRule:
    """Put a rule to use: whom it speaks of bears the label from today."""
    rule = fire(label_rule, "enact", user=user, version=version)
    compute(rule_id=rule.pk, on=today())
    rule.refresh_from_db()
    return rule


@transaction.atomic
def retire(*, label_rule: LabelRule, user: User, reason: str, version: int | None = None) -> LabelRule:
    """Give a rule up: nobody bears the label from today."""
    rule = fire(label_rule, "retire", user=user, reason=reason, version=version)
    with use(Scope.system()), connection.cursor() as cursor:
        _end(cursor, rule.pk, today(), "")
    return rule


# Who bore a label for less than a day never bore it.
_FORGET = (
    "DELETE FROM elders_label l WHERE l.rule_id = %(rule)s AND upper_inf(l.validity) AND lower(l.validity) >= %(on)s"
)
_END = (
    "UPDATE elders_label l SET validity = daterange(lower(l.validity), %(on)s) "
    "WHERE l.rule_id = %(rule)s AND upper_inf(l.validity)"
)
_NO_LONGER = " AND NOT EXISTS (SELECT 1 FROM label_holders h WHERE h.elder_id = l.elder_id)"
_FOLLOW = """
UPDATE elders_label l SET area_id = h.area_id, facts = h.facts FROM label_holders h
WHERE h.elder_id = l.elder_id AND l.rule_id = %(rule)s AND upper_inf(l.validity)
  AND (l.area_id <> h.area_id OR l.facts <> h.facts)
"""
_BEAR = """
INSERT INTO elders_label (id, version, created_at, rule_id, elder_id, area_id, facts, validity)
SELECT h.id, 1, %(now)s, %(rule)s, h.elder_id, h.area_id, h.facts, daterange(%(on)s, NULL) FROM label_holders h
WHERE NOT EXISTS (
    SELECT 1 FROM elders_label l WHERE l.rule_id = %(rule)s AND l.elder_id = h.elder_id AND upper_inf(l.validity)
)
"""


@transaction.atomic
def compute(*, rule_id: UUID, on: date) -> int:
    """Bring who bears a label in line with the roll as of a day; return how many bear it now."""
    with use(Scope.system()):
        rule = locked(LabelRule.objects.filter(pk=rule_id))
        if rule.state != LabelRuleState.IN_FORCE:
            return 0
        found = facts.holders(facts_frame(rule.area, on), facts.read(rule.condition))
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE label_holders "
                "(id uuid, elder_id uuid PRIMARY KEY, area_id bigint, facts jsonb) ON COMMIT DROP"
            )
            with cursor.copy("COPY label_holders (id, elder_id, area_id, facts) FROM STDIN") as copy:
                for elder_id, area_id, said in found.iter_rows():
                    copy.write_row((uuid7(), elder_id, area_id, said))
            cursor.execute("ANALYZE label_holders")
            values: dict[str, Any] = {"rule": rule.pk, "on": on, "now": now()}
            _end(cursor, rule.pk, on, _NO_LONGER)
            cursor.execute(_FOLLOW, values)
            cursor.execute(_BEAR, values)
            cursor.execute("DROP TABLE label_holders")
        rule.computed_on = on
        save(rule)
        return len(found)


def _end(cursor: Any, rule_id: UUID, on: date, whose: str) -> None:
    cursor.execute(_FORGET + whose, {"rule": rule_id, "on": on})
    cursor.execute(_END + whose, {"rule": rule_id, "on": on})
