"""Statements and their lines in the console."""

from datetime import date
from typing import Any, cast

from django.contrib import messages
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.calendar.services import month_of, today
from songhe.core.console.pages import FACTS, TIMELINE, Action, Column, Command, Pages, StepForm, Tab, View, pages
from songhe.core.events.services import defer
from songhe.core.ledger.selectors import entries_from
from songhe.money.settlement import services
from songhe.money.settlement.drawing import unpriced
from songhe.money.settlement.flow import StatementState
from songhe.money.settlement.forms import AnswerForm, DisputeForm, DrawForm
from songhe.money.settlement.jobs import draw_month
from songhe.money.settlement.models import Statement, StatementLine
from songhe.money.settlement.selectors import MOST_LINES, lines_of, statements_with_totals

TONES: dict[str, str] = {
    StatementState.DISPUTED: "orange",
    StatementState.APPROVED: "green",
    StatementState.PAID: "secondary",
}


def _search(queryset: QuerySet[Statement], text: str) -> QuerySet[Statement]:
    """Find statements by number or by the provider's name."""
    return queryset.filter(Q(number=text.strip()) | Q(provider__name__icontains=text.strip()))


def _month(statement: Statement) -> str:
    return f"{statement.month:%Y年%m月}"


def _lines(statement: Statement, user: User) -> dict[str, Any]:
    return {"lines": lines_of(statement, most=MOST_LINES), "most": MOST_LINES}


def _entries(statement: Statement, user: User) -> dict[str, Any]:
    return {"entries": entries_from(statement.pk)}


def _draw_url() -> str:
    return reverse("console:settlement-statement-draw")


def draw_view(request: HttpRequest, *, pages: Pages) -> HttpResponse:
    """Ask for a month and have its statements drawn in the background."""
    first, _next = month_of(today())
    last_month, _first = month_of(date.fromordinal(first.toordinal() - 1))
    form = DrawForm(request.POST or None, initial={"month": last_month})
    if request.method == "POST" and form.is_valid():
        month, next_first = month_of(form.cleaned_data["month"])
        if today() < next_first:
            form.add_error("month", f"{month:%Y年%m月}还没有结束，不能结算。")
        else:
            queued = defer(draw_month, month=month, user_id=request.user.pk)
            text = "已开始在后台生成" if queued else "上一次生成还没有完成，请稍候"
            messages.success(request, f"{month:%Y年%m月}结算单{text}，完成后会出现在列表中。")
            return redirect(pages.url())
    context = {"pages": pages, "form": form, "unpriced": unpriced(last_month), "month": last_month}
    return render(request, "settlement/draw.html", context, status=200 if not form.errors else 422)


@pages
class StatementPages(Pages):
    model, room, noun, menu, icon, order = Statement, "settlement", "statement", "资金", "receipt", 40
    explain = "每家服务商每月核验通过的服务，按合同价结算。"
    empty = "还没有结算单。月末后点“生成结算单”。"
    queryset = statements_with_totals
    columns = [
        "number",
        Column("month", "结算月份", render=_month, order_by="month"),
        "provider",
        "area",
        Column("visits", "服务次数", order_by="visits", number=True),
        Column("payable_fen", "应结（元）", order_by="payable_fen"),
        Column("state", tones=TONES),
    ]
    more_columns = [
        Column("credit_fen", "额度支付（元）"),
        Column("own_fen", "自付（元）"),
        Column("disputes", "待处理异议", number=True),
        "drawn_at",
    ]
    facts = [*columns[:-1], *more_columns]
    search, search_hint = _search, "结算单号或服务商"
    filters = ["state", "provider", "month"]
    select_related = ["provider", "area"]
    readonly = True
    tabs = [
        Tab("明细", "settlement/_lines.html", _lines),
        Tab("分录", "settlement/_entries.html", _entries, permission="ledger.view"),
        TIMELINE,
    ]
    steps = {
        "dispute": StepForm(
            form=DisputeForm, run=services.dispute, warning="提出异议后，由结算单位逐条处理，处理完再审核。"
        ),
        "review": StepForm(run=services.check, primary=True),
        "approve": StepForm(run=services.approve, primary=True, warning="审批后，款项转为待支付，不能再改明细。"),
    }
    hidden_steps = ["pay", "unpay"]
    views = [View("draw/", "draw", draw_view, permission="settlement.draw")]
    extra_actions = [Action("生成结算单", _draw_url, icon="plus", permission="settlement.draw", primary=True)]

    def subtitle(self, obj: Model) -> str:
        """Say whose and which month."""
        statement = cast(Statement, obj)
        return f"{statement.provider} · {_month(statement)}"


def _answer(*, line: StatementLine, keep: bool, answer: str, user: User) -> None:
    services.answer(line=line, keep=keep, answer=answer, user=user)


@pages
class StatementLinePages(Pages):
    model, room, noun, icon = StatementLine, "settlement", "line", "list-details"
    explain = "结算单上的每一次服务。内容在生成时冻结并签章。"
    columns = [
        "served_on",
        ("statement.number", "结算单号"),
        ("visit.service", "服务项目"),
        ("visit.staff", "护理员"),
        "area",
        "minutes",
        "contract_price_fen",
        "credit_fen",
        "own_fen",
        "payable_fen",
    ]
    facts = [*columns, "price_fen", "verified_at", "dispute", "answer", "answered_by", "voided_at"]
    filters = ["statement", "statement__state", "provider", "statement__month"]
    select_related = ["statement", "visit__service", "visit__staff", "area", "answered_by"]
    totals = ["credit_fen", "own_fen", "payable_fen"]
    readonly = True
    tabs = [FACTS, TIMELINE]
    commands = [
        Command(
            "answer",
            "处理异议",
            _answer,
            "settlement.draw",
            form=AnswerForm,
            icon="gavel",
            only_if=lambda line: line.disputed_at is not None and line.answered_at is None,
        )
    ]
