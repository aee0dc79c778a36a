"""How the browser's own fields are written: as Django's templates write them, without a template for every choice."""

from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

_HERE = "django/forms/widgets/"
_SELECT = f"{_HERE}select.html"
# What Django writes through the one template of all plain fields.
_INPUTS = frozenset(f"{_HERE}{kind}.html" for kind in ("input", "text", "number", "date", "hidden", "email", "time"))


class Renderer(DjangoTemplates):
    """Django's renderer of forms, but for choices and plain fields.

    A list's filters and a form's fields hold hundreds of choices, each of which Django writes through two templates.
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """Write a field."""
        if template_name == _SELECT:
            return _select(context["widget"])
        if template_name in _INPUTS:
            return _input(context["widget"])
        return super().render(template_name, context, request)


def _input(widget: dict[str, Any]) -> SafeString:
    value = "" if widget["value"] is None else f' value="{conditional_escape(widget["value"])}"'
    kind, name = conditional_escape(widget["type"]), conditional_escape(widget["name"])
    return SafeString(f'<input type="{kind}" name="{name}"{value}{_attributes(widget["attrs"])}>')


def _select(widget: dict[str, Any]) -> SafeString:
    parts = [f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget["attrs"])}>']
    for group, options, _index in widget["optgroups"]:
        if group:
            parts.append(f'\n  <optgroup label="{conditional_escape(group)}">')
        parts += [f"\n  {_option(option)}" for option in options]
        if group:
            parts.append("\n  </optgroup>")
    parts.append("\n</select>")
    return SafeString("".join(parts))


def _option(option: dict[str, Any]) -> str:
    value, label = conditional_escape(option["value"]), conditional_escape(localize(option["label"]))
    return f'<option value="{value}"{_attributes(option["attrs"])}>{label}</option>'


def _attributes(attributes: dict[str, Any]) -> str:
    return "".join(
        f" {conditional_escape(name)}" + ("" if value is True else f'="{conditional_escape(value)}"')
        for name, value in attributes.items()
        if value is not False
    )
