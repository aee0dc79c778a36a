"""The room's background jobs, for the queue to find."""

from datetime import timedelta

from songhe.core.calendar.services import today
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import life
from songhe.registers.elders.importing.running import purge_imports, work_on
from songhe.registers.elders.labelling.jobs import compute_labels

__all__ = ["compute_labels", "note_round_ages", "purge_imports", "work_on"]

LOOK_BACK = timedelta(days=30)
"""How far back birthdays are caught up with that nothing ran on."""


@job(queue="default", cron="30 0 * * *", queueing_lock="elders.ages", own_transactions=True)
def note_round_ages() -> int:
    """Note who came to 60, 80, 90 or 100 of late, each in a transaction of their own; return how many."""
    with use(Scope.system()):
        turned = life.turning(today() - LOOK_BACK, today())
    for elder_id, age, on in turned:
        with use(Scope.system()):
            life.note_turned(elder_id=elder_id, age=age, on=on)
    return len(turned)
