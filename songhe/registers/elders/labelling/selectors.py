"""Reads of labels: which there are, who bears them, what a condition would find."""

from dataclasses import dataclass
from typing import Any

import django_filters
from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.scope.services import Scope, use
from songhe.core.validity import in_force
from songhe.registers.elders.flow import LabelRuleState
from songhe.registers.elders.labelling import facts
from songhe.registers.elders.models import Elder, Label, LabelRule
from songhe.registers.elders.selectors import facts_frame, within_scope

SAMPLE = 20


def rules() -> QuerySet[LabelRule]:
    """Return the rules in scope, each with how many bear the label as ``bearers``."""
    return LabelRule.objects.annotate(bearers=Count("labels", filter=Q(labels__validity__endswith=None)))


def rules_in_use(_request: Any = None) -> QuerySet[LabelRule]:
    """Return the labels that somebody may bear now."""
    return LabelRule.objects.filter(state=LabelRuleState.IN_FORCE).order_by("name")


def present_labels() -> "Prefetch[Any, Any, Any]":
    """Return what fetches elders' present labels at once, as ``present_labels``."""
    return Prefetch("labels", Label.objects.filter(in_force(today())).select_related("rule"), to_attr="present_labels")


def labels_of(elder: Elder) -> list[Label]:
    """Return the labels an elder bears today."""
    found: list[Label] | None = getattr(elder, "present_labels", None)
    if found is None:
        found = list(elder.labels.filter(in_force(today())).select_related("rule").order_by("rule__name"))
        elder.present_labels = found
    return found


def label_filter(path: str = "pk") -> django_filters.ModelChoiceFilter:
    """Return a filter of a list by the label that the elder at ``path`` bears today."""

    def narrow(rows: QuerySet[Any], _name: str, rule: LabelRule | None) -> QuerySet[Any]:
        if rule is None:
            return rows
        bearing = within_scope(Label.objects.filter(rule=rule, validity__endswith=None, elder=OuterRef(path)))
        return rows.filter(Exists(bearing))

    return django_filters.ModelChoiceFilter(label="标签", queryset=rules_in_use, method=narrow, empty_label="全部")


@dataclass(frozen=True)
class Trial:
    """What a condition would find: how many, in which divisions, and some of them with their facts."""

    count: int
    of: int
    by_area: list[tuple[str, int]]
    sample: list[tuple[Elder, dict[str, str]]]


def trial(rule: LabelRule) -> Trial:
    """Return what a rule's condition would find in its area today; names only within the reader's scope."""
    import json

    import polars as pl

    with use(Scope.system()):
        frame = facts_frame(rule.area, today())
    found = facts.holders(frame, facts.read(rule.condition))
    below = list(Area.objects.filter(parent=rule.area).order_by("code")) or [rule.area]
    counts = [
        (area.name, found.filter((pl.col("居住区划") >= area.code) & (pl.col("居住区划") < area.upper)).height)
        for area in below
    ]
    some = dict(found.select("elder_id", "said").head(SAMPLE * 5).iter_rows())
    elders = Elder.objects.filter(pk__in=list(some)).select_related("area").order_by("area_id", "name_pinyin")[:SAMPLE]
    sample = [(elder, json.loads(some[str(elder.pk)])) for elder in elders]
    return Trial(found.height, frame.height, [each for each in counts if each[1]], sample)
