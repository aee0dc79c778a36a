"""An elder's ability, assessed by a scale that is a file."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.files.models import StoredFile
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.registers.elders.models import AbilityLevel, Elder
from songhe.registers.exchange.models import Partner
from songhe.rights.assessment.flow import AssessmentFlow, AssessmentState


@pghistory.track()
class Assessment(Record, AssessmentFlow):
    """One assessment of one elder, from application to publication.

    ``answers`` maps item codes to scores, ``circumstances`` holds diagnoses, care-risk events and coma,
    ``result`` is what the scale made of them, kept as it was explained on the day.
    """

    row_scope: ClassVar = RowScope(area="area", elder="elder", writers=("area",), reporters=("person",))

    class Reason(models.TextChoices):
        FIRST = "first", "首次评估"
        REGULAR = "regular", "常规评估"
        IMMEDIATE = "immediate", "即时评估"
        REVIEW = "review", "因对评估结果有疑问进行的复评"
        OTHER = "other", "其他"

    number = models.CharField("评估编号", max_length=24, unique=True)
    elder = models.ForeignKey(Elder, models.PROTECT, related_name="assessments", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    scale = models.CharField("评估量表", max_length=40)
    reason = models.CharField("评估原因", max_length=10, choices=Reason.choices)
    applied_on = models.DateField("申请日期")
    applicant = models.CharField("申请人", max_length=60)
    assessor_1 = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="主评估员"
    )
    assessor_2 = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="副评估员"
    )
    planned_at = models.DateTimeField("约定时间", null=True, blank=True)
    assessed_at = models.DateTimeField("评估时间", null=True, blank=True)
    informant = models.CharField("信息提供者", max_length=60, blank=True)
    informant_relation = models.CharField("与老年人关系", max_length=20, blank=True)
    answers = models.JSONField("评估项目得分", default=dict, blank=True)
    circumstances = models.JSONField("疾病与照护风险", default=dict, blank=True)
    result = models.JSONField("评估结果", default=dict, blank=True)
    total = models.PositiveSmallIntegerField("总分", null=True, blank=True)
    preliminary_level = models.PositiveSmallIntegerField("初步等级", null=True, blank=True)
    level = models.PositiveSmallIntegerField("最终等级", null=True, blank=True)
    signature_1 = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    signature_2 = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    signature_informant = models.ForeignKey(StoredFile, models.PROTECT, null=True, blank=True, related_name="+")
    published_on = models.DateField("公示日期", null=True, blank=True)
    validity = DateRangeField("有效期", null=True, blank=True)
    objection = models.TextField("异议内容", blank=True)
    review_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="reviews", verbose_name="复评自"
    )

    class Meta(Record.Meta):
        verbose_name = "能力评估"
        verbose_name_plural = "能力评估"
        indexes = [
            models.Index(fields=["area", "state"]),
            models.Index(fields=["elder", "-applied_on"]),
            models.Index(fields=["assessor_1", "state"]),
        ]
        constraints = [
            state_check(AssessmentState, name="assessment_state_known"),
            models.CheckConstraint(
                condition=Q(assessor_1__isnull=True) | Q(assessor_2__isnull=True) | ~Q(assessor_1=F("assessor_2")),
                name="assessment_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state=AssessmentState.PUBLISHED)
                | Q(level__isnull=False, validity__isnull=False, published_on__isnull=False),
                name="assessment_published_is_complete",
            ),
            models.UniqueConstraint(
                fields=["elder", "scale"],
                condition=Q(
                    state__in=[
                        AssessmentState.APPLIED,
                        AssessmentState.ASSIGNED,
                        AssessmentState.ASSESSED,
                        AssessmentState.REVIEWED,
                    ]
                ),
                name="assessment_one_open_an_elder",
            ),
            ExclusionConstraint(
                name="assessment_one_in_force",
                expressions=[
                    ("elder", RangeOperators.EQUAL),
                    ("scale", RangeOperators.EQUAL),
                    ("validity", RangeOperators.OVERLAPS),
                ],
                condition=Q(state=AssessmentState.PUBLISHED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}"

    @property
    def level_name(self) -> str:
        """The final level as the scale names it."""
        return str(self.result.get("level_name", ""))

    level_name.fget.short_description = "等级"  # type: ignore[attr-defined]


@pghistory.track()
class Recognition(Record):
    """A partner region's assessment of an elder that counts here too, by an agreement, while ``validity`` lasts."""

    row_scope: ClassVar = RowScope(area="area", elder="elder", writers=("area",))

    elder = models.ForeignKey(Elder, models.PROTECT, related_name="recognitions", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属社区")
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="+", verbose_name="评估地区")
    scale = models.CharField("评估量表", max_length=40)
    number = models.CharField("对方评估编号", max_length=60)
    level = models.PositiveSmallIntegerField("等级", choices=AbilityLevel.choices)
    assessed_on = models.DateField("评估日期")
    validity = DateRangeField("互认有效期")
    paper = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="评估报告"
    )
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="经办人")

    class Meta(Record.Meta):
        verbose_name = "互认评估"
        verbose_name_plural = "互认评估"
        ordering = ["-id"]
        indexes = [models.Index(fields=["area"], name="recognition_by_area")]
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "number"],
                name="recognition_once",
                violation_error_message="这份评估已经互认过。",
            ),
            models.CheckConstraint(condition=Q(level__range=(0, 4)), name="recognition_level_known"),
            models.CheckConstraint(condition=~Q(number=""), name="recognition_has_number"),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.number}"
