"""Going through states: the only way from one to the next."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from django.db import models, transaction

from songhe.core.accounts.models import User
from songhe.core.calendar.services import now, today
from songhe.core.errors import Refused
from songhe.core.events.base import publish
from songhe.core.flow.duties import Taken, barred, taken
from songhe.core.flow.events import Stepped
from songhe.core.flow.models import FlowModel, Step, StepInfo, Todo
from songhe.core.flow.selectors import available, overdue, overdue_counts, steps_of, todos
from songhe.core.locks import locked, patience
from songhe.core.scope.roles import RowScope
from songhe.core.scope.services import Scope, current, use

__all__ = ["available", "fire", "fire_many", "overdue", "overdue_counts", "start", "start_many", "steps_of", "todos"]

M = TypeVar("M", bound=FlowModel)


@transaction.atomic
def fire(obj: M, step: str, *, user: User | None, reason: str = "", version: int | None = None, **kwargs: Any) -> M:
    """Take a step on an object and return the object as it is now; ``kwargs`` go to the step's method.

    The row is locked and read anew, so what was changed on ``obj`` but not saved is lost. ``user`` None means the
    system itself and is accepted only under the system's scope. Raises Refused (with the reason), Changed when the
    row is not at ``version``, Busy when somebody else holds the row.
    """
    info = type(obj).steps()[step]
    row = locked(type(obj)._base_manager.filter(pk=obj.pk), version=version)
    reason = reason.strip()
    _check(row, info, user, reason)
    source = str(row.state)
    getattr(row, step)(**kwargs)
    row.save()
    _note(row, name=step, label=info.label, source=source, user=user, reason=reason)
    if info.target is not None:
        _renew_todos([row], user)
    return row


@transaction.atomic
def fire_many(objs: Sequence[M], step: str, *, user: User | None, reason: str = "") -> list[M]:
    """Take one step on many objects, all or none, in a few statements; return them as they are now, by their ids.

    Raises what ``fire`` raises, naming the object that stands in the way.
    """
    if not objs:
        return []
    model = type(objs[0])
    info, reason = model.steps()[step], reason.strip()
    with patience():
        rows = list(
            model._base_manager.filter(pk__in=[obj.pk for obj in objs]).order_by("pk").select_for_update(of=("self",))
        )
    sources = []
    for row in rows:
        try:
            _check(row, info, user, reason)
            sources.append(str(row.state))
            getattr(row, step)()
        except Refused as refused:
            raise Refused(f"{row}：{refused.message}", field=refused.field) from refused
    model._base_manager.bulk_update(rows, ["state"], batch_size=500)
    _note_many(rows, info, sources, user, reason)
    if info.target is not None:
        _renew_todos(list(rows), user)
    return rows


def _note_many(rows: Sequence[FlowModel], info: StepInfo, sources: list[str], user: User | None, reason: str) -> None:
    steps = [
        _step(row, name=info.name, label=info.label, source=source, user=user, reason=reason)
        for row, source in zip(rows, sources, strict=True)
    ]
    with use(Scope.system()):
        Step.objects.bulk_create(steps, batch_size=500)
    for each in steps:
        publish(_stepped(each))


@transaction.atomic
def start(obj: FlowModel, user: User | None = None) -> None:
    """Note who made an object and open its first to-dos; called once by the service that creates it."""
    _note(obj, name=obj.start_step, label=obj.start_label, source="", user=user, reason="")
    _renew_todos([obj], user)


@transaction.atomic
def start_many(objs: Iterable[FlowModel], user: User | None = None) -> None:
    """Start many new objects in a few statements; for imports. Publishes nothing."""
    rows = list(objs)
    with use(Scope.system()):
        Step.objects.bulk_create(
            [_step(obj, name=obj.start_step, label=obj.start_label, source="", user=user, reason="") for obj in rows],
            batch_size=1000,
        )
    _renew_todos(rows, user, fresh=True)


def hand_over(objs: Iterable[FlowModel]) -> None:
    """Give what is to be done about objects to those who answer for them now, after their area or provider changed."""
    with use(Scope.system()):
        for obj in objs:
            open_todos = Todo.objects.filter(object_table=obj._meta.db_table, object_id=obj.pk, state=Todo.State.OPEN)
            open_todos.update(**_owners(obj))


def _check(row: FlowModel, info: StepInfo, user: User | None, reason: str) -> None:
    if user is None:
        scope = current()
        if scope is None or scope.kind != "system":
            raise Refused(f"“{info.label}”需要由具体的人办理。")
    elif not user.may(info.permission):
        raise Refused(f"您的角色（{user.get_role_display()}）不能办理“{info.label}”。")
    if row.state not in info.source:
        raise Refused(f"当前状态是“{row.get_state_display()}”，不能办理“{info.label}”。请刷新页面查看最新情况。")
    if info.needs_reason and not reason:
        raise Refused(f"办理“{info.label}”必须填写理由。", field="reason")
    if user is not None and info.excludes:
        with use(Scope.system()):
            done = taken([row], info.excludes)
        if user.pk in barred(row, info, done):
            labels = type(row).step_labels()
            mine = "、".join(labels[name] for name in info.excludes if user.pk in done[row.pk][name])
            raise Refused(f"您已办理过本业务的“{mine}”，按不相容岗位分离的规定，“{info.label}”须由他人办理。")


def _owners(obj: FlowModel) -> dict[str, Any]:
    """Return the area, provider and elder by whom the object's steps and to-dos are seen, as the object itself is."""
    scope: RowScope = obj.row_scope  # type: ignore[attr-defined]
    return {
        "area_id": _column(obj, scope.area or "area"),
        "provider_id": _column(obj, scope.provider or "provider"),
        "elder_id": _column(obj, scope.elder or "elder"),
    }


def _column(obj: models.Model, name: str) -> Any:
    for field in obj._meta.concrete_fields:
        if name in (field.name, field.attname) or field.attname == f"{name}_id":
            return getattr(obj, field.attname)
    return None


def _step(obj: FlowModel, *, name: str, label: str, source: str, user: User | None, reason: str) -> Step:
    return Step(
        object_table=obj._meta.db_table,
        object_id=obj.pk,
        step=name,
        label=label,
        source=source,
        target=str(obj.state),
        user=user,
        reason=reason,
        **_owners(obj),
    )


def _note(obj: FlowModel, *, name: str, label: str, source: str, user: User | None, reason: str) -> None:
    row = _step(obj, name=name, label=label, source=source, user=user, reason=reason)
    with use(Scope.system()):
        row.save(force_insert=True)
    publish(_stepped(row))


def _stepped(row: Step) -> Stepped:
    return Stepped(
        table=row.object_table,
        object_id=row.object_id,
        step=row.step,
        source=row.source,
        target=row.target,
        user_id=row.user_id,
        reason=row.reason,
    )


def _renew_todos(objs: list[FlowModel], user: User | None, *, fresh: bool = False) -> None:
    if not objs:
        return
    excluded = {name for info in type(objs[0]).steps().values() for name in info.excludes}
    with use(Scope.system()):
        if not fresh:
            Todo.objects.filter(
                object_table=objs[0]._meta.db_table, object_id__in=[obj.pk for obj in objs], state=Todo.State.OPEN
            ).update(state=Todo.State.DONE, done_by=user, done_at=now())
        done = taken(objs, excluded)
        start_day = today()
        Todo.objects.bulk_create([todo for obj in objs for todo in _todos(obj, start_day, done)], batch_size=1000)


def _todos(obj: FlowModel, start_day: date, done: Taken) -> list[Todo]:
    """Return one to-do for each permission that a step with a deadline asks for in the object's present state."""
    open_steps = sorted(
        (info for info in type(obj).steps().values() if obj.state in info.source), key=lambda info: info.permission
    )
    found: list[Todo] = []
    for permission, group in groupby(open_steps, key=lambda info: info.permission):
        infos = list(group)
        dated = [(info, due) for info in infos if (due := info.due_on(obj, start_day))]
        if not dated:
            continue
        # Whoever is barred from every step of the to-do need not see it.
        away: set[UUID] = set.intersection(*(barred(obj, info, done) for info, _due in dated))
        found.append(
            Todo(
                object_table=obj._meta.db_table,
                object_id=obj.pk,
                title=f"{'、'.join(info.label for info, _due in dated)}：{obj}"[:200],
                permission=permission,
                steps=[info.name for info in infos],
                barred=sorted(away),
                due_on=min(due for _info, due in dated),
                **_owners(obj),
            )
        )
    return found
