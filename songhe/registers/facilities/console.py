"""Facilities in the console: places, norms, operators, hours, floor plan, rooms, beds and who lies in them."""

from collections.abc import Iterable
from typing import Any, ClassVar

import django_filters
from django.db.models import Model, Q, QuerySet
from django.forms import Select
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from songhe.core.accounts.models import User
from songhe.core.calendar.services import today
from songhe.core.console.fields import Lookup
from songhe.core.console.filters import YES_NO
from songhe.core.console.pages import FACTS, TIMELINE, Column, Command, Pages, StepForm, Tab, badge, pages
from songhe.core.validity import in_force
from songhe.registers.facilities import forms, premises, services
from songhe.registers.facilities.models import (
    Bed,
    BedStay,
    Facility,
    Norm,
    OpeningHours,
    Operation,
    Paper,
    Premises,
    Room,
    Space,
)
from songhe.registers.facilities.selectors import Finding, beds_on, norm_findings, search, with_elder, with_operator
from songhe.registers.providers.models import Provider

EDIT = "facilities.edit"
HOUSE = "facilities.house"
TONES = {"达标": "green", "不达标": "red", "缺数据": "secondary"}


def findings(facility: Facility, user: User) -> dict[str, Any]:
    """Give the tab the norms of the facility's kind."""
    found = [(finding, TONES[finding.verdict]) for finding in norm_findings(facility, today())]
    return {"findings": found, "hours": list(facility.opening_hours.all())}


def operator(facility: Facility) -> str:
    """Name who runs a facility today."""
    return "、".join(str(term.provider) for term in getattr(facility, "operating", ())) or "—"


def by_brand(rows: QuerySet[Facility], _name: str, value: Provider) -> QuerySet[Facility]:
    """Keep the facilities that a provider runs today."""
    return rows.filter(pk__in=Operation.objects.filter(in_force(today()), provider=value).values("facility"))


def _state(*states: str) -> Any:
    return lambda row: row.state in states


@pages
class FacilityPages(Pages):
    model, room, noun, menu, icon, order = Facility, "facilities", "facility", "机构和人员", "building-community", 25
    explain = "六类站点、养老机构、老年食堂和设备点：位置、面积、运营方、是否达标。"
    empty = "还没有设施。"
    columns = ["name", "kind", "area", Column("operator", "运营方", render=operator), "floor_area_m2", "state"]
    more_columns = ["opened_on", "address", "phone", "main_area_m2", "service_radius_m", "latitude", "longitude"]
    search, search_hint, search_everywhere = search, "名称或地址", True
    filters = [
        "kind", "area", "state",
        ("operator", django_filters.ModelChoiceFilter(
            label="运营方", queryset=Provider.objects.all(), method=by_brand, empty_label="全部",
            widget=Lookup("providers-provider"))),
    ]  # fmt: skip
    select_related = ["kind", "area"]
    totals = ["floor_area_m2"]
    tabs = [Tab("达标情况", "facilities/_norms.html", findings), FACTS, TIMELINE]
    form, create, update = forms.FacilityForm, services.found, services.amend
    commands = [
        Command("open", "启用", services.open_doors, EDIT, forms.OpenForm, icon="door-enter",
                only_if=_state("planned", "paused")),
        Command("pause", "暂停", services.pause, EDIT, needs_reason=True, icon="player-pause", only_if=_state("open")),
        Command("close", "关闭", services.close, EDIT, forms.EndForm, needs_reason=True, icon="door-off",
                warning="关闭后运营合同同日终止，不能再修改。", only_if=_state("planned", "open", "paused")),
    ]  # fmt: skip

    @staticmethod
    def queryset() -> QuerySet[Facility]:
        """Return the facilities with who runs them today."""
        return with_operator(today())

    def editable(self, obj: Model, user: User) -> bool:
        """Close the records of what was closed."""
        return isinstance(obj, Facility) and obj.state != Facility.State.CLOSED and self.may(user, "edit")

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Say which norms are not kept, and what keeps it off the map."""
        assert isinstance(obj, Facility)
        broken = [finding for finding in norm_findings(obj, today()) if finding.kept is False]
        if broken:
            yield "warning", "不达标：" + "；".join(f"{row.label} {row.said}，应{row.bounds}" for row in broken)
        if obj.latitude is None:
            yield "info", "没有登记经纬度，地图上看不到。"


def bounds(norm: Norm) -> str:
    """Write what a norm asks."""
    return Finding(norm, None, None).bounds


@pages
class NormPages(Pages):
    model, room, noun, menu, icon, order = Norm, "facilities", "norm", "机构和人员", "ruler-measure", 28
    explain = "各类设施的建设标准，来自本地政策包；设施是否达标按它逐项核对。"
    empty = "本地政策包没有建设标准。"
    columns = ["kind", Column("label", "指标", render=lambda row: label(row)), Column("bounds", "要求", render=bounds),
               "validity", "source"]  # fmt: skip
    filters = ["kind", "validity"]
    select_related = ["kind"]
    readonly = True


def label(norm: Norm) -> str:
    """Write what a norm measures."""
    return Finding(norm, None, None).label


@pages
class OperationPages(Pages):
    model, room, noun, menu, icon, order = Operation, "facilities", "operation", "机构和人员", "key", 26
    title, tab_label, create_label = "站点运营", "运营", "移交站点"
    explain = "哪个品牌按哪份合同运营哪些站点；一个站点同一时间只有一个运营方。"
    empty = "还没有移交运营的站点。"
    columns = ["facility", "provider", Column("provider.brand", "品牌"), "contract_number", "validity"]
    filters = ["provider", ("provider__brand", "品牌"), ("facility__area", "所在区划"), "validity"]
    ordering = ["facility__name", "-validity"]
    select_related = ["facility", "provider__brand"]
    under: ClassVar = {Facility: "facility", Provider: "provider"}
    form, create = forms.OperationForm, services.hand_over
    commands = [
        Command("take-back", "终止运营", services.take_back, EDIT, forms.EndForm, needs_reason=True, icon="ban")
    ]


@pages
class HoursPages(Pages):
    model, room, noun, title, create_label = OpeningHours, "facilities", "hours", "开放时间", "设定开放时间"
    columns = ["facility", "weekday", "opens", "closes"]
    select_related = ["facility"]
    ordering = ["facility", "weekday", "opens"]
    under: ClassVar = {Facility: "facility"}
    form, create = forms.HoursForm, services.set_hours
    commands = [Command("drop", "删除", services.drop_hours, EDIT, icon="trash")]


@pages
class SpacePages(Pages):
    model, room, noun, title, tab_label = Space, "facilities", "space", "功能用房", "平面功能"
    columns = ["facility", "name", "use", "area_m2", "main"]
    select_related = ["facility"]
    totals = ["area_m2"]
    under: ClassVar = {Facility: "facility"}
    form, create = forms.SpaceForm, services.add_space


@pages
class RoomPages(Pages):
    model, room, noun, title = Room, "facilities", "room", "居室"
    columns = [Column("number"), "facility", "area_m2", Column("beds", "床位")]
    select_related = ["facility"]
    prefetch_related = ["beds__room"]
    under: ClassVar = {Facility: "facility"}
    form, create = forms.RoomForm, services.add_room

    @staticmethod
    def search(queryset: QuerySet[Room], text: str) -> QuerySet[Room]:
        """Find rooms by number, or by the facility's name."""
        return queryset.filter(number=text.strip()) | queryset.filter(facility__name__icontains=text.strip())

    def subtitle(self, obj: Model) -> str:
        """Say where it is."""
        assert isinstance(obj, Room)
        return obj.facility.name


def taken(bed: Bed) -> SafeString:
    """Say whether a bed is free today."""
    if not hasattr(bed, "taken"):
        found = beds_on(today(), Bed.objects.filter(pk=bed.pk)).first()
        if found is None:
            return badge("今天未启用", "orange")
        bed = found
    return badge("有人", "secondary") if getattr(bed, "taken", False) else badge("空床", "green")


@pages
class BedPages(Pages):
    model, room, noun, menu, icon, order = Bed, "facilities", "bed", "机构和人员", "bed", 27
    explain = "今天启用的床位；空不空由入住记录算出，不另记数。"
    empty = "还没有床位。先登记居室，再登记床位。"
    columns = [
        Column("bed", "床位", render=str, order_by=("room__number", "number")),
        Column("room.facility", "设施"), "nursing", Column("taken", "今天", render=taken, order_by="taken"), "validity",
    ]  # fmt: skip
    filters = ["room__facility", "nursing",
               ("taken", django_filters.BooleanFilter(label="有人", field_name="taken",
                                                      widget=Select(choices=(("", "全部"), *YES_NO))))]  # fmt: skip
    ordering = ["room__facility__name", "room__number", "number"]
    select_related = ["room__facility"]
    under: ClassVar = {Room: "room", Facility: "room__facility"}
    form, create = forms.BedForm, services.add_bed
    commands = [Command("retire", "停用", services.retire_bed, EDIT, forms.EndForm, icon="ban")]

    @staticmethod
    def queryset() -> QuerySet[Bed]:
        """Return the beds there are today."""
        return beds_on(today())

    def get_object_queryset(self, request: HttpRequest) -> QuerySet[Bed]:
        """Return beds that were taken away too."""
        return Bed.objects.select_related("room__facility")

    @staticmethod
    def search(queryset: QuerySet[Bed], text: str) -> QuerySet[Bed]:
        """Find beds by the facility's name or the room's number."""
        return queryset.filter(room__number=text.strip()) | queryset.filter(
            room__facility__name__icontains=text.strip()
        )

    def subtitle(self, obj: Model) -> str:
        """Say where it is."""
        assert isinstance(obj, Bed)
        return obj.room.facility.name


@pages
class StayPages(Pages):
    model, room, noun, title, create_label = BedStay, "facilities", "bed-stay", "入住", "登记入住"
    columns = [Column("bed.room.facility", "设施"), "bed", Column("elder_name", "老年人"), "kind",
               "validity", "provider"]  # fmt: skip
    filters = ["kind", "validity"]
    select_related = ["bed__room__facility", "provider"]
    under: ClassVar = {Bed: "bed", Facility: "bed__room__facility"}
    form, create = forms.StayForm, services.move_in
    permissions = {"create": HOUSE, "edit": HOUSE}
    queryset = with_elder
    commands = [
        Command("move-out", "登记离开", services.move_out, HOUSE, forms.LeaveForm, icon="door-exit",
                only_if=lambda row: row.validity.upper is None or row.validity.upper > today()),
    ]  # fmt: skip


@pages
class PaperPages(Pages):
    model, room, noun, title, create_label = Paper, "facilities", "paper", "照片与材料", "上传"
    columns = ["title", "kind", "facility", Column("document", "文件", render=lambda row: link(row))]
    select_related = ["facility", "document"]
    under: ClassVar = {Facility: "facility"}
    form, create = forms.PaperForm, services.add_paper
    commands = [Command("drop", "删除", services.drop_paper, EDIT, needs_reason=True, icon="trash")]


def link(paper: Paper) -> SafeString:
    """Lead to the file."""
    return format_html('<a href="{}">查看</a>', paper.document.get_absolute_url())


@pages
class PremisesPages(Pages):
    model, room, noun, menu, icon, order = Premises, "facilities", "premises", "机构和人员", "building-warehouse", 24
    explain = "闲置公房改造、新建住宅配套、已建成住区补足：从摸底登记到验收移交，一处一档。"
    empty = "还没有养老用房。摸底发现的闲置公房、住宅项目规划的配套用房都在这里登记。"
    create_label = "登记用房"
    permissions: ClassVar[dict[str, str]] = {"view": "elders.view", "create": "facilities.enter", "export": EDIT}
    columns = [
        "name", "origin", "area", "owner", "surveyed_m2", "planned_m2", "required_m2", "built_m2", "kind", "state",
    ]  # fmt: skip
    more_columns = ["households", "address", "required_by", "handed_over_on", "facility"]
    filters = ["origin", "state", "area", "kind"]
    totals = ["surveyed_m2", "planned_m2", "built_m2"]
    ordering = ["-id"]
    select_related = ["area", "kind", "facility"]
    form, create = forms.PremisesForm, premises.enter
    steps = {
        "approve": StepForm(forms.ApproveForm, premises.approve, primary=True),
        "build": StepForm(forms.BuiltForm, premises.build, primary=True),
        "accept": StepForm(primary=True, warning="请在理由中写明验收单位、日期和结论。"),
        "hand_over": StepForm(
            forms.HandOverForm, premises.hand_over, primary=True, warning="移交后自动登记为“建设中”的设施。"
        ),
    }
    facts = [
        "name", "origin", "area", "owner", "households", "surveyed_m2", "planned_m2", "required_m2", "required_by",
        "built_m2", "kind", "handed_over_on", "facility",
    ]  # fmt: skip
    tabs = [TIMELINE]

    @staticmethod
    def search(queryset: QuerySet[Premises], text: str) -> QuerySet[Premises]:
        """Find premises by part of the name, address or owner."""
        text = text.strip()
        return queryset.filter(Q(name__icontains=text) | Q(address__icontains=text) | Q(owner__icontains=text))

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Say what is missing to what the rules ask for."""
        assert isinstance(obj, Premises)
        if obj.built_m2 is not None and obj.shortfall_m2 and obj.state in ("built", "approved"):
            yield "warning", f"建成面积比应有面积少 {obj.shortfall_m2} 平方米。"
