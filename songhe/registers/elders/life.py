"""What happens to an elder who stays on the roll: round ages, bereavement, moving into an institution and out again."""

from datetime import date
from uuid import UUID

from django.db import connection, transaction

from songhe.core.errors import Refused
from songhe.core.events.services import publish
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import effects
from songhe.registers.elders.events import ElderBereaved, ElderTurned, EnteredInstitution, LeftInstitution
from songhe.registers.elders.models import Elder, FollowUpKind, LifeEvent, LivingSituation
from songhe.registers.elders.rules import ROUND_AGES
from songhe.registers.elders.services import active, not_future


@transaction.atomic
def bereave(
    *,
    elder_id: UUID,
    on: date,
    living_situation: str,
    detail: str = "",
    source: str = "",
    version: int | None = None,
) -> Elder:
    """Note that an elder lost their husband or wife, and with whom they live since."""
    elder = active(elder_id, version, "登记丧偶")
    not_future(on, "事件")
    if living_situation == LivingSituation.WITH_SPOUSE:
        raise Refused("丧偶后的居住状况不能是“与配偶同住”。", field="living_situation")
    event = save(
        LifeEvent(elder=elder, kind=LifeEvent.Kind.BEREAVED, on=on, detail=detail.strip(), source=source.strip())
    )
    _lives(elder, living_situation, event)
    if living_situation == LivingSituation.ALONE:
        effects.follow_up(
            event.pk, kind=FollowUpKind.ARRANGE, what="丧偶后独居：请核对紧急联系人，列入探访，询问服务需要"
        )
    publish(ElderBereaved(elder_id=elder.pk, on=on, life_event_id=event.pk))
    return elder


@transaction.atomic
def enter_institution(*, elder_id: UUID, on: date, name: str, source: str = "", version: int | None = None) -> Elder:
    """Note that an elder lives in an institution from a day on; other rooms end the care at home.

    Raises:
        Refused: they live in one already.
    """
    elder = active(elder_id, version, "登记入住机构")
    not_future(on, "入住")
    if elder.living_situation == LivingSituation.INSTITUTION:
        raise Refused(f"{elder.name}已登记为机构养老。")
    event = save(
        LifeEvent(elder=elder, kind=LifeEvent.Kind.INSTITUTION, on=on, detail=name.strip(), source=source.strip())
    )
    _lives(elder, LivingSituation.INSTITUTION, event)
    publish(EnteredInstitution(elder_id=elder.pk, on=on, life_event_id=event.pk))
    return elder


@transaction.atomic
def leave_institution(*, elder_id: UUID, on: date, living_situation: str = "", version: int | None = None) -> Elder:
    """Note that an elder left an institution; without a living situation the one before they entered holds again."""
    elder = active(elder_id, version, "登记离开机构")
    not_future(on, "离开")
    if elder.living_situation != LivingSituation.INSTITUTION:
        raise Refused(f"{elder.name}没有登记为机构养老。")
    if living_situation == LivingSituation.INSTITUTION:
        raise Refused("离开机构后的居住状况不能是“机构养老”。", field="living_situation")
    event = save(LifeEvent(elder=elder, kind=LifeEvent.Kind.LEFT_INSTITUTION, on=on))
    _lives(elder, living_situation or _before_entering(elder), event)
    effects.follow_up(event.pk, kind=FollowUpKind.ARRANGE, what="离开机构回家：请核对居住状况，商定照护计划")
    publish(LeftInstitution(elder_id=elder.pk, on=on, life_event_id=event.pk))
    return elder


def _before_entering(elder: Elder) -> str:
    entered = elder.life_events.filter(kind=LifeEvent.Kind.INSTITUTION).order_by("-on", "-id").first()
    was = entered.effects.filter(table=Elder._meta.db_table).first() if entered is not None else None
    return str(was.before["living_situation"]) if was is not None else LivingSituation.OTHER


def _lives(elder: Elder, living_situation: str, event: LifeEvent) -> None:
    label = LivingSituation(living_situation).label
    with use(Scope.system()), effects.noting(event.pk, elder, f"居住状况改为“{label}”"):
        elder.living_situation = living_situation
        save(elder)


# --- round ages ---

# Who was born on 29 February turns on 1 March of a common year, as age_on counts.
_TURNED = """
SELECT e.id, t.age,
       (CASE WHEN to_char(e.birth_date, 'MMDD') = '0229'
             THEN e.birth_date + make_interval(years => t.age) + CASE
                  WHEN extract(day FROM e.birth_date + make_interval(years => t.age)) = 28 THEN interval '1 day'
                  ELSE interval '0' END
             ELSE e.birth_date + make_interval(years => t.age) END)::date AS turned_on, e.registered_on
FROM elders_elder e CROSS JOIN unnest(%(ages)s::int[]) AS t(age)
WHERE e.state = 'active' AND e.registered_on <= %(until)s
  AND e.birth_date > (%(since)s::date - make_interval(years => t.age))::date - 2
  AND e.birth_date <= (%(until)s::date - make_interval(years => t.age))::date + 1
"""


def turning(since: date, until: date) -> list[tuple[UUID, int, date]]:
    """Return who on the roll comes to a round age between two days, both counted, and which day.

    Those noted are out, and birthdays before somebody came onto the roll.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TURNED, {"ages": list(ROUND_AGES), "since": since, "until": until})
        rows = [row[:3] for row in cursor.fetchall() if max(since, row[3]) <= row[2] <= until]
    noted = set(
        LifeEvent.objects.filter(
            kind=LifeEvent.Kind.TURNED, on__range=(since, until), elder__in=[row[0] for row in rows]
        ).values_list("elder_id", "on")
    )
    return sorted((row for row in rows if (row[0], row[2]) not in noted), key=lambda row: (row[2], row[0]))


@transaction.atomic
def note_turned(*, elder_id: UUID, age: int, on: date) -> LifeEvent:
    """Note that an elder came to a round age; other rooms look at what is due to them from that day."""
    elder = Elder.objects.select_for_update(of=("self",)).get(pk=elder_id)
    event = save(LifeEvent(elder=elder, kind=LifeEvent.Kind.TURNED, on=on, detail=f"满 {age} 周岁"))
    publish(ElderTurned(elder_id=elder.pk, on=on, life_event_id=event.pk, age=age))
    return event
