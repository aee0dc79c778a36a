"""Assessments in the console."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from songhe.core.accounts.models import User
from songhe.core.console.pages import TIMELINE, Action, Column, Pages, StepForm, Tab, View, pages
from songhe.registers.elders.models import Elder
from songhe.registers.elders.selectors import search_elders
from songhe.rights.assessment import services
from songhe.rights.assessment.forms import ApplyForm, AssignForm, RecogniseForm
from songhe.rights.assessment.models import Assessment, Recognition
from songhe.rights.assessment.report import report_pdf
from songhe.rights.assessment.scales import scale


def search(queryset: QuerySet[Assessment], text: str) -> QuerySet[Assessment]:
    """Find assessments by their number, or by the elder."""
    return queryset.filter(Q(number=text.strip()) | Q(elder__in=search_elders(Elder.objects.all(), text)))


def explained(assessment: Assessment, user: User) -> dict[str, Any]:
    """Give the result tab the scale, group by group, with what was found."""
    rules = scale(assessment.scale)
    return {
        "scale": rules,
        "groups": [
            {
                "name": group.name,
                "sum": assessment.result.get("groups", {}).get(group.code),
                "most": sum(item.most for item in group.items),
                "items": [
                    {
                        "name": item.name,
                        "score": assessment.answers.get(item.code),
                        "most": item.most,
                        "text": item.option_text(assessment.answers.get(item.code)),
                    }
                    for item in group.items
                ],
            }
            for group in rules.groups
        ],
    }


def report(request: HttpRequest, *, pages: Pages, pk: str) -> HttpResponse:
    """Give the report as a PDF."""
    assessment = get_object_or_404(
        Assessment.objects.select_related("elder", "area", "assessor_1", "assessor_2"), pk=pk
    )
    response = HttpResponse(report_pdf(assessment), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{assessment.number}.pdf"'
    return response


@pages
class AssessmentPages(Pages):
    model, room, noun, menu, icon = Assessment, "assessment", "assessment", "评估与待遇", "clipboard-check"
    explain = "按国家标准评定老年人能力等级：申请、指派、评估、复核、公示、异议。"
    empty = "还没有评估。点“新建”为老人申请第一次能力评估。"
    columns = [
        "number",
        Column("elder.name", "老年人", order_by="elder__name_pinyin"),
        "area",
        "reason",
        "state",
        "total",
        "level_name",
        "applied_on",
    ]
    more_columns = ["assessor_1", "assessor_2", "assessed_at", "published_on", "validity"]
    search, search_hint = search, "评估编号、姓名、拼音或身份证号"
    filters = ["state", "reason", "level"]
    ordering = ["-id"]
    select_related = ["elder", "area", "assessor_1", "assessor_2"]
    under = {Elder: "elder"}
    form, create = ApplyForm, services.apply
    permissions = {"create": "assessment.apply"}
    steps = {
        "assign": StepForm(form=AssignForm, run=services.assign, primary=True),
        "accept": StepForm(run=services.accept, primary=True),
        "send_back": StepForm(run=services.send_back),
        "publish": StepForm(run=services.publish_result, primary=True),
        "object_to": StepForm(run=services.object_to),
        "uphold": StepForm(run=services.uphold),
        "withdraw": StepForm(run=services.withdraw),
    }
    hidden_steps = ["assess"]
    tabs = [
        Tab("评估结果", "assessment/_result.html", explained),
        TIMELINE,
    ]
    views = [View("<uuid:pk>/report.pdf", "report", report)]
    detail_actions = [
        Action(
            "评估报告",
            lambda obj: AssessmentPages().url("report", obj.pk),
            icon="file-text",
            only_if=lambda obj: obj.level is not None,
        )
    ]


@pages
class RecognitionPages(Pages):
    model, room, noun, menu, icon, order = (
        Recognition,
        "assessment",
        "recognition",
        "评估与待遇",
        "rosette-discount-check",
        52,
    )
    explain = "按协议承认其他地区的能力评估，不必重评；到期或本地重评后以本地为准。"
    empty = "还没有互认的评估。先在“协作地区”登记协议。"
    create_label = "登记互认评估"
    columns = [
        Column("elder.name", "老年人", order_by="elder__name_pinyin"), "area", "partner", "number", "level",
        "assessed_on", "validity", "by",
    ]  # fmt: skip
    filters = ["partner", "level", "area"]
    ordering = ["-id"]
    select_related = ["elder", "area", "partner", "by"]
    under = {Elder: "elder"}
    form, create = RecogniseForm, services.recognise
    permissions = {"create": "assessment.accept"}

    @staticmethod
    def search(queryset: QuerySet[Recognition], text: str) -> QuerySet[Recognition]:
        """Find recognised assessments by their number, or by the elder."""
        return queryset.filter(Q(number=text.strip()) | Q(elder__in=search_elders(Elder.objects.all(), text)))
