"""Calling a room's service with what its signature asks for."""

import inspect
from collections.abc import Callable
from typing import Any


def call(service: Callable[..., Any], data: dict[str, Any], /, **offered: Any) -> Any:
    """Call a keyword-only service with the form's ``data`` and those of the ``offered`` arguments that it declares.

    Data always goes in whole: a service that does not know a field of its form is a mistake and raises TypeError.
    """
    parameters = inspect.signature(service).parameters
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    extra = {name: value for name, value in offered.items() if name in parameters and name not in data}
    if anything:
        extra |= {name: value for name, value in offered.items() if name in ("user",) and name not in data}
    return service(**data, **extra)


def names_for(noun: str, obj: Any) -> dict[str, Any]:
    """Return the names under which a service may ask for the record: its noun, ``obj``, or an id."""
    short = noun.replace("-", "_")
    return {short: obj, "obj": obj, f"{short}_id": obj.pk, "pk": obj.pk, "id": obj.pk}
