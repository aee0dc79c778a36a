"""Declaring states and the steps between them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, FSMFieldDescriptor, transition

from songhe.core.calendar.working_days import WorkingDays

Deadline = WorkingDays | Callable[[Any], date | None]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class StepInfo:
    """One step as declared: what it is called, whence and whither it leads, who may take it and by when.

    ``excludes`` names earlier steps of the same object whose takers may not take this one.
    """

    name: str
    label: str
    source: tuple[str, ...]
    target: str | None
    permission: str
    deadline: Deadline | None = None
    excludes: tuple[str, ...] = ()
    needs_reason: bool = False

    def due_on(self, obj: models.Model, start: date) -> date | None:
        """Return the last day for this step when the object came to its state on ``start``; None without a deadline."""
        if isinstance(self.deadline, WorkingDays):
            return self.deadline.after(start)
        return self.deadline(obj) if self.deadline else None


def step(
    label: str,
    *,
    source: Iterable[str],
    target: str | None,
    permission: str,
    deadline: Deadline | None = None,
    excludes: Iterable[str] = (),
    needs_reason: bool = False,
) -> Callable[[F], F]:
    """Declare a method as a step; it checks and fills in what belongs to the step, and raises Refused.

    ``target`` None leaves the state as it is. A step with a ``deadline`` puts a to-do on the list of whoever holds its
    permission; the deadline is in working days, or a function of the object that gives a date (from a place's norms).
    """
    sources = tuple(source)

    def declare(function: F) -> F:
        marked: Any = function
        marked.step_info = StepInfo(
            name=function.__name__,
            label=label,
            source=sources,
            target=target,
            permission=permission,
            deadline=deadline,
            excludes=tuple(excludes),
            needs_reason=needs_reason,
        )
        stepped: F = transition(field="state", source=list(sources), target=target)(marked)
        return stepped

    return declare


class _State(FSMFieldDescriptor):
    """Lets the database fill the state in, and nobody else outside a step."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        if instance.__dict__.get("_reading"):
            self.field.set_state(instance, value)
        else:
            super().__set__(instance, value)


class StateField(FSMField):
    """A state that only a step changes; migrations and history tables see a plain text column."""

    descriptor_class = _State

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Describe the column to migrations and history tables."""
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("protected", None)
        return name, "django.db.models.CharField", args, kwargs


def flow_field(states: type[models.TextChoices], *, default: str, label: str = "状态") -> StateField:
    """Return the protected state column of a flow."""
    field: StateField = StateField(label, choices=states.choices, default=default, max_length=20, protected=True)
    return field


def state_check(states: type[models.TextChoices], *, name: str, field: str = "state") -> models.CheckConstraint:
    """Return the database's own check that the state is one of the declared ones; goes into ``Meta.constraints``."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": states.values}), name=name)
