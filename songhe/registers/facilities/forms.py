"""The forms of the facilities' pages; what they mean is judged by the services."""

from typing import Any

from django import forms

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.registers.elders.models import Elder
from songhe.registers.facilities.models import (
    Bed,
    BedStay,
    Facility,
    FacilityKind,
    OpeningHours,
    Paper,
    PremisesOrigin,
    Room,
    Space,
)
from songhe.registers.providers.models import Provider


def _day(label: str, *, required: bool = True, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, required=required, widget=DayInput(), **more)


def _square(label: str, *, required: bool = True, **more: Any) -> forms.DecimalField:
    return forms.DecimalField(label=label, required=required, min_value=0, max_digits=9, decimal_places=2, **more)


def _facility() -> "forms.ModelChoiceField[Facility]":
    return forms.ModelChoiceField(Facility.objects.all(), label="设施", widget=Lookup("facilities-facility"))


class FacilityForm(forms.Form):
    """A facility's particulars."""

    sections = [
        ("设施", ["name", "kind", "opened_on", "phone"]),
        ("位置", ["area", "address", "latitude", "longitude", "service_radius_m"]),
        ("面积", ["floor_area_m2", "main_area_m2"]),
    ]

    name = forms.CharField(label="名称", max_length=100)
    kind = forms.ModelChoiceField(FacilityKind.objects.all(), label="类型")
    area = forms.ModelChoiceField(Area.objects.all(), label="所在区划", widget=Lookup("areas-area"))
    address = forms.CharField(label="地址", max_length=200, required=False)
    phone = forms.CharField(label="电话", max_length=20, required=False)
    latitude = forms.FloatField(label="纬度", required=False, help_text="WGS-84；填了才会出现在地图上")
    longitude = forms.FloatField(label="经度", required=False)
    service_radius_m = forms.IntegerField(label="服务半径（米）", min_value=1, max_value=50_000, required=False)
    floor_area_m2 = _square("建筑面积（平方米）", required=False)
    main_area_m2 = _square("主要功能用房面积（平方米）", required=False, help_text="不填则按登记的功能用房合计")
    opened_on = _day("启用日期", required=False, help_text="还在建设的不填")


class OpenForm(forms.Form):
    """The day a facility opens."""

    on = _day("启用日期", initial=today)


class EndForm(forms.Form):
    """The last day something counts."""

    last = _day("最后一天", initial=today)


class OperationForm(forms.Form):
    """Who runs a facility."""

    facility = _facility()
    provider = forms.ModelChoiceField(Provider.objects.all(), label="运营方", widget=Lookup("providers-provider"))
    contract_number = forms.CharField(label="合同编号", max_length=60, required=False)
    first = _day("合同期起", initial=today)
    last = _day("合同期止", required=False)


class HoursForm(forms.Form):
    """When a facility is open."""

    facility = _facility()
    weekdays = forms.TypedMultipleChoiceField(
        label="星期", choices=OpeningHours.Weekday.choices, coerce=int, widget=forms.CheckboxSelectMultiple,
        initial=[1, 2, 3, 4, 5],
    )  # fmt: skip
    opens = forms.TimeField(label="开门", widget=forms.TimeInput(attrs={"type": "time"}), initial="08:30")
    closes = forms.TimeField(label="关门", widget=forms.TimeInput(attrs={"type": "time"}), initial="17:30")


class SpaceForm(forms.Form):
    """A part of the floor plan."""

    facility = _facility()
    name = forms.CharField(label="名称", max_length=60)
    use = forms.ChoiceField(label="用途", choices=Space.Use.choices)
    area_m2 = _square("面积（平方米）")
    main = forms.BooleanField(label="主要功能用房", required=False, initial=True)


class RoomForm(forms.Form):
    """A room elders sleep in."""

    facility = _facility()
    number = forms.CharField(label="房号", max_length=20)
    area_m2 = _square("面积（平方米）")


class BedForm(forms.Form):
    """A bed."""

    room = forms.ModelChoiceField(Room.objects.all(), label="居室", widget=Lookup("facilities-room"))
    number = forms.CharField(label="床号", max_length=20)
    nursing = forms.BooleanField(label="护理型床位", required=False)
    first = _day("启用日期", initial=today)


class StayForm(forms.Form):
    """Who lies in a bed."""

    bed = forms.ModelChoiceField(Bed.objects.all(), label="床位", widget=Lookup("facilities-bed"))
    elder = forms.ModelChoiceField(Elder.objects.all(), label="老年人", widget=Lookup("elders-elder"))
    kind = forms.ChoiceField(label="入住方式", choices=BedStay.Kind.choices)
    first = _day("入住日期", initial=today)
    leaves_on = _day("离开日期", required=False, help_text="离开当天床位即空出；长期入住的不填")


class LeaveForm(forms.Form):
    """The day an elder leaves a bed."""

    leaves_on = _day("离开日期", initial=today, help_text="当天床位即空出")


class PaperForm(forms.Form):
    """A photograph or document."""

    facility = _facility()
    kind = forms.ChoiceField(label="种类", choices=Paper.Kind.choices)
    title = forms.CharField(label="名称", max_length=100)
    file = forms.FileField(label="文件", help_text="图片或 PDF，不超过 20 MB；图片的拍摄位置等信息会自动去除")


class PremisesForm(forms.Form):
    """Rooms that may become a facility."""

    sections = [
        ("用房", ["name", "origin", "owner", "surveyed_m2", "households"]),
        ("位置", ["area", "address", "latitude", "longitude"]),
    ]

    name = forms.CharField(label="名称", max_length=100)
    origin = forms.ChoiceField(label="来源", choices=PremisesOrigin.choices)
    owner = forms.CharField(label="产权或建设单位", max_length=100)
    surveyed_m2 = _square("登记面积（平方米）")
    households = forms.IntegerField(label="住宅户数", min_value=1, required=False, help_text="住宅配套的必填")
    area = forms.ModelChoiceField(Area.objects.all(), label="所在区划", widget=Lookup("areas-area"))
    address = forms.CharField(label="地址", max_length=200, required=False)
    latitude = forms.FloatField(label="纬度", required=False, help_text="WGS-84")
    longitude = forms.FloatField(label="经度", required=False)


class ApproveForm(forms.Form):
    """What of the premises becomes which kind of facility."""

    kind = forms.ModelChoiceField(FacilityKind.objects.all(), label="拟建设施类型")
    planned_m2 = _square("核定面积（平方米）")


class BuiltForm(forms.Form):
    """How large the premises turned out."""

    built_m2 = _square("建成面积（平方米）")


class HandOverForm(forms.Form):
    """When they were handed over, by which paper."""

    on = _day("移交日期", initial=today)
    agreement = forms.FileField(label="移交协议", required=False, help_text="图片或 PDF，不超过 20 MB")
