"""Staff in the console: people, certificates, skills, shifts, absences, training."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

import django_filters
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput
from songhe.core.console.pages import (
    FACTS,
    TIMELINE,
    Column,
    Command,
    Pages,
    SheetColumn,
    SheetImport,
    badge,
    pages,
)
from songhe.core.console.views.access import person
from songhe.core.validity import last_day
from songhe.registers.providers.models import Provider
from songhe.registers.workforce import forms, services
from songhe.registers.workforce.models import Absence, Certificate, Shift, Staff, StaffSkill, Training
from songhe.registers.workforce.selectors import certificates_running_out, search

EDIT = "workforce.edit"
WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")

STAFF_LIST = SheetImport(
    [
        SheetColumn("name", "姓名", required=True, example="张慧"),
        SheetColumn("id_number", "身份证号", ("身份证号码", "公民身份号码", "证件号码"), required=True),
        SheetColumn("sex", "性别"),
        SheetColumn("phone", "手机", ("手机号", "联系电话", "电话", "手机号码")),
        SheetColumn("area", "驻点区划", ("驻点社区", "社区", "所在社区", "区划代码"), required=True),
        SheetColumn("provider", "服务商", ("所属服务商", "单位", "公司")),
        SheetColumn("joined_on", "入职日期", ("入职时间",), example="2026-03-01"),
        SheetColumn("certificate", "证书名称", ("证书",), example="养老护理员"),
        SheetColumn("level", "等级", ("证书等级", "技能等级"), example="五级"),
        SheetColumn("number", "证书编号"),
        SheetColumn("valid_from", "发证日期", ("证书起始日期",), example="2024-05-01"),
        SheetColumn("valid_to", "证书到期日", ("证书有效期至", "有效期至")),
        SheetColumn("skills", "技能", example="生活照料、助浴"),
    ],
    services.take_in,
    explain="按身份证号识别：已在册的更新，不在册的新增。先核对，有一行不对就一行也不写入。",
)


def _working(staff: Staff) -> bool:
    return staff.state != Staff.State.LEFT


@pages
class StaffPages(Pages):
    model, room, noun, menu, icon, order = Staff, "workforce", "staff", "机构和人员", "users", 30
    explain = "上门服务的人：技能、证书、班次。"
    empty = "还没有从业人员。点“新建从业人员”，或点“导入”用表格批量登记。"
    columns = [
        "name", "sex", "provider", "area", "phone",
        Column("skill_names", "技能", render=lambda row: "、".join(row.skill_names)), "transport", "state",
    ]  # fmt: skip
    more_columns = ["dialect", "joined_on", "id_number"]
    search, search_hint, search_everywhere = search, "姓名、电话或身份证号", True
    filters = ["provider", "area", "state", "sex"]
    select_related = ["provider", "area"]
    prefetch_related = ["skills__skill"]
    under: ClassVar = {Provider: "provider"}
    tabs = [FACTS, TIMELINE]
    form, edit_form, create, update = forms.HireForm, forms.StaffForm, services.hire, services.amend
    sheet = STAFF_LIST
    permissions = {"export": EDIT, "reveal": EDIT}
    commands = [
        Command("pause", "停岗", services.pause, EDIT, needs_reason=True, icon="player-pause",
                only_if=lambda row: row.state == Staff.State.ACTIVE),
        Command("resume", "复岗", services.resume, EDIT, icon="player-play",
                only_if=lambda row: row.state == Staff.State.PAUSED),
        Command("leave", "登记离职", services.leave, EDIT, forms.LeaveForm, needs_reason=True, icon="door-exit",
                warning="离职后技能同日终止，此后的班次取消。", only_if=_working),
    ]  # fmt: skip

    def form_kwargs(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Tell the form who hires."""
        return {"user": person(request)} if obj is None else {}

    def editable(self, obj: Model, user: User) -> bool:
        """Close the records of those who left."""
        return isinstance(obj, Staff) and _working(obj) and self.may(user, "edit")

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Point out certificates that run out, and what keeps a person from being sent."""
        assert isinstance(obj, Staff)
        for row in certificates_running_out(today() + timedelta(days=60), rows=obj.certificates.all()):
            yield "warning", f"{row}{expiry(row)}，到期后据此认定的技能失效。"
        if _working(obj) and not obj.skill_names:
            yield "info", "没有登记有效的技能，派单时不会被选中。"
        if _working(obj) and not obj.shifts.filter(during__endswith__gt=timezone.now()).exists():
            yield "info", "今后没有排班，派单时不会被选中。"


def expiry(row: Certificate) -> str:
    """Say when a certificate runs out."""
    end = last_day(row.validity)
    if end is None:
        return "长期有效"
    return f"{end} 到期" if end >= today() else f"已于 {end} 过期"


def by_expiry(rows: QuerySet[Certificate], _name: str, value: str) -> QuerySet[Certificate]:
    """Keep the certificates that run out within so many days, or have."""
    return certificates_running_out(today() + timedelta(days=int(value)), rows=rows)


@pages
class CertificatePages(Pages):
    model, room, noun, menu, icon, order = Certificate, "workforce", "certificate", "机构和人员", "certificate", 31
    explain = "从业人员的证书与到期情况；换证另登一条。"
    empty = "还没有证书。"
    columns = [
        "staff", Column("staff.provider", "服务商"), "name", "level", "number", "validity",
        Column("expiry", "到期情况", render=expiry),
    ]  # fmt: skip
    more_columns = ["issuer"]
    filters = [
        "staff__provider", "level",
        ("expiring", django_filters.ChoiceFilter(label="到期", method=by_expiry, empty_label="全部",
                                                 choices=[("0", "已过期"), ("30", "30 天内"), ("60", "60 天内")])),
    ]  # fmt: skip
    ordering = ["staff__name", "name"]
    select_related = ["staff__provider"]
    under: ClassVar = {Staff: "staff"}
    form, create = forms.CertificateForm, services.add_certificate

    @staticmethod
    def search(queryset: QuerySet[Certificate], text: str) -> QuerySet[Certificate]:
        """Find certificates by number, or by the holder's name."""
        return queryset.filter(number=text.strip()) | queryset.filter(staff__name__icontains=text.strip())

    def subtitle(self, obj: Model) -> str:
        """Say whose it is."""
        assert isinstance(obj, Certificate)
        return obj.staff.name


@pages
class StaffSkillPages(Pages):
    model, room, noun, title = StaffSkill, "workforce", "skill", "技能"
    columns = ["staff", "skill", "certificate", "validity"]
    select_related = ["staff", "skill", "certificate"]
    ordering = ["skill", "-validity"]
    under: ClassVar = {Staff: "staff"}
    form, create = forms.SkillForm, services.grant
    commands = [Command("end", "终止", services.end_skill, EDIT, forms.EndForm, icon="ban")]


def span(row: Shift | Absence) -> str:
    """Write a stretch of time, the day once where it is one."""
    begins, ends = timezone.localtime(row.during.lower), timezone.localtime(row.during.upper)
    day = WEEKDAYS[begins.weekday()]
    if begins.date() == ends.date():
        return f"{begins:%Y-%m-%d} {day} {begins:%H:%M}–{ends:%H:%M}"
    return f"{begins:%Y-%m-%d} {day} {begins:%H:%M} 至 {ends:%m-%d %H:%M}"


def by_day(rows: QuerySet[Shift], _name: str, value: Any) -> QuerySet[Shift]:
    """Keep what touches a day."""
    return rows.filter(during__overlap=services.whole_day(value))


@pages
class ShiftPages(Pages):
    model, room, noun, menu, icon, order = Shift, "workforce", "shift", "机构和人员", "calendar-week", 32
    title, create_label = "排班", "排班"
    explain = "谁在什么时候在岗；派单只派给在岗的人。一次可排若干周。"
    empty = "还没有排班。"
    columns = ["staff", Column("staff.provider", "服务商"), Column("during", "时段", order_by="during", render=span)]
    filters = [
        "staff__provider",
        ("day", django_filters.DateFilter(label="日期", method=by_day, widget=DayInput())),
    ]
    ordering = ["-during"]
    select_related = ["staff__provider"]
    under: ClassVar = {Staff: "staff"}
    form = forms.RosterForm
    commands = [
        Command("take-off", "取消班次", services.take_off, EDIT, icon="calendar-off",
                only_if=lambda row: row.during.lower > timezone.now()),
    ]  # fmt: skip

    @staticmethod
    def create(*, staff: Staff, **data: Any) -> Staff:
        """Make the shifts and lead to the person."""
        data.pop("user", None)
        services.roster(staff=staff, **data)
        return staff

    def after_save(self, obj: Model) -> str:
        """Lead to whoever was put on duty."""
        return StaffPages().url("detail", obj.pk)

    @staticmethod
    def search(queryset: QuerySet[Shift], text: str) -> QuerySet[Shift]:
        """Find shifts by the person's name."""
        return queryset.filter(staff__name__icontains=text.strip())


@pages
class AbsencePages(Pages):
    model, room, noun, title = Absence, "workforce", "absence", "缺勤"
    columns = ["staff", "reason", Column("during", "时段", order_by="during", render=span)]
    filters = ["reason"]
    ordering = ["-during"]
    select_related = ["staff"]
    under: ClassVar = {Staff: "staff"}
    form, create = forms.AbsenceForm, services.note_absence
    commands = [
        Command("withdraw", "撤销", services.withdraw_absence, EDIT, icon="arrow-back-up",
                only_if=lambda row: row.during.upper > timezone.now()),
    ]  # fmt: skip


@pages
class TrainingPages(Pages):
    model, room, noun, menu, icon, order = Training, "workforce", "training", "机构和人员", "school", 33
    explain = "从业人员参加的培训、学时与结果。"
    empty = "还没有培训记录。"
    columns = [
        "staff",
        "topic",
        "held_on",
        "hours",
        "organiser",
        Column("passed", "结果", render=lambda row: passed(row)),
    ]
    filters = ["held_on", "passed", "staff__provider"]
    ordering = ["-held_on"]
    select_related = ["staff"]
    totals = ["hours"]
    under: ClassVar = {Staff: "staff"}
    form, create = forms.TrainingForm, services.note_training


def passed(row: Training) -> str:
    """Write a training's result."""
    if row.passed is None:
        return "未考核"
    return badge("合格", "green") if row.passed else badge("不合格", "red")
