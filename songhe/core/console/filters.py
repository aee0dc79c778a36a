"""The filters of a list, made from the names its pages declare."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.contrib.postgres.fields import ArrayField, DateRangeField
from django.db import models
from django.db.models import QuerySet
from django.forms.renderers import BaseRenderer, get_default_renderer
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from songhe.core.areas.models import Area
from songhe.core.console.display import field_of
from songhe.core.console.fields import FenField, Lookup

YES_NO = (("true", "是"), ("false", "否"))


class AreaFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]
    """Rows of a division and of all below it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", Area.objects.all())
        kwargs.setdefault("widget", Lookup("areas-area"))
        super().__init__(**kwargs)

    def filter(self, qs: QuerySet[Any], value: Area | None) -> QuerySet[Any]:
        """Keep the rows whose code lies in the division's range."""
        if value is None:
            return qs
        column = f"{self.field_name}_id" if not self.field_name.endswith("code") else self.field_name
        return qs.filter(**{f"{column}__gte": value.code, f"{column}__lt": value.upper})


class _FenRange(django_filters.RangeFilter):  # type: ignore[misc]
    field_class = django_filters.fields.RangeField

    def filter(self, qs: QuerySet[Any], value: slice | None) -> QuerySet[Any]:
        if value is None:
            return qs
        low, high = (None if edge is None else int(edge * 100) for edge in (value.start, value.stop))
        if low is not None:
            qs = qs.filter(**{f"{self.field_name}__gte": low})
        return qs if high is None else qs.filter(**{f"{self.field_name}__lte": high})


class _Day(forms.DateInput):
    input_type = "date"


class _Range(django_filters.widgets.RangeWidget):  # type: ignore[misc]
    """Two ends side by side. One label stands above both; each says for itself which end it is."""

    names = ("从", "到")

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        forms.MultiWidget.__init__(self, [self.end(name) for name in self.names], attrs)

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: BaseRenderer | None = None
    ) -> SafeString:
        """Set the ends side by side, with a word between them."""
        shown = renderer or get_default_renderer()
        ends = self.get_context(name, value, attrs)["widget"]["subwidgets"]
        first, second = (mark_safe(shown.render(end["template_name"], {"widget": end})) for end in ends)  # noqa: S308
        return format_html('<div class="range">{}<span aria-hidden="true">至</span>{}</div>', first, second)

    def end(self, name: str) -> forms.Widget:
        """Return the field of one end."""
        return forms.NumberInput(attrs={"aria-label": name, "step": "any"})


class _DayRange(_Range):
    names = ("开始日期", "结束日期")

    def end(self, name: str) -> forms.Widget:
        """Return the day of one end."""
        return _Day(format="%Y-%m-%d", attrs={"aria-label": name})


class _Validity(django_filters.DateFilter):  # type: ignore[misc]
    """Rows in force on a day."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", _Day(format="%Y-%m-%d"))
        super().__init__(lookup_expr="contains", **kwargs)


def filterset_for(model: type[models.Model], names: Any) -> type[django_filters.FilterSet] | None:
    """Return a FilterSet of the declared names, or None if there are none."""
    if not names:
        return None
    members: dict[str, Any] = {}
    for spec in names:
        name, second = spec if isinstance(spec, tuple) else (spec, "")
        path = name.replace(".", "__")
        if isinstance(second, django_filters.Filter):
            members[path] = second
        else:
            members[path] = filter_for(model, path, second)
    members["Meta"] = type("Meta", (), {"model": model, "fields": []})
    return type(f"{model.__name__}Filters", (django_filters.FilterSet,), members)


def filter_for(model: type[models.Model], path: str, label: str = "") -> django_filters.Filter:
    """Return the filter that suits a field."""
    field = field_of(model, path)
    if field is None:
        raise LookupError(f"{model._meta.label} 没有可筛选的字段 {path}。")
    common: dict[str, Any] = {"field_name": path, "label": label or str(field.verbose_name)}
    base = field.base_field if isinstance(field, ArrayField) else field
    if isinstance(field, models.ForeignKey) and field.related_model is Area:
        return AreaFilter(**common)
    if isinstance(field, ArrayField) and base.choices:
        return django_filters.ChoiceFilter(choices=base.choices, method=_has_item(path), empty_label="全部", **common)
    if field.choices:
        return django_filters.ChoiceFilter(choices=field.choices, empty_label="全部", **common)
    return _plain_filter(field, path, common)


def _has_item(path: str) -> Any:
    def keep(queryset: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        return queryset.filter(**{f"{path}__contains": [value]})

    return keep


def _plain_filter(field: models.Field[Any, Any], path: str, common: dict[str, Any]) -> django_filters.Filter:
    if isinstance(field, models.BooleanField):
        return django_filters.BooleanFilter(widget=forms.Select(choices=(("", "全部"), *YES_NO)), **common)
    if isinstance(field, models.DateTimeField | models.DateField):
        kind = django_filters.DateFromToRangeFilter if not isinstance(field, models.DateTimeField) else _DateTimeDays
        return kind(widget=_DayRange(), **common)
    if isinstance(field, DateRangeField):
        common["label"] = f"{common['label']}包含"
        return _Validity(**common)
    if path.endswith("_fen"):
        # Stored in fen, asked for in yuan.
        return _FenRange(widget=_Range(), **{**common, "label": common["label"].replace("（分）", "（元）")})
    if isinstance(field, models.ForeignKey):
        from songhe.core.console.registry import pages_of

        found = pages_of(field.related_model)
        widget = {"widget": Lookup(found.key)} if found is not None and found.search is not None else {}
        return django_filters.ModelChoiceFilter(
            queryset=field.related_model._default_manager.all(), empty_label="全部", **widget, **common
        )
    if isinstance(field, models.IntegerField | models.DecimalField | models.FloatField):
        return django_filters.RangeFilter(widget=_Range(), **common)
    return django_filters.CharFilter(lookup_expr="icontains", **common)


class _DateTimeDays(django_filters.DateFromToRangeFilter):  # type: ignore[misc]
    """Moments from the start of the first day to the end of the last."""


__all__ = ["AreaFilter", "FenField", "filter_for", "filterset_for"]
