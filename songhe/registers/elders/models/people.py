"""Elders: who they are, where and with whom they live, what difficulty they are in, and what they agreed to."""

from datetime import date
from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.crypto.fields import SealedField
from songhe.core.files.models import StoredFile
from songhe.core.records import Record
from songhe.core.scope.roles import RowScope
from songhe.core.validity import has_days, no_overlap, validity_field

if TYPE_CHECKING:
    from songhe.registers.elders.models.labels import Label

# A provider sees those elders whose data were given to it (个人信息保护法 第二十三条), while that lasts.
DISCLOSED = (
    "id = ANY (ARRAY(SELECT d.elder_id FROM elders_disclosure d "
    "WHERE d.provider_id = {provider} AND (d.until IS NULL OR d.until >= CURRENT_DATE)))"
)
DISCLOSED_ELDER = DISCLOSED.replace("id =", "elder_id =", 1)


class Sex(models.TextChoices):
    MALE = "male", "男"
    FEMALE = "female", "女"


class IdKind(models.TextChoices):
    RESIDENT = "resident", "居民身份证"
    OTHER = "other", "其他证件"
    NONE = "none", "无证件"


class LivingSituation(models.TextChoices):
    ALONE = "alone", "独居"
    EMPTY_NEST = "empty_nest", "空巢"
    LEFT_BEHIND = "left_behind", "留守"
    WITH_SPOUSE = "with_spouse", "与配偶同住"
    WITH_CHILDREN = "with_children", "与子女同住"
    INSTITUTION = "institution", "机构养老"
    OTHER = "other", "其他"


class ElderState(models.TextChoices):
    ACTIVE = "active", "在册"
    MOVED_AWAY = "moved_away", "已迁出"
    DECEASED = "deceased", "已去世"
    MERGED = "merged", "已并入他档"


class AbilityLevel(models.IntegerChoices):
    """The five levels of GB/T 42195-2022."""

    INTACT = 0, "能力完好"
    MILD = 1, "轻度失能"
    MODERATE = 2, "中度失能"
    SEVERE = 3, "重度失能"
    TOTAL = 4, "完全失能"


def _file(verbose_name: str) -> "models.ForeignKey[StoredFile | None, StoredFile | None]":
    return models.ForeignKey(
        StoredFile, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=verbose_name
    )


@pghistory.track()
class Household(Record):
    """The people of one dwelling; elders point to it."""

    row_scope: ClassVar = RowScope(area="area", deleters=("area",))

    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="所在社区")
    number = models.CharField("户号", max_length=30, blank=True)
    address = models.CharField("地址", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "家庭户"
        verbose_name_plural = "家庭户"
        ordering = ["-id"]
        indexes = [models.Index(fields=["area"], name="household_by_area")]

    def __str__(self) -> str:
        return self.address or self.number or "家庭户"


def _place_whole(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(latitude__isnull=True, longitude__isnull=True)
        | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
        name=name,
        violation_error_message="经纬度须同时填写，且在有效范围内。",
    )


@pghistory.track()
class Elder(Record):
    """A person of the region's roll; ``area`` is the community responsible, where the elder lives.

    ``name_pinyin``, ``name_initials`` and ``given_name`` serve search and are set by the services
    (``elders.names.keys``). ``ability_level`` is the published level in force, set by ``services.record_level`` only.
    """

    present_labels: "list[Label]"
    """Filled in for lists by ``labelling.selectors.present_labels``."""

    Sex = Sex
    IdKind = IdKind
    Living = LivingSituation
    State = ElderState
    Level = AbilityLevel
    state_tones: ClassVar = {
        "active": "green",
        "moved_away": "secondary",
        "deceased": "secondary",
        "merged": "secondary",
    }

    row_scope: ClassVar = RowScope(area="area", provider_sql=DISCLOSED, elder="id")
    present_rows: "list[Difficulty]"
    """The kinds of difficulty in force today, where ``selectors.listed`` has fetched them."""
    id_number_masked: str

    # In the collation C one index serves both the beginning of a name and the order of names.
    name = models.CharField("姓名", max_length=60, db_collation="C")
    name_pinyin = models.CharField("姓名全拼", max_length=120, editable=False, db_collation="C")
    name_initials = models.CharField("姓名首字母", max_length=30, editable=False, db_collation="C")
    given_name = models.CharField("名", max_length=60, editable=False, db_collation="C")
    sex = models.CharField("性别", max_length=10, choices=Sex.choices)
    birth_date = models.DateField("出生日期")
    id_kind = models.CharField("证件类型", max_length=10, choices=IdKind.choices, default=IdKind.RESIDENT)
    id_number = SealedField("身份证号", mask=(4, 4), index="id_number_index")
    id_number_index = models.BinaryField(null=True, editable=False)
    phone = SealedField("联系电话", mask=(3, 4), index="phone_index")
    phone_index = models.BinaryField(null=True, editable=False)
    ethnicity = models.CharField("民族", max_length=20, blank=True)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    address = models.CharField("居住地址", max_length=200, blank=True)
    latitude = models.FloatField("纬度", null=True, blank=True, help_text="WGS-84")
    longitude = models.FloatField("经度", null=True, blank=True, help_text="WGS-84")
    registered_area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="户籍区划"
    )
    registered_address = models.CharField("户籍地址", max_length=200, blank=True)
    living_situation = models.CharField(
        "居住状况", max_length=20, choices=LivingSituation.choices, default=LivingSituation.OTHER
    )
    household = models.ForeignKey(
        Household, models.PROTECT, null=True, blank=True, related_name="members", verbose_name="家庭户"
    )
    state = models.CharField("状态", max_length=20, choices=ElderState.choices, default=ElderState.ACTIVE)
    registered_on = models.DateField("建档日期", default=today)
    moved_away_on = models.DateField("迁出日期", null=True, blank=True)
    death_date = models.DateField("去世日期", null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="merged", verbose_name="并入的档案"
    )
    photo = _file("照片")
    remarks = models.TextField("备注", blank=True, max_length=2000)
    ability_level = models.PositiveSmallIntegerField(
        "能力等级", null=True, blank=True, choices=AbilityLevel.choices, editable=False
    )
    ability_assessed_on = models.DateField("评估日期", null=True, blank=True, editable=False)

    class Meta(Record.Meta):
        verbose_name = "老年人"
        verbose_name_plural = "老年人"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["name", "area"], name="elder_by_name"),
            models.Index(fields=["given_name", "area"], name="elder_by_given_name"),
            models.Index(fields=["name_pinyin", "area"], name="elder_by_pinyin"),
            models.Index(fields=["name_initials", "area"], name="elder_by_initials"),
            models.Index(fields=["area", "birth_date"], name="elder_by_area_and_age"),
            models.Index(fields=["birth_date", "area"], name="elder_by_age"),
            models.Index(fields=["living_situation", "area"], name="elder_by_living"),
            models.Index(
                fields=["ability_level", "area"], condition=Q(ability_level__isnull=False), name="elder_by_level"
            ),
            models.Index(fields=["state", "area"], condition=~Q(state="active"), name="elder_not_active"),
            models.Index(fields=["phone_index"], name="elder_by_phone"),
            models.Index(fields=["household"], condition=Q(household__isnull=False), name="elder_by_household"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["id_number_index"],
                name="elder_once",
                violation_error_message="此身份证号已在本地登记。",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="elder_has_name"),
            models.CheckConstraint(condition=~Q(name_pinyin="") & ~Q(name_initials=""), name="elder_has_search_keys"),
            models.CheckConstraint(condition=Q(sex__in=["male", "female"]), name="elder_sex_known"),
            models.CheckConstraint(condition=Q(id_kind__in=["resident", "other", "none"]), name="elder_id_kind_known"),
            models.CheckConstraint(
                condition=Q(id_kind="none", id_number_index__isnull=True)
                | (~Q(id_kind="none") & Q(id_number_index__isnull=False)),
                name="elder_number_by_kind",
                violation_error_message="请填写证件号码；确无证件的，证件类型选“无证件”。",
            ),
            models.CheckConstraint(
                condition=Q(birth_date__gte=date(1880, 1, 1)),
                name="elder_birth_plausible",
                violation_error_message="出生日期早于 1880 年，请核对。",
            ),
            models.CheckConstraint(
                condition=Q(
                    living_situation__in=[
                        "alone",
                        "empty_nest",
                        "left_behind",
                        "with_spouse",
                        "with_children",
                        "institution",
                        "other",
                    ]
                ),
                name="elder_living_known",
            ),
            models.CheckConstraint(
                condition=Q(state="active", death_date__isnull=True, moved_away_on__isnull=True)
                | Q(state="moved_away", death_date__isnull=True, moved_away_on__isnull=False)
                | Q(state="deceased", death_date__isnull=False)
                | Q(state="merged"),
                name="elder_state_has_its_date",
                violation_error_message="状态与去世、迁出日期不一致。",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True)),
                name="elder_merged_into_another",
            ),
            models.CheckConstraint(
                condition=Q(death_date__isnull=True) | Q(death_date__gte=F("birth_date")),
                name="elder_died_after_birth",
                violation_error_message="去世日期不能早于出生日期。",
            ),
            models.CheckConstraint(
                condition=Q(ability_level__isnull=True, ability_assessed_on__isnull=True)
                | Q(ability_level__range=(0, 4), ability_assessed_on__isnull=False),
                name="elder_level_dated",
            ),
            _place_whole("elder_place_whole"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def age(self) -> int:
        """Whole years today, or on the day of death."""
        return self.age_on(self.death_date or today())

    def age_on(self, day: date) -> int:
        """Return the age in whole years (周岁) on a day; a birthday counts from the day itself."""
        return age_on(self.birth_date, day)


def age_on(birth_date: date, day: date) -> int:
    """Return the age in whole years (周岁) on a day."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


@pghistory.track()
class Contact(Record):
    """Somebody to call about an elder, in the order to try them."""

    row_scope: ClassVar = RowScope(via="elder", elder="elder", deleters=("area",))

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="contacts", verbose_name="老年人")
    name = models.CharField("姓名", max_length=60)
    relation = models.CharField("关系", max_length=20)
    phone = SealedField("电话", mask=(3, 4), index="phone_index")
    phone_index = models.BinaryField(null=True, editable=False)
    order = models.PositiveSmallIntegerField("联系顺序", default=1)
    is_emergency = models.BooleanField("紧急联系人", default=False)

    class Meta(Record.Meta):
        verbose_name = "联系人"
        verbose_name_plural = "联系人"
        ordering = ["order", "id"]
        indexes = [
            models.Index(fields=["elder"], name="contact_of_elder"),
            models.Index(fields=["phone_index"], name="contact_by_phone"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["elder", "phone_index"],
                name="contact_phone_once_an_elder",
                violation_error_message="这个电话已登记为该老人的联系人。",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="contact_has_name"),
            models.CheckConstraint(
                condition=Q(phone_index__isnull=False),
                name="contact_has_phone",
                violation_error_message="请填写联系人电话。",
            ),
            models.CheckConstraint(condition=Q(order__gte=1), name="contact_order_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.relation}）"


@pghistory.track()
class Guardian(Record):
    """Who decides for an elder who cannot (民法典 第二十八条、第三十三条), while ``validity`` lasts."""

    class Kind(models.TextChoices):
        LEGAL = "legal", "法定监护"
        AGREED = "agreed", "意定监护"
        APPOINTED = "appointed", "指定监护"

    row_scope: ClassVar = RowScope(via="elder", elder="elder", hidden_from=("provider",))

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="guardians", verbose_name="老年人")
    kind = models.CharField("监护类型", max_length=10, choices=Kind.choices)
    name = models.CharField("监护人", max_length=60)
    relation = models.CharField("关系", max_length=20)
    phone = SealedField("电话", mask=(3, 4), index="phone_index")
    phone_index = models.BinaryField(null=True, editable=False)
    id_number = SealedField("身份证号", mask=(4, 4), index="id_number_index")
    id_number_index = models.BinaryField(null=True, editable=False)
    evidence = models.CharField("依据", max_length=200, blank=True, help_text="协议、判决或证明的名称与编号")
    evidence_file = _file("依据文件")
    validity = validity_field()

    class Meta(Record.Meta):
        verbose_name = "监护人"
        verbose_name_plural = "监护人"
        ordering = ["-validity"]
        indexes = [models.Index(fields=["phone_index"], name="guardian_by_phone")]
        constraints = [
            has_days("guardian_has_days"),
            models.CheckConstraint(condition=Q(kind__in=["legal", "agreed", "appointed"]), name="guardian_kind_known"),
            no_overlap("guardian_one_at_a_time", "elder", message="该老人在此期间已登记监护人。"),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.relation}）"


NO_END = date(9999, 12, 31)


class DifficultyKind(models.TextChoices):
    MINIMUM_LIVING = "minimum_living", "低保"
    MINIMUM_LIVING_MARGINAL = "minimum_living_marginal", "低保边缘"
    LOW_INCOME = "low_income", "低收入"
    DESTITUTE = "destitute", "特困供养"
    BEREAVED_ONLY_CHILD = "bereaved_only_child", "计划生育特殊家庭（失独）"
    ENTITLED_GROUP = "entitled_group", "优抚对象"
    DISABLED_SEVERE = "disabled_severe", "重度残疾"
    DISABLED = "disabled", "残疾"
    THREE_OLDS = "three_olds", "“三老”人员"
    MAJOR_ILLNESS = "major_illness", "重大疾病"


@pghistory.track(exclude=["starts_on", "ends_before"])
class Difficulty(Record):
    """A kind of difficulty an elder is in, attested by an office, while ``validity`` lasts.

    ``area`` is the elder's, so that lists and counts by kind need not read the elder. ``grade`` is the disability
    grade, 1 the heaviest. ``starts_on`` and ``ends_before`` are the bounds of ``validity`` once more: under row-level
    security the planner has statistics for plain dates, not for ranges.
    """

    Kind = DifficultyKind

    row_scope: ClassVar = RowScope(area="area", elder="elder")

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="difficulties", verbose_name="老年人")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="居住社区")
    kind = models.CharField("困难类别", max_length=30, choices=DifficultyKind.choices)
    grade = models.PositiveSmallIntegerField("残疾等级", null=True, blank=True, help_text="一级最重，四级最轻")
    evidence = models.CharField("凭证编号", max_length=100, blank=True)
    evidence_file = _file("凭证文件")
    source = models.CharField("认定单位", max_length=100, blank=True)
    validity = validity_field()
    review_on = models.DateField("复核日期", null=True, blank=True)
    end_reason = models.CharField("终止原因", max_length=200, blank=True)
    starts_on = models.GeneratedField(
        expression=Func(F("validity"), function="lower"),
        output_field=models.DateField(),
        db_persist=True,
        verbose_name="起始日期",
    )
    ends_before = models.GeneratedField(
        expression=Coalesce(Func(F("validity"), function="upper"), Value(NO_END), output_field=models.DateField()),
        output_field=models.DateField(),
        db_persist=True,
        verbose_name="失效日期",
    )

    class Meta(Record.Meta):
        verbose_name = "困难类别"
        verbose_name_plural = "困难类别"
        ordering = ["-validity"]
        indexes = [
            models.Index(fields=["elder", "kind"], name="difficulty_of_elder"),
            # With the days in it, who is in a kind of difficulty today is counted without reading the rows.
            models.Index(
                fields=["kind", "area", "elder"], include=["starts_on", "ends_before"], name="difficulty_by_kind"
            ),
            models.Index(fields=["area"], name="difficulty_by_area"),
            models.Index(fields=["review_on"], condition=Q(review_on__isnull=False), name="difficulty_by_review"),
        ]
        constraints = [
            has_days("difficulty_has_days"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "minimum_living",
                        "minimum_living_marginal",
                        "low_income",
                        "destitute",
                        "bereaved_only_child",
                        "entitled_group",
                        "disabled_severe",
                        "disabled",
                        "three_olds",
                        "major_illness",
                    ]
                ),
                name="difficulty_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(grade__isnull=True)
                | Q(kind="disabled_severe", grade__range=(1, 2))
                | Q(kind="disabled", grade__range=(1, 4)),
                name="difficulty_grade_of_disability",
                violation_error_message="残疾等级只用于残疾类别：重度残疾为一、二级，残疾为一至四级。",
            ),
            no_overlap(
                "difficulty_kind_once_at_a_time", "elder", "kind", message="该老人在此期间已登记过同一困难类别。"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @staticmethod
    def on(day: date) -> Q:
        """Return the condition that a difficulty counts on a day."""
        return Q(starts_on__lte=day, ends_before__gt=day)


@pghistory.track()
class Residence(Record):
    """Where an elder lived, or was registered, and when."""

    class Kind(models.TextChoices):
        LIVING = "living", "居住"
        REGISTERED = "registered", "户籍"

    row_scope: ClassVar = RowScope(via="elder", elder="elder", hidden_from=("provider",))

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="residences", verbose_name="老年人")
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    area = models.ForeignKey(Area, models.PROTECT, related_name="+", verbose_name="区划")
    address = models.CharField("地址", max_length=200, blank=True)
    validity = validity_field("期间")

    class Meta(Record.Meta):
        verbose_name = "住址记录"
        verbose_name_plural = "住址记录"
        ordering = ["-validity"]
        constraints = [
            has_days("residence_has_days"),
            models.CheckConstraint(condition=Q(kind__in=["living", "registered"]), name="residence_kind_known"),
            no_overlap("residence_one_at_a_time", "elder", "kind", message="该老人在此期间已有住址记录。"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.address}"


class ConsentPurpose(models.TextChoices):
    CARE = "care", "为提供养老服务处理个人信息"
    HEALTH = "health", "处理健康与能力评估信息"
    SHARING = "sharing", "向服务商提供个人信息"
    LOCATION = "location", "使用定位与居家监测设备"
    IMAGE = "image", "拍摄服务照片"
    PUBLICITY = "publicity", "公示"


@pghistory.track()
class Consent(Record):
    """What an elder, or a guardian for them, agreed to, in which words and how (个人信息保护法 第十三至十七条)."""

    class Channel(models.TextChoices):
        PAPER = "paper", "纸质签字"
        VOICE = "voice", "电话录音"
        ONLINE = "online", "网上确认"
        FACE_TO_FACE = "face_to_face", "当面口述并记录"

    Purpose = ConsentPurpose

    row_scope: ClassVar = RowScope(via="elder", elder="elder", hidden_from=("provider",), writers=("area", "person"))

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="consents", verbose_name="老年人")
    purpose = models.CharField("事项", max_length=20, choices=ConsentPurpose.choices)
    channel = models.CharField("方式", max_length=20, choices=Channel.choices)
    text_version = models.CharField("告知书版本", max_length=30)
    given_by = models.CharField("同意人", max_length=60, help_text="本人，或监护人、代理人姓名")
    given_on = models.DateField("同意日期")
    evidence_file = _file("凭证文件")
    withdrawn_on = models.DateField("撤回日期", null=True, blank=True)
    withdrawn_reason = models.CharField("撤回说明", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "授权同意"
        verbose_name_plural = "授权同意"
        ordering = ["-given_on", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["elder", "purpose"],
                condition=Q(withdrawn_on__isnull=True),
                name="consent_once_a_purpose",
                violation_error_message="该事项已有生效的同意记录。",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["care", "health", "sharing", "location", "image", "publicity"]),
                name="consent_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(channel__in=["paper", "voice", "online", "face_to_face"]), name="consent_channel_known"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_on__isnull=True) | Q(withdrawn_on__gte=F("given_on")),
                name="consent_withdrawn_later",
                violation_error_message="撤回日期不能早于同意日期。",
            ),
        ]

    def __str__(self) -> str:
        return self.get_purpose_display()


@pghistory.track()
class Disclosure(Record):
    """提供登记: to whom an elder's data are given, for what and on which ground (个人信息保护法 第二十三条)."""

    row_scope: ClassVar = RowScope(via="elder", provider="provider_id", elder="elder")

    elder = models.ForeignKey(Elder, models.CASCADE, related_name="disclosures", verbose_name="老年人")
    provider_id = models.UUIDField("服务商编号")
    recipient = models.CharField("接收方名称", max_length=100, blank=True, help_text="提供当时的名称")
    purpose = models.CharField("目的", max_length=100)
    basis = models.CharField("依据", max_length=200)
    consent = models.ForeignKey(
        Consent, models.PROTECT, null=True, blank=True, related_name="disclosures", verbose_name="所依同意"
    )
    since = models.DateField("起始日期")
    until = models.DateField("终止日期", null=True, blank=True)
    end_reason = models.CharField("终止原因", max_length=200, blank=True)

    class Meta(Record.Meta):
        verbose_name = "提供登记"
        verbose_name_plural = "提供登记"
        ordering = ["-since", "-id"]
        indexes = [models.Index(fields=["provider_id"], include=["elder", "until"], name="disclosure_by_provider")]
        constraints = [
            models.UniqueConstraint(
                fields=["elder", "provider_id", "purpose"],
                condition=Q(until__isnull=True),
                name="disclosure_once_a_purpose",
                violation_error_message="已为同一目的向该服务商提供。",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")),
                name="disclosure_ends_later",
                violation_error_message="终止日期不能早于起始日期。",
            ),
            models.CheckConstraint(condition=~Q(purpose="") & ~Q(basis=""), name="disclosure_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose}（{self.since}）"
