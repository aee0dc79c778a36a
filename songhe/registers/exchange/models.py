"""What comparing rolls brings to light, and which rolls nobody can be on at once."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.files.models import StoredFile
from songhe.core.flow.models import state_check
from songhe.core.records import AppendOnly, Record
from songhe.core.scope.roles import HERE_OR_ABOVE, RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.elders.models import Elder, ImportBatch, ImportSource
from songhe.registers.exchange.flow import DuplicateFlow, DuplicateState, FindingFlow, FindingState


class FindingKind(models.TextChoices):
    VANISHED = "vanished", "从名册消失"
    DEAD = "dead", "死亡名册上仍在册"
    EXCLUSIVE = "exclusive", "互斥名册并存"
    UNCOVERED = "uncovered", "到龄未享受"


class Outcome(models.TextChoices):
    DIED = "died", "已去世"
    MOVED_AWAY = "moved_away", "已迁出本地"
    ENDED = "ended", "不再符合条件，终止认定"
    REMAINS = "remains", "情况未变，名册有误"
    APPLIED = "applied", "已协助申请"
    NOT_DUE = "not_due", "不应享受"


OUTCOMES: dict[str, tuple[Outcome, ...]] = {
    FindingKind.VANISHED: (Outcome.DIED, Outcome.MOVED_AWAY, Outcome.ENDED, Outcome.REMAINS),
    FindingKind.DEAD: (Outcome.DIED, Outcome.REMAINS),
    FindingKind.EXCLUSIVE: (Outcome.ENDED, Outcome.DIED, Outcome.MOVED_AWAY, Outcome.REMAINS),
    FindingKind.UNCOVERED: (Outcome.APPLIED, Outcome.NOT_DUE, Outcome.DIED, Outcome.MOVED_AWAY),
}


@pghistory.track()
class Finding(FindingFlow, Record):
    """Something about an elder that rolls say and a person must look into: on which roll, against which other."""

    Kind, State = FindingKind, FindingState
    state_tones: ClassVar = {"open": "orange", "settled": "green", "cleared": "secondary"}

    row_scope: ClassVar = RowScope(area="area", deleters=())

    kind = models.CharField("问题", max_length=20, choices=FindingKind.choices)
    elder = models.ForeignKey(Elder, models.CASCADE, related_name="findings", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    source = models.ForeignKey(ImportSource, models.PROTECT, related_name="findings", verbose_name="名册")
    other = models.ForeignKey(
        ImportSource, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="与之互斥的名册"
    )
    batch = models.ForeignKey(
        ImportBatch, models.PROTECT, null=True, blank=True, related_name="findings", verbose_name="由哪次导入发现"
    )
    found_on = models.DateField("发现日期", default=today)
    said_on = models.DateField("名册所载日期", null=True, blank=True)
    detail = models.CharField("说明", max_length=300, blank=True)
    outcome = models.CharField("核查结果", max_length=20, choices=Outcome.choices, blank=True)
    settled_on = models.DateField("办结日期", null=True, blank=True)
    note = models.CharField("核查说明", max_length=500, blank=True)

    class Meta(Record.Meta):
        verbose_name = "名册核查"
        verbose_name_plural = "名册核查"
        ordering = ["-found_on", "-id"]
        indexes = [
            models.Index(fields=["kind", "state", "area"], name="finding_by_kind"),
            models.Index(fields=["area", "-found_on"], name="finding_by_area"),
        ]
        constraints = [
            state_check(FindingState, name="finding_state_known"),
            models.CheckConstraint(condition=Q(kind__in=FindingKind.values), name="finding_kind_known"),
            models.CheckConstraint(
                condition=~Q(state="settled") | (~Q(outcome="") & Q(settled_on__isnull=False)),
                name="finding_settled_says_how",
            ),
            models.CheckConstraint(
                condition=~Q(kind="exclusive") | Q(other__isnull=False), name="finding_exclusive_names_both"
            ),
            models.UniqueConstraint(
                fields=["elder", "kind", "source", "other"],
                condition=Q(state="open"),
                nulls_distinct=False,
                name="finding_open_once",
                violation_error_message="这一问题已在核查中。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.elder}：{self.get_kind_display()}"


class Exclusion(models.Model):
    """Two things rolls say that cannot both be true of one person at once.

    Each is a kind of difficulty, or ``death`` or ``benefit``. From the pack, with the document it rests on and how sure
    that is.
    """

    row_scope: ClassVar = RowScope(shared=True, writers=())

    one = models.CharField("一方", max_length=30)
    other = models.CharField("另一方", max_length=30)
    why = models.CharField("理由", max_length=200)
    document = models.CharField("依据", max_length=200, blank=True)
    mark = models.CharField("核实程度", max_length=20)

    class Meta:
        verbose_name = "互斥规则"
        verbose_name_plural = "互斥规则"
        ordering = ["one", "other"]
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="exclusion_once"),
            models.CheckConstraint(condition=Q(one__lt=models.F("other")), name="exclusion_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.one} / {self.other}"


@pghistory.track()
class Duplicate(DuplicateFlow, Record):
    """Two records that are likely of one person, and why; ``first`` is the older one."""

    State = DuplicateState
    state_tones: ClassVar = {"open": "orange", "merged": "green", "apart": "secondary"}

    row_scope: ClassVar = RowScope(area="area", deleters=())
    # Weighed of the two records alone; with one of them gone there is nothing to compare.
    goes_with_elder: ClassVar = True

    first = models.ForeignKey(Elder, models.CASCADE, related_name="+", verbose_name="档案一")
    second = models.ForeignKey(Elder, models.CASCADE, related_name="+", verbose_name="档案二")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属区划")
    chance = models.FloatField("相符程度", help_text="0 至 1")
    reasons = models.CharField("理由", max_length=200)
    found_on = models.DateField("发现日期", default=today)

    class Meta(Record.Meta):
        verbose_name = "疑似重复档案"
        verbose_name_plural = "疑似重复档案"
        ordering = ["-chance", "id"]
        indexes = [models.Index(fields=["state", "area"], name="duplicate_by_state")]
        constraints = [
            state_check(DuplicateState, name="duplicate_state_known"),
            models.CheckConstraint(condition=Q(first__lt=models.F("second")), name="duplicate_in_order"),
            models.CheckConstraint(condition=Q(chance__range=(0, 1)), name="duplicate_chance_known"),
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_once"),
        ]

    def __str__(self) -> str:
        return f"{self.first} / {self.second}"


class HandoutSubject(models.TextChoices):
    ELDERS = "elders", "老年人档案"
    DIFFICULTIES = "difficulties", "困难类别认定"
    LEVELS = "levels", "能力等级"


@pghistory.track()
class Partner(Record):
    """Another region with whom data and assessments are exchanged, by which agreement, while ``validity`` lasts."""

    row_scope: ClassVar = RowScope(area="area", area_sql=HERE_OR_ABOVE, hidden_from=("provider", "person"))

    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="本方区划")
    name = models.CharField("对方地区", max_length=60)
    agreement = models.CharField("协议", max_length=200)
    paper = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="协议扫描件"
    )
    validity = validity_field("协议期")
    recognises = models.BooleanField("互认评估结果", default=True)
    scales = ArrayField(models.CharField(max_length=40), verbose_name="互认的评估标准", default=list, blank=True)
    subjects = ArrayField(
        models.CharField(max_length=20, choices=HandoutSubject.choices),
        verbose_name="可提供的数据",
        default=list,
        blank=True,
    )
    contact = models.CharField("对方联系人", max_length=100, blank=True)

    class Meta(Record.Meta):
        verbose_name = "协作地区"
        verbose_name_plural = "协作地区"
        ordering = ["name"]
        constraints = [
            has_days("partner_has_days"),
            no_overlap("partner_once_at_a_time", "area", "name", message="与该地区在此期间已有协议。"),
        ]

    def __str__(self) -> str:
        return self.name


class Handout(AppendOnly):
    """Data that were given to another region: which, of whom, how many, in what form, by whom and why."""

    Subject = HandoutSubject

    class Form(models.TextChoices):
        XLSX = "xlsx", "xlsx"
        CSV = "csv", "csv"
        API = "api", "接口"

    row_scope: ClassVar = RowScope(area="area", writers=(), append_only=True, hidden_from=("provider", "person"))

    partner = models.ForeignKey(Partner, models.PROTECT, related_name="handouts", verbose_name="协作地区")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="数据范围")
    subject = models.CharField("数据", max_length=20, choices=HandoutSubject.choices)
    columns = ArrayField(models.CharField(max_length=40), verbose_name="项目")
    rows = models.PositiveIntegerField("条数")
    form = models.CharField("形式", max_length=10, choices=Form.choices)
    digest = models.CharField("文件摘要", max_length=64, help_text="SHA-256")
    reason = models.CharField("用途", max_length=300)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name="提供人")

    class Meta(AppendOnly.Meta):
        verbose_name = "对外提供登记"
        verbose_name_plural = "对外提供登记"
        ordering = ["-line"]
        indexes = [models.Index(fields=["partner"], name="handout_to_partner")]
        constraints = [
            state_check(HandoutSubject, name="handout_subject_known", field="subject"),
            models.CheckConstraint(condition=~Q(reason=""), name="handout_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.partner} {self.get_subject_display()}"
