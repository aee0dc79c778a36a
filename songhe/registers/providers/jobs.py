"""The register's daily reminder."""

from songhe.core.calendar.services import now, today
from songhe.core.events.jobs import job
from songhe.core.flow.models import Todo
from songhe.core.validity import last_day
from songhe.registers.providers.models import Licence
from songhe.registers.providers.selectors import running_out

PERMISSION = "providers.report"


@job(queueing_lock="providers.remind", cron="20 6 * * *")
def remind_of_licences() -> int:
    """Put licences that run out onto the lists of whoever may renew them; take off those renewed. Return how many."""
    due = {licence.pk: licence for licence in running_out(today()).select_related("provider")}
    table = Licence._meta.db_table
    waiting = Todo.objects.filter(object_table=table, permission=PERMISSION, state=Todo.State.OPEN)
    settled = waiting.exclude(object_id__in=due)
    settled.update(state=Todo.State.DONE, done_at=now())
    known = set(waiting.values_list("object_id", flat=True))
    Todo.objects.bulk_create(
        Todo(
            object_table=table,
            object_id=licence.pk,
            title=f"{licence.provider}：{licence.get_kind_display()}到期换证",
            permission=PERMISSION,
            steps=[],
            area_id=licence.provider.area_id,
            provider_id=licence.provider_id,
            due_on=last_day(licence.validity) or today(),
        )
        for pk, licence in due.items()
        if pk not in known
    )
    return len(due)
