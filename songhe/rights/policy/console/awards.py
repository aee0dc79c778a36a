"""What organisations, facilities and workers are due, decided from facts that a person has checked."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from songhe.core.calendar.services import today
from songhe.core.console.fields import DayInput, Lookup
from songhe.core.console.pages import FACTS, TIMELINE, Action, Column, Pages, Tab, View, pages
from songhe.core.console.views.access import person
from songhe.core.errors import Refused
from songhe.packs.policies import PARAMETERS, read_model
from songhe.registers.facilities.models import Facility
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff
from songhe.rights.policy import services
from songhe.rights.policy.console.reasons import reasons
from songhe.rights.policy.drafting import words_of
from songhe.rights.policy.models import Award, Policy
from songhe.rights.policy.selectors import version_on

WHOM = {
    Policy.Subject.PROVIDER: (Provider, "机构", "providers-provider"),
    Policy.Subject.FACILITY: (Facility, "设施", "facilities-facility"),
    Policy.Subject.STAFF: (Staff, "人员", "workforce-staff"),
}


class AwardForm(forms.Form):
    """Whom a policy is decided for, and the facts its model asks about."""

    def __init__(self, data: Any, *, policy: Policy, model_xml: str) -> None:
        super().__init__(data)
        model, label, key = WHOM[Policy.Subject(policy.subject)]
        self.fields["whom"] = forms.ModelChoiceField(model._default_manager.all(), label=label, widget=Lookup(key))
        self.fields["on"] = forms.DateField(label="认定日期", widget=DayInput(), initial=today)
        self.asked = {}
        choices = words_of(model_xml)
        for number, (name, kind) in enumerate(read_model(model_xml).inputs.items()):
            if name == PARAMETERS:
                continue
            field = f"fact_{number}"
            self.asked[field] = name
            self.fields[field] = _field(name, kind, choices.get(name, []))

    def facts(self) -> dict[str, Any]:
        """Return the facts by the model's names; what was left empty is unknown."""
        found = {}
        for field, name in self.asked.items():
            value = self.cleaned_data[field]
            found[name] = (
                {"true": True, "false": False, "": None}.get(value, value) if isinstance(value, str) else value
            )
        return found


def _field(name: str, kind: str, words: list[str]) -> forms.Field:
    if kind == "boolean":
        choices = [("", "不明"), ("true", "是"), ("false", "否")]
        return forms.ChoiceField(choices=choices, label=name, required=False)
    if kind == "number":
        return forms.DecimalField(label=name, required=False, min_value=Decimal(0))
    if words:
        return forms.ChoiceField(choices=[("", "不明"), *((word, word) for word in words)], label=name, required=False)
    return forms.CharField(label=name, required=False, max_length=60)


def award_view(request: HttpRequest, *, pages: Pages, policy_id: str) -> HttpResponse:
    """Ask for whom and for the facts, then decide."""
    policy = Policy.objects.filter(pk=policy_id, subject__in=WHOM).first()
    version = version_on(policy, today()) if policy else None
    if policy is None or version is None:
        raise Http404("没有这项奖补政策，或者它现在没有施行。")
    form = AwardForm(request.POST or None, policy=policy, model_xml=version.model_xml)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.award(
                policy=policy,
                whom=form.cleaned_data["whom"],
                facts=form.facts(),
                on=form.cleaned_data["on"],
                user=person(request),
            )
        except Refused as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"已认定：{made.reason}")
            return redirect(pages.url("detail", made.pk))
    context = {"pages": pages, "policy": policy, "version": version, "form": form}
    return render(request, "policy/award.html", context)


def choose_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Choose the policy."""
    found = Policy.objects.filter(subject__in=WHOM).order_by("key")
    policies = [(policy, version) for policy in found if (version := version_on(policy, today()))]
    return render(request, "policy/choose_award.html", {"pages": pages, "policies": policies})


@pages
class AwardPages(Pages):
    model, room, noun, menu, icon, order = Award, "policy", "award", "评估与待遇", "award", 50
    explain = "对企业和社会组织、养老设施、从业人员的奖补认定；事实由经办人核对，永久保存。"
    empty = "还没有奖补认定。"
    columns = [
        "decided_on",
        Column("whom", "对象"),
        "area",
        ("policy_version.policy", "政策"),
        "granted",
        "amount_fen",
        "reason",
    ]
    filters = ["granted", "policy_version__policy", "decided_on"]
    ordering = ["-decided_on", "-id"]
    select_related = ["area", "policy_version__policy", "provider", "facility", "staff"]
    totals = ["amount_fen"]
    readonly = True
    tabs = [Tab("为什么", "policy/_award_why.html", reasons), FACTS, TIMELINE]
    views = [
        View("choose/", "choose", choose_view, "policy.decide"),
        View("for/<uuid:policy_id>/", "for", award_view, "policy.decide"),
    ]
    extra_actions = [Action("认定奖补", lambda: AwardPages().url("choose"), "plus", "policy.decide", primary=True)]
