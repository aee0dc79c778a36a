"""Care plans in the console."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from songhe.core.accounts.models import User
from songhe.core.calendar.services import months_after, today
from songhe.core.console.pages import FACTS, TIMELINE, Action, Column, Command, Pages, StepForm, Tab, View, pages
from songhe.core.console.parents import Parent
from songhe.core.console.views.access import led_to, record
from songhe.core.validity import last_day
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders
from songhe.rights.assessment.selectors import assessment_in_force, needs_help_with
from songhe.rights.careplans import forms, services
from songhe.rights.careplans.flow import PlanState
from songhe.rights.careplans.models import CarePlan
from songhe.rights.careplans.selectors import week_of

EDIT = "careplans.edit"
# How long a plan holds and when somebody looks at it again, unless whoever draws it up says otherwise.
MONTHS, REVIEW_AFTER_MONTHS = 6, 3


def of_elder(queryset: QuerySet[CarePlan], text: str) -> QuerySet[CarePlan]:
    """Find plans by their elder."""
    return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))


def is_draft(plan: CarePlan) -> bool:
    """Tell whether a plan may still be altered."""
    return bool(plan.state == PlanState.DRAFT)


def week(plan: CarePlan, user: User) -> dict[str, Any]:
    """Give the tab the plan's services and what a month of them costs."""
    return {"week": week_of(plan, max(today(), plan.validity.lower)), "alterable": is_draft(plan) and user.may(EDIT)}


def draw_up(
    *, elder_id: UUID, goals: str, first: date, last: date, review_on: date | None, revises_id: UUID | None, user: User
) -> CarePlan:
    """Draw up a plan that the person at the page answers for."""
    return services.draw_up(
        elder_id=elder_id,
        adviser=user,
        goals=goals,
        first=first,
        last=last,
        review_on=review_on,
        revises_id=revises_id,
    )


@require_POST
def remove_item(request: HttpRequest, *, pages: Pages, pk: str, item: UUID) -> HttpResponse:
    """Take a service off a plan."""
    plan = record(request, pages, pk)
    services.remove_item(plan_id=plan.pk, item_id=item)
    return led_to(request, pages.url("detail", plan.pk))


def goals_from(elder_id: UUID) -> str:
    """Return the first lines of a plan, from the assessment in force."""
    found = assessment_in_force(elder_id, today())
    if found is None:
        return ""
    helped = "、".join(needs_help_with(found))
    lines = [f"能力评估（{found.published_on}）：{found.level_name}，{found.total} 分。"]
    return "\n".join([*lines, f"需要协助：{helped}。" if helped else "各项基本自理。", "目标："])


@pages
class CarePlanPages(Pages):
    model, room, noun, menu, icon, order = CarePlan, "careplans", "plan", "评估与待遇", "clipboard-heart", 50
    explain = "养老顾问按评估结果和待遇，与老人、家属商定的服务安排；确认后自动生成周期订单。"
    empty = "还没有照护计划。从老人档案的“照护计划”页，或点“新建照护计划”开始。"
    columns = [
        Column("elder.name", "老年人", order_by="elder__name_pinyin"),
        "area",
        "state",
        "validity",
        "review_on",
        "adviser",
        "agreed_on",
    ]
    more_columns = [("assessment.number", "依据的评估"), "agreed_by", "ended_reason"]
    facts = [
        Column("elder.name", "老年人"),
        "area",
        "state",
        "validity",
        "review_on",
        "adviser",
        ("assessment.number", "依据的评估"),
        "agreed_on",
        "agreed_by",
        "ended_reason",
    ]
    search, search_hint = of_elder, "姓名、拼音或身份证号"
    filters = ["state", "adviser", "review_on", "area"]
    ordering = ["-id"]
    select_related = ["elder", "area", "adviser", "assessment", "revises"]
    under = {Elder: "elder"}
    form, create, edit_form, update = forms.PlanForm, draw_up, forms.PlanEditForm, services.amend
    permissions = {"create": EDIT}
    steps = {
        "propose": StepForm(run=services.propose, primary=True),
        "agree": StepForm(form=forms.AgreeForm, run=services.agree, primary=True, warning="确认后按计划生成周期订单。"),
        "decline": StepForm(run=services.decline),
        "review": StepForm(form=forms.ReviewForm, run=services.review),
        "end": StepForm(run=services.terminate, warning="终止后，今天之后的周期订单和未开始的订单一并取消。"),
        "drop": StepForm(run=services.drop),
    }
    hidden_steps = ["replace"]
    commands = [Command("add-item", "添加服务", services.add_item, EDIT, forms.ItemForm, icon="plus", only_if=is_draft)]
    detail_actions = [
        Action(
            "修订",
            lambda plan: (
                f"{reverse('console:careplans-plan-create')}?of=elders-elder:{plan.elder_id}&revises={plan.pk}"
            ),
            icon="versions",
            permission=EDIT,
            only_if=lambda plan: plan.state == PlanState.AGREED,
        )
    ]
    views = [View("<uuid:pk>/items/<uuid:item>/remove/", "remove-item", remove_item, EDIT)]
    tabs = [Tab("服务安排", "careplans/_week.html", week), FACTS, TIMELINE]

    def editable(self, obj: Model, user: User) -> bool:
        """Close what was put to the family."""
        return isinstance(obj, CarePlan) and is_draft(obj) and self.may(user, "edit")

    def notices(self, obj: Model, user: User) -> Iterable[tuple[str, str]]:
        """Point out a review that is due, a plan that runs out, and a revision under way."""
        assert isinstance(obj, CarePlan)
        if obj.state != PlanState.AGREED:
            return
        end = last_day(obj.validity)
        if end is not None and end < today():
            yield "warning", f"计划已于 {end} 到期，请修订或终止。"
        elif obj.review_on is not None and obj.review_on <= today():
            yield "warning", f"已到复核日期 {obj.review_on}，请上门了解情况后办理“复核”。"

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Start with the assessment in force, or with the plan that is to be revised."""
        if isinstance(obj, CarePlan):
            return {"first": obj.validity.lower, "last": last_day(obj.validity)}
        first = today()
        start: dict[str, Any] = {
            "first": first,
            "last": months_after(first, MONTHS) - timedelta(days=1),
            "review_on": months_after(first, REVIEW_AFTER_MONTHS),
        }
        if revised := request.GET.get("revises", ""):
            former = record(request, self, revised)
            tomorrow = first + timedelta(days=1)
            last = max(tomorrow, last_day(former.validity) or tomorrow)
            review = former.review_on if former.review_on and tomorrow <= former.review_on <= last else None
            return {
                "first": tomorrow,
                "last": last,
                "review_on": review,
                "goals": former.goals,
                "revises_id": former.pk,
            }
        parent = Parent.asked(self, request, request.GET.get("of", ""))
        if parent is not None and isinstance(parent.obj, Elder):
            start["goals"] = goals_from(parent.obj.pk)
        return start
