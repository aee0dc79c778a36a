"""Flows that could never run are found when the server starts, not when somebody clicks."""

from typing import Any

from django.core.checks import CheckMessage, Error

from songhe.core.accounts.roles import roles_with
from songhe.core.flow.models import FlowModel
from songhe.core.flow.selectors import flows


def check_flows(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """Check every flow: each step's permission is held by some role, its states and excluded steps exist."""
    return [error for model in flows() for error in check_flow(model)]


def check_flow(model: type[FlowModel]) -> list[CheckMessage]:
    """Check one flow's steps and states."""
    errors: list[CheckMessage] = []
    field: Any = model._meta.get_field("state")  # type: ignore[misc]
    states = {value for value, _label in field.choices}
    reached: set[str | None] = {field.get_default()}

    def say(number: int, text: str) -> None:
        errors.append(Error(text, obj=model, id=f"songhe.flow.E{number:03}"))

    for info in model.steps().values():
        reached.add(info.target)
        if not roles_with(info.permission):
            say(1, f"步骤“{info.label}”（{info.name}）所需权限 {info.permission} 没有任何角色持有。")
        if unknown := set(info.excludes) - set(model.step_labels()):
            say(2, f"步骤“{info.label}”（{info.name}）排斥的步骤不存在：{'、'.join(sorted(unknown))}。")
        if unknown := {*info.source, info.target or info.source[0]} - states:
            say(3, f"步骤“{info.label}”（{info.name}）提到的状态不存在：{'、'.join(sorted(map(str, unknown)))}。")
    if never := states - reached:
        say(4, f"没有任何步骤能到达的状态：{'、'.join(sorted(never))}。")
    return errors
