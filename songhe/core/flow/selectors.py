"""Buttons, to-do lists and overdue lists, all read from the declared steps."""

from functools import cache

from django.apps import apps
from django.db import models
from django.db.models import Count, QuerySet

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.flow.duties import barred, taken
from songhe.core.flow.models import FlowModel, Step, StepInfo, Todo
from songhe.core.scope.services import Scope, use


@cache
def flows() -> list[type[FlowModel]]:
    """Return every concrete model that goes through states."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, FlowModel) and not hasattr(model, "pgh_tracked_model") and not model._meta.proxy
    ]


def model_of(table: str) -> type[models.Model]:
    """Return the model of a table named by a step or to-do."""
    return next(model for model in apps.get_models() if model._meta.db_table == table)


def available(obj: FlowModel, user: User) -> list[StepInfo]:
    """Return the steps this person may take on the object now: the buttons of its page."""
    held = [info for info in type(obj).steps().values() if obj.state in info.source and user.may(info.permission)]
    excluding = {name for info in held for name in info.excludes}
    if not excluding:
        return held
    with use(Scope.system()):
        done = taken([obj], excluding)
    return [info for info in held if user.pk not in barred(obj, info, done)]


def permissions_of(user: User) -> list[str]:
    """Return the permissions of all declared steps that this person holds."""
    return sorted(permission for permission in _named() if user.may(permission))


@cache
def _named() -> frozenset[str]:
    return frozenset(info.permission for model in flows() for info in model.steps().values())


def todos(user: User) -> QuerySet[Todo]:
    """Return what waits for this person, soonest first; the rows seen are those of the scope in force."""
    return (
        Todo.objects.filter(state=Todo.State.OPEN, permission__in=permissions_of(user))
        .exclude(barred__contains=[user.pk])
        .order_by("due_on", "id")
    )


def overdue(user: User) -> QuerySet[Todo]:
    """Return what has waited for this person past its date."""
    return todos(user).filter(due_on__lt=today())


def overdue_counts() -> dict[str, int]:
    """Return the number of overdue to-dos in the scope by the permission they wait for: what supervisors look at."""
    rows = Todo.objects.filter(state=Todo.State.OPEN, due_on__lt=today()).order_by()
    return dict(rows.values_list("permission").annotate(count=Count("id")))


def steps_of(obj: models.Model) -> QuerySet[Step]:
    """Return the steps taken on an object, oldest first, with who took them."""
    return Step.objects.filter(object_table=obj._meta.db_table, object_id=obj.pk).select_related("user")
