"""Pages of the test paper, with every part of the kit in use."""

from django import forms
from django.http import HttpResponse

from songhe.core.areas.models import Area
from songhe.core.console.fields import Lookup
from songhe.core.console.pages import FACTS, TIMELINE, Bulk, Command, Pages, StepForm, View, register
from songhe.core.crypto.sealing import blind_index
from songhe.core.errors import Refused
from songhe.core.flow.services import start
from songhe.core.locks import locked
from songhe.core.testing.paper import Paper


def find(rows, text):
    if text.isdecimal():
        return rows.filter(phone_index=blind_index(text, purpose="phone_index"))
    return rows.filter(subject__icontains=text)


def hand_in(*, user, subject, area, phone=""):
    if "禁止" in subject:
        raise Refused("事由不能这样写。", field="subject")
    paper = Paper.objects.create(subject=subject, area=area, phone=phone)
    start(paper, user)
    return paper


def amend(*, paper, version, subject, area, phone=""):
    row = locked(Paper.objects.filter(pk=paper.pk), version=version)
    row.subject, row.area, row.phone = subject, area, phone
    row.save()
    return row


def rename(*, paper, subject):
    if paper.subject == "钉死":
        raise Refused("这一份不能改名。")
    paper.subject = subject
    paper.save()


def undone(request, *, pages):
    Paper.objects.update(subject="不该留下")
    raise Refused("规则不允许。")


def broken(request, *, pages):
    Paper.objects.update(subject="不该留下")
    raise RuntimeError("程序错误")


class PaperForm(forms.Form):
    subject = forms.CharField(label="事由", max_length=100)
    area = forms.ModelChoiceField(label="区划", queryset=Area.objects.all(), widget=Lookup("areas-area"))
    phone = forms.CharField(label="电话", required=False)


class SubjectForm(forms.Form):
    subject = forms.CharField(label="新事由")


class PaperPages(Pages):
    model, room, noun = Paper, "papers", "paper"
    menu = None
    columns = ["subject", "area", "state", "phone"]
    more_columns = ["created_at"]
    search = find
    filters = ["area", "state", "created_at"]
    select_related = ["area"]
    form, create, update = PaperForm, hand_in, amend
    facts = ["subject", "area.full_name", "phone"]
    tabs = [FACTS, TIMELINE]
    title, under = "申请单", {Area: "area"}
    steps = {"approve": StepForm(form=SubjectForm)}
    commands = [Command("rename", "改名", rename, "papers.edit", form=SubjectForm)]
    bulk = [
        Bulk("rename", "改名", "papers.edit", run=rename, form=SubjectForm),
        Bulk("check", "审核", "papers.edit", step="check_it"),
    ]
    views = [
        View("undone/", "undone", undone),
        View("broken/", "broken", broken),
        View("secret/", "secret", lambda request, pages: HttpResponse("秘密"), "papers.never"),
    ]


register(PaperPages())
