"""What the care map may be narrowed to."""

from django import forms

from songhe.core.areas.models import Area
from songhe.core.console.fields import Lookup
from songhe.registers.catalogue.models import Service
from songhe.registers.facilities.models import FacilityKind

SELECT = forms.Select(attrs={"class": "form-select"})


class MapForm(forms.Form):
    """Kind, service, division and name; all may be left open."""

    kind = forms.ModelChoiceField(
        FacilityKind.objects.all(), label="类型", required=False, empty_label="全部类型", widget=SELECT
    )
    service = forms.ModelChoiceField(
        Service.objects.filter(state=Service.State.OPEN),
        label="提供的服务",
        required=False,
        empty_label="全部服务",
        widget=SELECT,
    )
    area = forms.ModelChoiceField(Area.objects.all(), label="区划", required=False, widget=Lookup("areas-area"))
    name = forms.CharField(
        label="名称或地址", max_length=60, required=False, widget=forms.TextInput(attrs={"class": "form-control"})
    )


class PublicForm(MapForm):
    """What the public map may be narrowed to; the division is a county, chosen from a short list."""

    area = forms.ModelChoiceField(
        Area.objects.filter(level=Area.Level.COUNTY),
        label="区县",
        required=False,
        empty_label="全部区县",
        widget=SELECT,
    )
