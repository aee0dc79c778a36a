"""The nightly turn of labels."""

from songhe.core.calendar.services import today
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.labelling import services
from songhe.registers.elders.labelling.selectors import rules_in_use


@job(queue="default", cron="50 0 * * *", queueing_lock="elders.labels", own_transactions=True)
def compute_labels() -> int:
    """Bring who bears each label in use in line with the roll, label by label; return how many labels."""
    with use(Scope.system()):
        waiting = list(rules_in_use().values_list("pk", flat=True))
    for rule_id in waiting:
        with use(Scope.system()):
            services.compute(rule_id=rule_id, on=today())
    return len(waiting)
