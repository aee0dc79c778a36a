"""Labels: rules over the facts of elders, and who bears which label since when and why."""

from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from songhe.core.areas.models import Area
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import HERE_OR_ABOVE, RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.elders.flow import LabelRuleFlow, LabelRuleState
from songhe.registers.elders.models.people import Elder


class Tone(models.TextChoices):
    BLUE = "blue", "蓝"
    GREEN = "green", "绿"
    YELLOW = "yellow", "黄"
    ORANGE = "orange", "橙"
    RED = "red", "红"
    PURPLE = "purple", "紫"


@pghistory.track()
class LabelRule(LabelRuleFlow, Record):
    """A FEEL condition over an elder's facts, for the people of one area; also read below it."""

    State, Tone = LabelRuleState, Tone
    state_tones: ClassVar = {"draft": "secondary", "in_force": "green", "retired": "secondary"}
    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE, hidden_from=("provider", "person"))

    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="适用区划")
    name = models.CharField("标签", max_length=20)
    condition = models.TextField("条件", max_length=1000)
    why = models.CharField("用途", max_length=200)
    tone = models.CharField("颜色", max_length=10, choices=Tone.choices, default=Tone.BLUE)
    computed_on = models.DateField("最近计算", null=True, blank=True, editable=False)

    class Meta(Record.Meta):
        verbose_name = "标签规则"
        verbose_name_plural = "标签规则"
        ordering = ["name"]
        constraints = [
            state_check(LabelRuleState, name="label_rule_state_known"),
            state_check(Tone, name="label_rule_tone_known", field="tone"),
            models.UniqueConstraint(
                fields=["area", "name"],
                condition=~Q(state="retired"),
                name="label_rule_once",
                violation_error_message="已有同名的标签。",
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(condition="") & ~Q(why=""), name="label_rule_says_what"),
        ]

    def __str__(self) -> str:
        return self.name


class Label(Record):
    """That an elder bears a label while ``validity`` lasts; ``facts`` are those by which, as they are read.

    Made and ended by the rule alone, so a history of its own would say nothing that ``validity`` does not.
    """

    row_scope: ClassVar = RowScope(area="area", hidden_from=("provider", "person"), writers=())
    goes_with_elder: ClassVar = True

    rule = models.ForeignKey(LabelRule, models.PROTECT, related_name="labels", verbose_name="标签")
    elder = models.ForeignKey(Elder, models.CASCADE, related_name="labels", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    facts = models.JSONField("依据", default=dict)
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "标签"
        verbose_name_plural = "标签"
        ordering = ["-validity"]
        indexes = [
            models.Index(fields=["rule", "area", "elder"], condition=Q(validity__endswith=None), name="label_in_force"),
            models.Index(fields=["elder"], name="label_of_elder"),
        ]
        constraints = [
            has_days("label_has_days"),
            no_overlap("label_once_at_a_time", "elder", "rule", message="老人在此期间已有这一标签。"),
        ]

    def __str__(self) -> str:
        return str(self.rule)

    @property
    def because(self) -> str:
        """The facts by which the rule speaks of the elder."""
        return "；".join(f"{name}：{value}" for name, value in self.facts.items())

    because.fget.short_description = "依据"  # type: ignore[attr-defined]
