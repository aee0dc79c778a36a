"""The pages of labels: writing, trying, using and giving up rules; who bears which label and why."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from songhe.core.accounts.models import User
from songhe.core.console.pages import TIMELINE, Action, Column, Pages, StepForm, Tab, badge, pages
from songhe.core.errors import Refused
from songhe.registers.elders.flow import LabelRuleState
from songhe.registers.elders.labelling import selectors, services
from songhe.registers.elders.labelling.forms import LabelForm
from songhe.registers.elders.models import Elder, Label, LabelRule
from songhe.registers.elders.selectors import search_elders, within_scope

LABEL = "elders.label"


def badges(elder: Elder) -> SafeString | str:
    """Write the labels an elder bears."""
    return SafeString(" ".join(badge(str(row.rule), row.rule.tone) for row in selectors.labels_of(elder))) or "—"


def _draft(*, user: User, **data: Any) -> LabelRule:
    if user.area is None:
        raise Refused("您的账号没有负责的区划，不能写标签。")
    return services.draft(area=user.area, user=user, **data)


def _trial(rule: LabelRule, _user: User) -> dict[str, Any]:
    return {"trial": selectors.trial(rule)}


@pages
class LabelRulePages(Pages):
    model, room, noun, menu, icon, order = LabelRule, "elders", "label-rule", "老人档案", "tags", 40
    title, explain = (
        "标签规则",
        "按档案里的事实给老人打标签：写成条件，先试算，再启用；每晚随档案更新，谁因何有标签都可查。",
    )
    empty = '还没有标签。点“新建标签规则”，例如：年龄 >= 80 and 居住状况 = "独居"。'
    columns = [
        Column("name", tones=None), "area", "condition", "why", "state",
        Column("bearers", "现有人数", number=True), "computed_on",
    ]  # fmt: skip
    filters = ["state"]
    queryset = selectors.rules
    select_related = ["area"]
    ordering = ["name"]
    form, create, update = LabelForm, _draft, services.amend
    permissions: ClassVar[dict[str, str]] = {"create": LABEL, "edit": LABEL}
    steps = {
        "enact": StepForm(run=services.enact, primary=True, warning="启用后立即计算，符合条件的老人自今天起有此标签。"),
        "retire": StepForm(run=services.retire, warning="停用后，现有的标签自今天起终止。"),
    }
    tabs: ClassVar[list[Tab]] = [
        Tab("试算", "elders/_label_trial.html", _trial, only_if=lambda rule: rule.state != LabelRuleState.RETIRED),
        TIMELINE,
    ]

    def editable(self, obj: Model, user: User) -> bool:
        """Close rules that were given up."""
        return isinstance(obj, LabelRule) and obj.state != LabelRuleState.RETIRED and self.may(user, "edit")

    def initial(self, request: HttpRequest, obj: Model | None) -> dict[str, Any]:
        """Start with what the rule says."""
        names = ("name", "condition", "why", "tone")
        return {name: getattr(obj, name) for name in names} if isinstance(obj, LabelRule) else {}


@pages
class LabelPages(Pages):
    model, room, noun = Label, "elders", "label"
    title, tab_label = "标签", "标签"
    columns = [Column("elder.name", "老年人"), Column("rule", "标签"), "area", "because", "validity"]
    filters = ["area", "validity"]
    ordering = ["-id"]
    select_related = ["elder", "rule", "area"]
    under: ClassVar = {LabelRule: "rule", Elder: "elder"}
    readonly, exportable = True, True
    detail_actions = [Action("标签规则", lambda row: LabelRulePages().url("detail", row.rule_id), "tags")]

    @staticmethod
    def queryset() -> QuerySet[Label]:
        """Return who bore which label in scope."""
        return within_scope(Label.objects.all())

    @staticmethod
    def search(queryset: QuerySet[Label], text: str) -> QuerySet[Label]:
        """Find labels by the elder."""
        return queryset.filter(elder__in=search_elders(Elder.objects.all(), text))
