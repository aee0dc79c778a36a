"""Rolls that other offices hand in: from whom, what was read, what was written, and who stands on which."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.crypto.fields import SealedField
from songhe.core.ids import uuid7
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.elders.models.people import DifficultyKind, Elder


class Verdict(models.TextChoices):
    UNJUDGED = "", "未核对"
    NEW = "new", "新增"
    CHANGED = "changed", "有变化"
    SAME = "same", "无变化"
    CONFLICT = "conflict", "待裁决"
    WRONG = "wrong", "有问题"
    ABSENT = "absent", "不在档案"
    LEFT = "left", "不导入"


class Office(models.TextChoices):
    """Whose roll it is."""

    CIVIL_AFFAIRS = "civil_affairs", "民政"
    HUMAN_RESOURCES = "human_resources", "人力资源社会保障"
    HEALTH = "health", "卫生健康"
    DISABLED = "disabled", "残联"
    MEDICAL_INSURANCE = "medical_insurance", "医疗保障"
    POLICE = "police", "公安"
    VETERANS = "veterans", "退役军人事务"
    REGION = "region", "外地区"
    OTHER = "other", "其他"


class Subject(models.TextChoices):
    """What a roll says of those on it."""

    POPULATION = "population", "人口名册"
    DIFFICULTY = "difficulty", "困难认定名册"
    BENEFIT = "benefit", "待遇发放名册"
    DEATH = "death", "死亡名册"


class Cadence(models.TextChoices):
    """How often a roll is to come."""

    MONTHLY = "monthly", "每月"
    QUARTERLY = "quarterly", "每季"
    YEARLY = "yearly", "每年"
    ADHOC = "adhoc", "不定期"


class Rule(models.TextChoices):
    """Who is right where a roll and the register differ."""

    TAKE = "take", "以名册为准"
    FILL = "fill", "只补空缺"
    ASK = "ask", "逐条裁决"
    KEEP = "keep", "以档案为准"


@pghistory.track()
class ImportSource(Record):
    """An office whose rolls are imported: what they say, when they come, who answers for them, and who is right.

    ``mapping`` is which of its columns was told to be what, by folded heading; ``rules`` is a ``Rule`` by field, TAKE
    where it is silent. ``kinds`` are the kinds of difficulty that standing on the roll attests. A roll that
    ``is_whole`` names everybody each time, so who is missing has vanished. A ``BENEFIT`` roll should name everybody
    ``from_age``.
    """

    row_scope: ClassVar = RowScope(area="area")

    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属区划")
    name = models.CharField("名册来源", max_length=60)
    office = models.CharField("部门", max_length=20, choices=Office.choices, default=Office.OTHER)
    subject = models.CharField("名册性质", max_length=20, choices=Subject.choices, default=Subject.POPULATION)
    kinds = ArrayField(
        models.CharField(max_length=30, choices=DifficultyKind.choices),
        verbose_name="认定的困难类别",
        default=list,
        blank=True,
    )
    cadence = models.CharField("报送周期", max_length=10, choices=Cadence.choices, default=Cadence.ADHOC)
    is_whole = models.BooleanField("全量名册", default=False, help_text="每次都列出全部人员，未列出的视为消失")
    adds_people = models.BooleanField("可新增档案", default=True, help_text="名册上的人不在档案时，是否新建档案")
    from_age = models.PositiveSmallIntegerField(
        "应覆盖年龄", null=True, blank=True, help_text="待遇名册应覆盖的起始周岁，如高龄津贴 80"
    )
    responsible = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="本方负责人"
    )
    contact = models.CharField("对方联系人", max_length=100, blank=True)
    rules = models.JSONField("裁决规则", default=dict, blank=True)
    mapping = models.JSONField("列对应关系", default=dict, blank=True)

    class Meta(Record.Meta):
        verbose_name = "名册来源"
        verbose_name_plural = "名册来源"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["area", "name"], name="import_source_once", violation_error_message="已有同名的名册来源。"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="import_source_named"),
            models.CheckConstraint(condition=Q(office__in=Office.values), name="import_source_office_known"),
            models.CheckConstraint(condition=Q(subject__in=Subject.values), name="import_source_subject_known"),
            models.CheckConstraint(condition=Q(cadence__in=Cadence.values), name="import_source_cadence_known"),
            models.CheckConstraint(
                condition=~Q(subject="death") | Q(adds_people=False),
                name="import_source_dead_not_added",
                violation_error_message="死亡名册不能新增档案。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class ImportBatch(Record):
    """One roll handed in: its head, which column is what, and when it was looked over, applied and undone.

    ``area`` is the importer's own; ``default_area`` takes rows that name no community. Whether a job is at work on it
    is written on the job (``job_id``) alone.
    """

    row_scope: ClassVar = RowScope(area="area")

    source = models.ForeignKey(ImportSource, models.PROTECT, related_name="batches", verbose_name="名册来源")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所属区划")
    default_area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="默认社区"
    )
    as_of = models.DateField("名册日期", default=today, help_text="名册内容截至哪一天")
    file_name = models.CharField("文件名", max_length=200)
    digest = models.CharField("文件摘要", max_length=64, help_text="SHA-256")
    sheet = models.CharField("工作表", max_length=100, blank=True)
    head = models.JSONField("表头")
    mapping = models.JSONField("列对应关系", default=dict, blank=True)
    rows_read = models.PositiveIntegerField("行数", default=0)
    rows_skipped = models.PositiveIntegerField("跳过的行", default=0, help_text="空行、合计行和重复的表头")
    uploaded_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="上传人"
    )
    job_id = models.BigIntegerField("后台任务", null=True, editable=False)
    refusal = models.CharField("上次未能完成的原因", max_length=300, blank=True, editable=False)
    previewed_at = models.DateTimeField("核对时间", null=True, editable=False)
    applied_at = models.DateTimeField("导入时间", null=True, editable=False)
    applied_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="导入人")
    undone_at = models.DateTimeField("撤销时间", null=True, editable=False)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="撤销人")
    purged_on = models.DateField("明细清除日期", null=True, editable=False)

    class Meta(Record.Meta):
        verbose_name = "名册导入"
        verbose_name_plural = "名册导入"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["area", "-id"], name="import_batch_by_area"),
            models.Index(fields=["digest"], name="import_batch_by_digest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(applied_at__isnull=True) | Q(previewed_at__isnull=False), name="import_looked_over_first"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(applied_at__isnull=False), name="import_applied_before_undone"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name}（{self.rows_read} 行）"


class ImportPart(models.Model):
    """Some lines of a roll, ``first`` to ``last``, as they came and as they were read, sealed together.

    ``cells`` and ``values`` are sealed JSON by line number; ``values`` holds those lines that may be written to the
    register. Not in the journal: it says nothing that the roll did not.
    """

    row_scope: ClassVar = RowScope(via="batch", deleters=("area",))

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="parts", verbose_name="批次", db_index=False)
    first = models.PositiveIntegerField("首行")
    last = models.PositiveIntegerField("末行")
    cells = SealedField("原内容")
    values = SealedField("读出的内容")

    class Meta:
        verbose_name = "名册原文"
        verbose_name_plural = "名册原文"
        ordering = ["first"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "first"], name="import_part_once"),
            models.CheckConstraint(condition=Q(first__lte=models.F("last")), name="import_part_in_order"),
        ]

    def __str__(self) -> str:
        return f"第 {self.first} 至 {self.last} 行"


class ImportRow(models.Model):
    """One line of a roll that was looked over: what is wrong with it, and what applying it changed.

    ``values`` (what was read, where somebody decided on the line; else its part has it) and ``before`` are sealed
    JSON; ``made`` lists the rows that applying it created. Not in the journal: the elders' own records are.
    """

    row_scope: ClassVar = RowScope(via="batch", deleters=("area",))

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    batch = models.ForeignKey(ImportBatch, models.CASCADE, related_name="rows", verbose_name="批次")
    number = models.PositiveIntegerField("行号", help_text="在表格中的行号，从 1 起")
    cells = SealedField("原内容")
    values = SealedField("读出的内容")
    before = SealedField("导入前的内容")
    number_index = models.BinaryField("证件号索引", null=True, editable=False)
    name = models.CharField("姓名", max_length=60, blank=True)
    verdict = models.CharField("核对结果", max_length=10, choices=Verdict.choices, blank=True, default=Verdict.UNJUDGED)
    said_on = models.DateField("名册所载日期", null=True, help_text="死亡名册上的死亡日期")
    asks = models.JSONField("待裁决的项目", default=list, blank=True)
    candidates = models.JSONField("可能是同一人的档案", default=list, blank=True)
    answers = models.JSONField("裁决", default=dict, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="裁决人")
    errors = models.JSONField("问题", default=list, blank=True)
    notes = models.JSONField("提示", default=list, blank=True)
    changes = models.JSONField("变化的项目", default=list, blank=True)
    elder_id = models.UUIDField("老年人", null=True)
    elder_version = models.PositiveIntegerField("版本", null=True, help_text="核对或导入时老年人记录的版本")
    made = models.JSONField("导入时新建的记录", default=dict, blank=True)
    applied = models.BooleanField("已导入", default=False)
    undone = models.BooleanField("已撤销", default=False)

    class Meta:
        verbose_name = "名册行"
        verbose_name_plural = "名册行"
        ordering = ["number"]
        indexes = [models.Index(fields=["batch", "verdict", "number"], name="import_row_by_verdict")]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_row_once"),
            models.CheckConstraint(
                condition=Q(verdict__in=["", "new", "changed", "same", "conflict", "wrong", "absent", "left"]),
                name="import_row_verdict_known",
            ),
        ]

    def __str__(self) -> str:
        return f"第 {self.number} 行"


class RollEntry(models.Model):
    """That an elder stands on a source's whole roll, from the roll that first names them until one no longer does.

    Not in the journal: the rolls that opened and closed it are named, and are.
    """

    row_scope: ClassVar = RowScope(area="area", elder="elder", deleters=("area",))

    id = models.UUIDField("编号", primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(ImportSource, models.PROTECT, related_name="entries", verbose_name="名册来源")
    elder = models.ForeignKey(Elder, models.CASCADE, related_name="roll_entries", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区", db_index=False)
    validity = validity_field("在册期间")
    said_on = models.DateField("名册所载日期", null=True)
    opened_by = models.ForeignKey(ImportBatch, models.PROTECT, related_name="opened", verbose_name="首次列入")
    closed_by = models.ForeignKey(
        ImportBatch, models.PROTECT, null=True, related_name="closed", verbose_name="不再列入"
    )

    class Meta:
        verbose_name = "在册记录"
        verbose_name_plural = "在册记录"
        ordering = ["-validity"]
        indexes = [models.Index(fields=["source", "elder"], condition=Q(closed_by=None), name="roll_entry_open")]
        constraints = [
            has_days("roll_entry_has_days"),
            no_overlap("roll_entry_once_at_a_time", "source", "elder", message="该老人在此期间已在这份名册上。"),
        ]

    def __str__(self) -> str:
        return f"{self.source}"
