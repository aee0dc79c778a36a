"""Form fields and widgets that rooms share: money, a record found by searching, days."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

DASHES = "---------"
CHOOSE = "请选择"


def say_choose(form: Any) -> Any:
    """Write 请选择 where Django writes dashes; return the form."""
    for field in form.fields.values():
        if getattr(field, "empty_label", None) == DASHES:
            field.empty_label = CHOOSE
        elif isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
            choices: Any = field.choices
            field.choices = [(key, CHOOSE if label == DASHES else label) for key, label in choices]
    return form


class FenField(forms.DecimalField):
    """Money typed in yuan with up to two decimals, given to the program as integer fen."""

    def __init__(self, *, min_value: int | None = 0, max_value: int | None = None, **kwargs: Any) -> None:
        """Take bounds in fen."""
        kwargs.setdefault("widget", forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}))
        super().__init__(
            decimal_places=2,
            max_digits=14,
            min_value=None if min_value is None else Decimal(min_value) / 100,
            max_value=None if max_value is None else Decimal(max_value) / 100,
            **kwargs,
        )

    def prepare_value(self, value: Any) -> Any:
        """Show stored fen as yuan; what was typed stays as typed."""
        return f"{Decimal(value) / 100:.2f}" if isinstance(value, int) and not isinstance(value, bool) else value

    def clean(self, value: Any) -> Any:
        """Return integer fen, or None where nothing was typed."""
        yuan = super().clean(value)
        return None if yuan is None else int(yuan * 100)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare in fen."""
        try:
            return bool(self.clean(data) != initial)
        except ValidationError:
            return True


class DayInput(forms.DateInput):
    """A day, picked from the browser's own calendar."""

    input_type = "date"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("format", "%Y-%m-%d")
        super().__init__(**kwargs)


class MomentInput(forms.DateTimeInput):
    """A day and time, picked from the browser's own calendar."""

    input_type = "datetime-local"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("format", "%Y-%m-%dT%H:%M")
        super().__init__(**kwargs)


class Lookup(forms.Select):
    """A record found by typing part of its name or number; asks the search of other declared pages (by their key).

    Further arguments narrow what is offered by those pages' filters: ``Lookup("areas-area", level="village")``.
    """

    template_name = "console/widgets/lookup.html"

    def __init__(self, pages_key: str, attrs: dict[str, Any] | None = None, **narrow: str) -> None:
        super().__init__(attrs)
        self.pages_key = pages_key
        self.narrow = narrow

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Give the template the chosen record's name and where to search; never the whole list of choices."""
        context = forms.Widget.get_context(self, name, value, attrs)
        context["widget"].update(shown=self._shown(value), url=self._url())
        return context

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> list[Any]:
        """Return no options: they are looked up one by one."""
        return []

    def format_value(self, value: Any) -> str:  # type: ignore[override]
        """Write the chosen record's key."""
        return "" if value is None else str(value)

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> SafeString:
        return render_to_string(template_name, context)

    def _url(self) -> str:
        try:
            url = reverse(f"console:{self.pages_key}-lookup")
        except NoReverseMatch:
            return ""
        return f"{url}?{urlencode(self.narrow)}" if self.narrow else url

    def _shown(self, value: Any) -> str:
        queryset = getattr(self.choices, "queryset", None)
        if not value or queryset is None:
            return ""
        try:
            found = queryset.filter(pk=getattr(value, "pk", value)).first()
        except (ValueError, ValidationError):
            return ""
        return str(found) if found is not None else ""
