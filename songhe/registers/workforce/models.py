"""The people who go out to elders: what they can do, when they work, and where they start from."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.crypto.fields import SealedField
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.providers.models import Provider


@pghistory.track()
class Skill(Record):
    """Something a service may ask of a carer; the lists come from packs and grow with them."""

    row_scope: ClassVar = RowScope(shared=True)

    code = models.CharField("代码", max_length=30)
    name = models.CharField("名称", max_length=60)
    needs_certificate = models.BooleanField("须持证", default=False)

    class Meta(Record.Meta):
        verbose_name = "技能"
        verbose_name_plural = "技能"
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code"], name="skill_once", violation_error_message="已有此代码的技能。")
        ]

    def __str__(self) -> str:
        return self.name


# Who visits a street's elders may set out from the next one; the street's office must still read who came.
SERVES_HERE = (
    "({area} OR EXISTS (SELECT 1 FROM (SELECT provider_id) employer(id) "
    "JOIN providers_providerarea served ON served.provider_id = employer.id "
    "JOIN areas_area there ON there.code = served.area_id WHERE there.code < {hi} AND there.upper > {lo}))"
)


@pghistory.track()
class Staff(Record):
    """A person's employment with one provider; ``area`` is where they set out from.

    Staff of a division see whoever sets out there and the people of the providers that serve there.
    """

    row_scope: ClassVar = RowScope(area="area", provider="provider", area_sql=SERVES_HERE, writers=("area", "provider"))

    class Sex(models.TextChoices):
        MALE = "male", "男"
        FEMALE = "female", "女"

    class State(models.TextChoices):
        ACTIVE = "active", "在岗"
        PAUSED = "paused", "停岗"
        LEFT = "left", "离职"

    class Transport(models.TextChoices):
        WALK = "walk", "步行"
        BICYCLE = "bicycle", "自行车"
        EBIKE = "ebike", "电动车"
        BUS = "bus", "公交"
        CAR = "car", "汽车"

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="staff", verbose_name="服务商")
    area = models.ForeignKey(Area, models.PROTECT, verbose_name="驻点区划")
    name = models.CharField("姓名", max_length=60)
    sex = models.CharField("性别", max_length=10, choices=Sex.choices)
    id_number = SealedField("身份证号", mask=(4, 4), index="id_number_index")
    id_number_index = models.BinaryField(null=True, editable=False)
    phone = SealedField("手机", mask=(3, 4), index="phone_index")
    phone_index = models.BinaryField(null=True, editable=False, db_index=True)
    dialect = models.CharField("方言", max_length=60, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ACTIVE)
    transport = models.CharField("出行方式", max_length=10, choices=Transport.choices, default=Transport.EBIKE)
    latitude = models.FloatField("出发点纬度", null=True, blank=True, help_text="WGS-84")
    longitude = models.FloatField("出发点经度", null=True, blank=True, help_text="WGS-84")
    joined_on = models.DateField("入职日期", null=True, blank=True)

    state_tones: ClassVar = {"active": "green", "paused": "orange", "left": "secondary"}

    class Meta(Record.Meta):
        verbose_name = "从业人员"
        verbose_name_plural = "从业人员"
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["area", "state"], name="staff_by_area")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "id_number_index"],
                condition=~Q(state="left"),
                name="staff_once_with_a_provider",
                violation_error_message="此身份证号已登记为本服务商的在册人员。",
            ),
            models.CheckConstraint(condition=Q(sex__in=["male", "female"]), name="staff_sex_known"),
            models.CheckConstraint(condition=Q(state__in=["active", "paused", "left"]), name="staff_state_known"),
            models.CheckConstraint(
                condition=Q(transport__in=["walk", "bicycle", "ebike", "bus", "car"]), name="staff_transport_known"
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    # A comparison with nothing is not false but unknown, and a CHECK lets that pass.
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
                name="staff_place_whole",
                violation_error_message="经纬度须同时填写，且在有效范围内。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def skill_names(self) -> list[str]:
        """The skills the person has today, by name."""
        day = today()
        return [held.skill.name for held in self.skills.all() if day in held.validity]


@pghistory.track()
class Certificate(Record):
    """A certificate a person holds: a grade of 养老护理员 (levels five, the lowest, to one) or another."""

    row_scope: ClassVar = RowScope(via="staff", writers=("area", "provider"))

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="certificates", verbose_name="人员")
    name = models.CharField("证书名称", max_length=60)
    level = models.PositiveSmallIntegerField("等级", null=True, blank=True, help_text="五级为初级工，一级为高级技师")
    number = models.CharField("证书编号", max_length=60)
    issuer = models.CharField("发证单位", max_length=100, blank=True)
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "职业证书"
        verbose_name_plural = "职业证书"
        ordering = ["name", "level"]
        constraints = [
            has_days("certificate_has_days"),
            models.CheckConstraint(
                condition=Q(level__isnull=True) | Q(level__range=(1, 5)), name="certificate_level_1_to_5"
            ),
            no_overlap("certificate_once_at_a_time", "staff", "name", "number", message="此证书在此期间已登记过。"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


@pghistory.track()
class StaffSkill(Record):
    """A skill a person has while ``validity`` lasts, proved by a certificate where the skill needs one."""

    row_scope: ClassVar = RowScope(via="staff", writers=("area", "provider"))

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="skills", verbose_name="人员")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="holders", verbose_name="技能")
    certificate = models.ForeignKey(
        Certificate, models.PROTECT, null=True, blank=True, related_name="skills", verbose_name="凭证"
    )
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "人员技能"
        verbose_name_plural = "人员技能"
        ordering = ["skill", "validity"]
        constraints = [
            has_days("staff_skill_has_days"),
            no_overlap("staff_skill_once_at_a_time", "staff", "skill", message="此人在此期间已登记过这项技能。"),
        ]

    def __str__(self) -> str:
        return str(self.skill)


@pghistory.track()
class Shift(Record):
    """A stretch of time in which a person is on duty."""

    row_scope: ClassVar = RowScope(via="staff", writers=("area", "provider"), deleters=("area", "provider"))

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="shifts", verbose_name="人员")
    during = DateTimeRangeField("时段")

    class Meta(Record.Meta):
        verbose_name = "班次"
        verbose_name_plural = "班次"
        ordering = ["during"]
        constraints = [
            models.CheckConstraint(
                condition=Q(during__isempty=False, during__startswith__isnull=False, during__endswith__isnull=False),
                name="shift_begins_and_ends",
                violation_error_message="下班时间须晚于上班时间。",
            ),
            no_overlap("shift_no_overlap", "staff", during="during", message="此人在这段时间已排班。"),
        ]

    def __str__(self) -> str:
        begins, ends = timezone.localtime(self.during.lower), timezone.localtime(self.during.upper)
        return f"{begins:%Y-%m-%d %H:%M}–{ends:%H:%M}"


@pghistory.track()
class Absence(Record):
    """A stretch of time in which a person does not work, whatever the roster says."""

    row_scope: ClassVar = RowScope(via="staff", writers=("area", "provider"), deleters=("area", "provider"))

    class Reason(models.TextChoices):
        LEAVE = "leave", "事假"
        SICK = "sick", "病假"
        HOLIDAY = "holiday", "年休假"
        TRAINING = "training", "培训"
        OTHER = "other", "其他"

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="absences", verbose_name="人员")
    during = DateTimeRangeField("时段")
    reason = models.CharField("事由", max_length=10, choices=Reason.choices)

    class Meta(Record.Meta):
        verbose_name = "缺勤"
        verbose_name_plural = "缺勤"
        ordering = ["during"]
        constraints = [
            models.CheckConstraint(
                condition=Q(during__isempty=False, during__startswith__isnull=False, during__endswith__isnull=False),
                name="absence_begins_and_ends",
                violation_error_message="结束时间须晚于开始时间。",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["leave", "sick", "holiday", "training", "other"]), name="absence_reason_known"
            ),
            no_overlap("absence_no_overlap", "staff", during="during", message="此人在这段时间已登记缺勤。"),
        ]

    def __str__(self) -> str:
        begins, ends = timezone.localtime(self.during.lower), timezone.localtime(self.during.upper)
        return f"{begins:%Y-%m-%d %H:%M}–{ends:%H:%M}"


@pghistory.track()
class Training(Record):
    """A training a person attended, with its hours and result."""

    row_scope: ClassVar = RowScope(via="staff", writers=("area", "provider"))

    staff = models.ForeignKey(Staff, models.CASCADE, related_name="trainings", verbose_name="人员")
    topic = models.CharField("培训内容", max_length=100)
    held_on = models.DateField("培训日期")
    hours = models.DecimalField("学时", max_digits=5, decimal_places=1)
    organiser = models.CharField("举办单位", max_length=100, blank=True)
    passed = models.BooleanField("合格", null=True, blank=True)

    class Meta(Record.Meta):
        verbose_name = "培训记录"
        verbose_name_plural = "培训记录"
        ordering = ["-held_on"]
        constraints = [
            models.CheckConstraint(condition=Q(hours__gt=0), name="training_has_hours"),
            models.UniqueConstraint(
                fields=["staff", "topic", "held_on"],
                name="training_once",
                violation_error_message="这次培训已登记过。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.held_on}"
