"""The exchange's pages as clerks use them."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from songhe.core.scope.services import Scope, use
from songhe.registers.elders.importing import services as rolls
from songhe.registers.elders.models import Elder, ImportSource
from songhe.registers.elders.tests.people import number
from songhe.registers.elders.tests.sheets import xlsx
from songhe.registers.exchange.models import Finding

WANG, LI = number(order=12), number(order=13)


@pytest.fixture
def page(clerk):
    client = Client()
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    return client


def url(noun, action, *args):
    return reverse(f"console:exchange-{noun}-{action}", args=args)


PROFILE = {
    "name": "低保名册",
    "office": "civil_affairs",
    "subject": "difficulty",
    "kinds": ["minimum_living"],
    "cadence": "monthly",
    "is_whole": "on",
    "adds_people": "on",
    "rule_phone": "ask",
    "rule_name": "keep",
}


def roll(street, day, *people):
    rows = [["姓名", "身份证号", "社区"], *([name, one, "松东社区"] for name, one in people)]
    with use(Scope.area(street.code, street.upper)):
        batch = rolls.stage(data=xlsx(rows), file_name="名册.xlsx", area=street, source="低保名册", as_of=day)
        rolls.map_columns(batch_id=batch.pk, mapping={int(k): v for k, v in batch.mapping.items()})
        rolls.look_over(batch_id=batch.pk)
        rolls.apply(batch_id=batch.pk)


def test_a_source_from_profile_to_settled_finding(page, places, clerk):
    sent = page.post(url("source", "create"), PROFILE)
    source = ImportSource.objects.get()
    assert sent["Location"] == url("source", "detail", source.pk), sent.content.decode()
    assert (source.rules, source.kinds) == ({"phone": "ask", "name": "keep"}, ["minimum_living"])
    shown = page.get(sent["Location"]).content.decode()
    assert "逐条裁决" in shown
    form = page.get(url("source", "edit", source.pk)).content.decode()
    assert 'value="低保名册"' in form
    page.post(url("source", "edit", source.pk), PROFILE | {"contact": "张科长 5512345", "version": source.version})
    source.refresh_from_db()
    assert source.contact == "张科长 5512345"

    roll(places["street"], date(2026, 1, 31), ("王秀英", WANG), ("李大山", LI))
    roll(places["street"], date(2026, 2, 28), ("王秀英", WANG))
    assert "逾期" in page.get(url("source", "list")).content.decode()
    month = page.get(url("source", "month"), {"month": "2026-02"}).content.decode()
    assert "2026年2月名册比对" in month
    assert "从名册消失" in month

    finding = Finding.objects.get()
    assert "李大山" in page.get(url("finding", "list"), {"state": "open"}).content.decode()
    detail = page.get(url("finding", "detail", finding.pk)).content.decode()
    assert "2026-02-28 的名册不再列入" in detail
    dialog = page.get(url("finding", "step", finding.pk, "settle")).content.decode()
    assert "已迁出本地" in dialog
    assert "已协助申请" not in dialog
    page.post(
        url("finding", "step", finding.pk, "settle"), {"outcome": "died", "on": "2026-02-03", "reason": "入户核实"}
    )
    finding.refresh_from_db()
    assert finding.state == "settled"
    assert Elder.objects.get(name="李大山").death_date == date(2026, 2, 3)
    elder_page = page.get(reverse("console:elders-elder-detail", args=[finding.elder_id])).content.decode()
    assert "名册核查" in elder_page


def test_a_preview_shows_who_is_no_longer_on_the_roll(page, places):
    page.post(url("source", "create"), PROFILE)
    roll(places["street"], date(2026, 1, 31), ("王秀英", WANG), ("李大山", LI))
    with use(Scope.area(places["street"].code, places["street"].upper)):
        data = xlsx([["姓名", "身份证号", "社区"], ["王秀英", WANG, "松东社区"]])
        batch = rolls.stage(data=data, file_name="二月.xlsx", area=places["street"], source="低保名册")
        rolls.map_columns(batch_id=batch.pk, mapping={0: "name", 1: "id_number", 2: "area"})
        rolls.look_over(batch_id=batch.pk)
    text = page.get(reverse("console:elders-import-lines", args=[batch.pk, "vanished"])).content.decode()
    assert "本期未见" in text
    assert "李大山" in text


def test_the_dead_of_a_roll_are_noted_together(page, places):
    page.post(url("source", "create"), PROFILE | {"subject": "death", "kinds": [], "name": "死亡名册"})
    source = ImportSource.objects.get()
    assert source.adds_people is False
