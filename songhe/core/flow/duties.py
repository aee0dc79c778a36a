"""Incompatible duties: who did one step on an object may not do another one on it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from songhe.core.flow.models import FlowModel, Step, StepInfo

Taken = dict[UUID, dict[str, set[UUID]]]


def taken(objs: Sequence[FlowModel], steps: Collection[str]) -> Taken:
    """Return who has taken any of these steps on objects of one kind: object id → step → accounts.

    Call it under the system's scope, so that no step hides.
    """
    found: Taken = defaultdict(lambda: defaultdict(set))
    if steps and objs:
        rows = Step.objects.filter(
            object_table=objs[0]._meta.db_table,
            object_id__in=[obj.pk for obj in objs],
            step__in=steps,
            user__isnull=False,
        ).order_by()
        for object_id, step, user_id in rows.values_list("object_id", "step", "user_id"):
            found[object_id][step].add(user_id)
    return found


def barred(obj: FlowModel, info: StepInfo, taken: Taken) -> set[UUID]:
    """Return who may not take a step because of what they did on the object before."""
    done = taken.get(obj.pk, {})
    return {user for name in info.excludes for user in done.get(name, ())}
