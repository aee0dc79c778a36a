"""Places where elders are served: what kind, where, how large, run by whom, with which beds and who lies in them."""

from decimal import Decimal
from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import F, Q

from songhe.core.areas.models import Area
from songhe.core.files.models import StoredFile
from songhe.core.flow.models import state_check
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field
from songhe.registers.facilities.flow import PremisesFlow, PremisesState
from songhe.registers.providers.models import Provider


@pghistory.track()
class FacilityKind(Record):
    """A kind of station that a place's norms know; kinds come from packs."""

    row_scope: ClassVar = RowScope(shared=True)

    code = models.CharField("代码", max_length=30)
    name = models.CharField("名称", max_length=60)
    position = models.PositiveSmallIntegerField("次序", default=0)
    station = models.BooleanField("六类站点之一", default=True)

    class Meta(Record.Meta):
        verbose_name = "设施类型"
        verbose_name_plural = "设施类型"
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["code"], name="facility_kind_once", violation_error_message="已有此代码的设施类型。"
            )
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Norm(Record):
    """A building norm for a kind of station: a measure, the least or most it may be, and the clause it comes from."""

    row_scope: ClassVar = RowScope(shared=True)

    kind = models.ForeignKey(FacilityKind, models.PROTECT, related_name="norms", verbose_name="设施类型")
    measure = models.CharField("指标", max_length=40)
    minimum = models.DecimalField("下限", max_digits=12, decimal_places=4, null=True, blank=True)
    maximum = models.DecimalField("上限", max_digits=12, decimal_places=4, null=True, blank=True)
    unit = models.CharField("单位", max_length=20, blank=True)
    source = models.CharField("依据", max_length=200, blank=True)
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "建设标准"
        verbose_name_plural = "建设标准"
        ordering = ["kind", "measure", "validity"]
        constraints = [
            has_days("norm_has_days"),
            models.CheckConstraint(
                condition=Q(minimum__isnull=False) | Q(maximum__isnull=False), name="norm_has_a_bound"
            ),
            models.CheckConstraint(
                condition=Q(minimum__isnull=True) | Q(maximum__isnull=True) | Q(minimum__lte=F("maximum")),
                name="norm_bounds_in_order",
            ),
            no_overlap("norm_once_at_a_time", "kind", "measure", message="该指标在此期间已有标准。"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.measure}"


@pghistory.track()
class Facility(Record):
    """A station or home; its place and size are public."""

    row_scope: ClassVar = RowScope(shared=True)

    class State(models.TextChoices):
        PLANNED = "planned", "建设中"
        OPEN = "open", "运营中"
        PAUSED = "paused", "暂停"
        CLOSED = "closed", "已关闭"

    name = models.CharField("名称", max_length=100)
    kind = models.ForeignKey(FacilityKind, models.PROTECT, related_name="facilities", verbose_name="类型")
    area = models.ForeignKey(Area, models.PROTECT, verbose_name="所在区划")
    address = models.CharField("地址", max_length=200, blank=True)
    phone = models.CharField("电话", max_length=20, blank=True)
    latitude = models.FloatField("纬度", null=True, blank=True, help_text="WGS-84")
    longitude = models.FloatField("经度", null=True, blank=True, help_text="WGS-84")
    floor_area_m2 = models.DecimalField("建筑面积（平方米）", max_digits=9, decimal_places=2, null=True, blank=True)
    main_area_m2 = models.DecimalField(
        "主要功能用房面积（平方米）", max_digits=9, decimal_places=2, null=True, blank=True
    )
    service_radius_m = models.PositiveIntegerField("服务半径（米）", null=True, blank=True)
    opened_on = models.DateField("启用日期", null=True, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)

    state_tones: ClassVar = {"planned": "azure", "open": "green", "paused": "orange", "closed": "secondary"}

    class Meta(Record.Meta):
        verbose_name = "服务设施"
        verbose_name_plural = "服务设施"
        ordering = ["area_id", "name"]
        indexes = [models.Index(fields=["area", "kind"], name="facility_by_area")]
        constraints = [
            models.UniqueConstraint(
                fields=["area", "name"], name="facility_once_in_area", violation_error_message="该区划已有同名设施。"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["planned", "open", "paused", "closed"]), name="facility_state_known"
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
                name="facility_place_whole",
                violation_error_message="经纬度须同时填写，且在有效范围内。",
            ),
            models.CheckConstraint(
                condition=Q(floor_area_m2__isnull=True) | Q(floor_area_m2__gt=0),
                name="facility_area_positive",
                violation_error_message="建筑面积须大于零。",
            ),
            models.CheckConstraint(
                condition=Q(main_area_m2__isnull=True)
                | Q(main_area_m2__gt=0, floor_area_m2__isnull=False, main_area_m2__lte=F("floor_area_m2")),
                name="facility_main_within_floor",
                violation_error_message="主要功能用房面积须大于零，且不超过建筑面积。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Operation(Record):
    """A contract by which a provider runs a facility while ``validity`` lasts; a provider's people see its own."""

    row_scope: ClassVar = RowScope(shared=True, provider="provider")

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="operations", verbose_name="设施")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="operations", verbose_name="运营方")
    contract_number = models.CharField("合同编号", max_length=60, blank=True)
    validity = validity_field("合同期")

    class Meta(Record.Meta):
        verbose_name = "运营合同"
        verbose_name_plural = "运营合同"
        ordering = ["facility", "-validity"]
        constraints = [
            has_days("operation_has_days"),
            no_overlap("operation_once_at_a_time", "facility", message="该设施在此期间已有运营方。"),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.provider}"


@pghistory.track()
class OpeningHours(Record):
    """When a facility is open on a day of the week (Monday is 1); a long midday break makes two rows."""

    row_scope: ClassVar = RowScope(shared=True, deleters=("area",))

    class Weekday(models.IntegerChoices):
        MONDAY = 1, "星期一"
        TUESDAY = 2, "星期二"
        WEDNESDAY = 3, "星期三"
        THURSDAY = 4, "星期四"
        FRIDAY = 5, "星期五"
        SATURDAY = 6, "星期六"
        SUNDAY = 7, "星期日"

    facility = models.ForeignKey(Facility, models.CASCADE, related_name="opening_hours", verbose_name="设施")
    weekday = models.PositiveSmallIntegerField("星期", choices=Weekday.choices)
    opens = models.TimeField("开门")
    closes = models.TimeField("关门")

    class Meta(Record.Meta):
        verbose_name = "开放时间"
        verbose_name_plural = "开放时间"
        ordering = ["weekday", "opens"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "weekday", "opens"],
                name="opening_hours_once",
                violation_error_message="该日已有相同的开门时间。",
            ),
            models.CheckConstraint(condition=Q(weekday__range=(1, 7)), name="opening_hours_weekday_known"),
            models.CheckConstraint(
                condition=Q(closes__gt=F("opens")),
                name="opening_hours_in_order",
                violation_error_message="关门时间须晚于开门时间。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


@pghistory.track()
class Room(Record):
    """A room elders sleep in."""

    row_scope: ClassVar = RowScope(shared=True)

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="rooms", verbose_name="设施")
    number = models.CharField("房号", max_length=20)
    area_m2 = models.DecimalField("面积（平方米）", max_digits=7, decimal_places=2)

    class Meta(Record.Meta):
        verbose_name = "居室"
        verbose_name_plural = "居室"
        ordering = ["facility", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "number"], name="room_once", violation_error_message="该设施已有此房号。"
            ),
            models.CheckConstraint(
                condition=Q(area_m2__gt=0), name="room_area_positive", violation_error_message="面积须大于零。"
            ),
        ]

    def __str__(self) -> str:
        return self.number


@pghistory.track()
class Space(Record):
    """A part of a facility's floor plan: what it is for and how large it is."""

    row_scope: ClassVar = RowScope(shared=True, deleters=("area",))

    class Use(models.TextChoices):
        DINING = "dining", "助餐"
        DAY_CARE = "day_care", "日间照料"
        REHABILITATION = "rehabilitation", "康复护理"
        HEALTH = "health", "医疗保健"
        BATHING = "bathing", "助浴"
        CULTURE = "culture", "文化娱乐"
        COUNSEL = "counsel", "心理慰藉"
        OFFICE = "office", "管理办公"
        OTHER = "other", "其他"

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="spaces", verbose_name="设施")
    name = models.CharField("名称", max_length=60)
    use = models.CharField("用途", max_length=20, choices=Use.choices)
    area_m2 = models.DecimalField("面积（平方米）", max_digits=8, decimal_places=2)
    main = models.BooleanField("主要功能用房", default=True)

    class Meta(Record.Meta):
        verbose_name = "功能用房"
        verbose_name_plural = "功能用房"
        ordering = ["facility", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "name"], name="space_once", violation_error_message="该设施已有同名用房。"
            ),
            models.CheckConstraint(
                condition=Q(area_m2__gt=0), name="space_area_positive", violation_error_message="面积须大于零。"
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Paper(Record):
    """A photograph, plan or document of a facility."""

    row_scope: ClassVar = RowScope(shared=True, deleters=("area",))

    class Kind(models.TextChoices):
        PHOTO = "photo", "照片"
        PLAN = "plan", "平面图"
        ACCEPTANCE = "acceptance", "验收移交"
        OTHER = "other", "其他材料"

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="papers", verbose_name="设施")
    kind = models.CharField("种类", max_length=20, choices=Kind.choices)
    title = models.CharField("名称", max_length=100)
    document = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name="文件")

    class Meta(Record.Meta):
        verbose_name = "照片与材料"
        verbose_name_plural = "照片与材料"
        ordering = ["kind", "-created_at"]

    def __str__(self) -> str:
        return self.title


@pghistory.track()
class Bed(Record):
    """A bed, there while ``validity`` lasts; how many are free is always counted from stays, never stored."""

    row_scope: ClassVar = RowScope(shared=True)

    room = models.ForeignKey(Room, models.PROTECT, related_name="beds", verbose_name="居室")
    number = models.CharField("床号", max_length=20)
    nursing = models.BooleanField("护理型床位", default=False)
    validity = validity_field("启用期")

    class Meta(Record.Meta):
        verbose_name = "床位"
        verbose_name_plural = "床位"
        ordering = ["room", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["room", "number"], name="bed_once", violation_error_message="该居室已有此床号。"
            ),
            has_days("bed_has_days"),
        ]

    def __str__(self) -> str:
        return f"{self.room} 室 {self.number} 床"


@pghistory.track()
class BedStay(Record):
    """Who lies in a bed, by nights: the last bound is the day of leaving, on which the bed is free again."""

    row_scope: ClassVar = RowScope(area="area", provider="provider", elder="elder_id", writers=("area", "provider"))

    class Kind(models.TextChoices):
        LONG = "long", "长期入住"
        SHORT = "short", "短期托养"
        TRIAL = "trial", "试住"

    bed = models.ForeignKey(Bed, models.PROTECT, related_name="stays", verbose_name="床位")
    elder_id = models.UUIDField("老年人")
    kind = models.CharField("入住方式", max_length=10, choices=Kind.choices)
    validity = validity_field("入住期")
    area = models.ForeignKey(Area, models.PROTECT, verbose_name="设施区划")
    provider = models.ForeignKey(Provider, models.PROTECT, null=True, blank=True, verbose_name="运营方")

    class Meta(Record.Meta):
        verbose_name = "入住"
        verbose_name_plural = "入住"
        ordering = ["-validity"]
        constraints = [
            has_days("bed_stay_has_nights"),
            models.CheckConstraint(condition=Q(kind__in=["long", "short", "trial"]), name="bed_stay_kind_known"),
            no_overlap("bed_stay_one_elder_a_bed", "bed", message="该床位在此期间已有人入住。"),
            no_overlap("bed_stay_one_bed_an_elder", "elder_id", message="此老人在此期间已入住其他床位。"),
        ]

    def __str__(self) -> str:
        return f"{self.bed} {self.get_kind_display()}"


class PremisesOrigin(models.TextChoices):
    IDLE = "idle", "闲置公房"
    NEW_HOUSING = "new_housing", "新建住宅配套"
    OLD_HOUSING = "old_housing", "已建成住区补足"


@pghistory.track()
class Premises(PremisesFlow, Record):
    """Rooms on their way to becoming a facility: idle public ones, or those that housing must provide.

    ``required_m2`` is what the place's norm asks for so many households, as it was when the premises were approved.
    """

    Origin, State = PremisesOrigin, PremisesState
    state_tones: ClassVar = {
        "entered": "secondary",
        "approved": "azure",
        "built": "yellow",
        "accepted": "green",
        "handed_over": "green",
        "dropped": "secondary",
    }
    row_scope: ClassVar = RowScope(area="area", hidden_from=("provider", "person"))

    name = models.CharField("名称", max_length=100)
    origin = models.CharField("来源", max_length=20, choices=PremisesOrigin.choices)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所在区划")
    address = models.CharField("地址", max_length=200, blank=True)
    latitude = models.FloatField("纬度", null=True, blank=True, help_text="WGS-84")
    longitude = models.FloatField("经度", null=True, blank=True, help_text="WGS-84")
    owner = models.CharField("产权或建设单位", max_length=100)
    households = models.PositiveIntegerField("住宅户数", null=True, blank=True)
    surveyed_m2 = models.DecimalField("登记面积（平方米）", max_digits=9, decimal_places=2)
    planned_m2 = models.DecimalField("核定面积（平方米）", max_digits=9, decimal_places=2, null=True, blank=True)
    required_m2 = models.DecimalField("应有面积（平方米）", max_digits=9, decimal_places=2, null=True, blank=True)
    required_by = models.CharField("应有面积依据", max_length=200, blank=True)
    built_m2 = models.DecimalField("建成面积（平方米）", max_digits=9, decimal_places=2, null=True, blank=True)
    kind = models.ForeignKey(
        FacilityKind, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="拟建设施类型"
    )
    document = models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="移交协议"
    )
    handed_over_on = models.DateField("移交日期", null=True, blank=True)
    facility = models.OneToOneField(
        Facility, models.PROTECT, null=True, blank=True, related_name="premises", verbose_name="建成的设施"
    )

    class Meta(Record.Meta):
        verbose_name = "养老用房"
        verbose_name_plural = "养老用房"
        ordering = ["-id"]
        indexes = [models.Index(fields=["area", "state"], name="premises_by_area")]
        constraints = [
            state_check(PremisesState, name="premises_state_known"),
            state_check(PremisesOrigin, name="premises_origin_known", field="origin"),
            models.CheckConstraint(
                condition=Q(surveyed_m2__gt=0), name="premises_has_area", violation_error_message="面积须大于零。"
            ),
            models.CheckConstraint(
                condition=Q(origin="idle") | Q(households__isnull=False, households__gt=0),
                name="premises_of_housing_has_households",
                violation_error_message="住宅配套用房请填写住宅户数。",
            ),
            models.CheckConstraint(
                condition=~Q(state="handed_over") | Q(facility__isnull=False, handed_over_on__isnull=False),
                name="premises_handed_over_is_a_facility",
            ),
            models.CheckConstraint(
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
                name="premises_place_whole",
                violation_error_message="经纬度须同时填写，且在有效范围内。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shortfall_m2(self) -> Decimal:
        """How much less was built than the rules ask for, or than was approved where they ask for nothing."""
        asked = self.required_m2 if self.required_m2 is not None else self.planned_m2
        return max(Decimal(), (asked or Decimal()) - (self.built_m2 or Decimal()))
