"""The guidance of elders in a place: labels, visits of care, premises, partner regions, the phone, the public map."""

import io
from datetime import datetime, time, timedelta

import pytest
from django.db.models import Count
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from songhe.care.orders.models import Order
from songhe.care.outreach.models import Attendance, Call, Charge, Course, Problem
from songhe.care.visits.models import Visit
from songhe.core.calendar.services import today
from songhe.core.scope.services import Scope, use
from songhe.faces.hotline.models import Call as PhoneCall
from songhe.registers.contracts.models import Contract
from songhe.registers.elders.models import Elder, Label, LabelRule
from songhe.registers.exchange.models import Handout, Partner
from songhe.registers.facilities.models import Facility, FacilityKind, Premises
from songhe.rights.assessment.models import Recognition
from tests.people import Person


@pytest.fixture
def city(anqing):
    """The clerks, the adviser and the operator of the demo region."""
    with use(Scope.system()):
        names = ("community", "street", "county", "operator", "leader")
        return {name: Person(name) for name in names}


def url(pages, action="list", *args):
    return reverse(f"console:{pages}-{action}", args=args)


def one(model, **found):
    """Return a record with what it points to, so that it can be read outside the system's scope."""
    with use(Scope.system()):
        return model.objects.select_related().get(**found)


def step(person, pages, obj, name, **data):
    return person.sends(url(pages, "step", obj.pk, name), **data)


@pytest.mark.requirement("WZ-04")
def test_labels_over_the_register_and_one_public_portal(city):
    street = city["street"]
    street.sends(
        url("elders-label-rule", "create"), name="七十以上", condition="年龄 >= 70", why="重点关怀", tone="orange"
    )
    rule = one(LabelRule, name="七十以上")
    tried = street.opens(url("elders-label-rule", "detail", rule.pk))
    step(street, "elders-label-rule", rule, "enact")
    with use(Scope.system()):
        bearing = list(Label.objects.filter(rule=rule).select_related("elder"))
        lo, hi = street.user.area.code, street.user.area.upper
        old = [e for e in Elder.objects.filter(area_id__gte=lo, area_id__lt=hi, state="active") if e.age >= 70]
    assert {row.elder_id for row in bearing} == {elder.pk for elder in old} != set()
    assert f"<strong>{len(old)}</strong>" in tried
    listed = street.opens(url("elders-elder") + f"?label={rule.pk}&size=100")
    assert all(elder.name in listed for elder in old[:20])
    # The portal: nobody is signed in.
    page = Client().get(reverse("caremap:public"))
    assert page.status_code == 200 and "开放的" in page.content.decode()


@pytest.mark.requirement("WH-02")
def test_the_public_map_shows_what_is_open_and_nothing_of_anybody(city):
    with use(Scope.system()):
        opened = Facility.objects.filter(state="open").count()
        hidden = Facility.objects.filter(state="open").first()
        Facility.objects.filter(pk=hidden.pk).update(state="paused")
    anybody = Client()
    data = anybody.get(reverse("caremap:public_map")).json()
    shown = {each["properties"]["id"] for each in data["facilities"]["features"]}
    assert len(shown) <= opened - 1 and str(hidden.pk) not in shown and len(data["reaches"]["features"]) > 0
    page = anybody.get(reverse("caremap:public")).content.decode()
    assert hidden.name not in page
    with use(Scope.system()):
        assert not any(elder.name in page for elder in Elder.objects.all()[:200] if len(elder.name) > 2)
    assert anybody.get(reverse("caremap:home")).status_code in (302, 303)


@pytest.mark.requirement("SS-04")
def test_those_alone_are_visited_regularly_and_their_families_trained(city):
    street, visitor = city["street"], city["community"]
    street.sends(url("outreach-charge", "refresh"))
    with use(Scope.system()):
        charge = Charge.objects.filter(area=visitor.user.area, validity__endswith=None).select_related("elder").first()
        assert charge is not None
        groups = {row.frequency.code for row in Charge.objects.select_related("frequency")}
        # Which kinds of difficulty a street has besides is the draw's.
        assert "alone" in groups and len(groups) > 1
    street.sends(url("outreach-charge", "do", charge.pk, "assign"), visitor=visitor.user.pk)
    assert charge.elder.name in visitor.opens(reverse("field:home"))
    # Seen from the phone, by the way, with a volunteer; one thing is not right at home.
    visitor.sends(
        reverse("field:charge", args=[charge.pk]), done_on=today().isoformat(), way="home", result="needs",
        note="血压偏高", companions="志愿者小李", problem="safety", problem_text="煤气灶漏气", urgent="on",
    )  # fmt: skip
    charge = one(Charge, pk=charge.pk)
    assert charge.last_seen_on == today() and charge.due_on > today()
    problem = one(Problem, elder=charge.elder)
    assert "煤气灶漏气" in visitor.opens(reverse("field:home"))
    step(visitor, "outreach-problem", problem, "settle", reason="已换阀门")
    assert one(Problem, pk=problem.pk).state == "settled"
    covered = street.opens(url("outreach-charge", "coverage"))
    assert "探访率" in covered and visitor.user.area.name in covered
    street.sends(
        url("outreach-course", "create"), topic="失能老人翻身与防压疮", area=street.user.area_id, hours="4",
        on=today().isoformat(), trainer="市立医院护理部",
    )  # fmt: skip
    course = one(Course)
    street.sends(
        url("outreach-attendance", "create"),
        course=course.pk,
        elder=charge.elder_id,
        name="王小",
        relation="女儿",
        passed="on",
    )
    assert one(Attendance).passed


@pytest.mark.requirement("WZ-19")
def test_cadres_visits_planned_and_ad_hoc_are_followed_to_the_end(city):
    street, visitor = city["street"], city["community"]
    street.sends(url("outreach-charge", "refresh"))
    with use(Scope.system()):
        charges = list(Charge.objects.filter(area=visitor.user.area, validity__endswith=None)[:2])
        other = Elder.objects.filter(area=visitor.user.area, state="active").exclude(
            pk__in=Charge.objects.values("elder")
        ).first()  # fmt: skip
    first = charges[0]
    visitor.sends(url("outreach-charge", "do", first.pk, "plan"), on=(today() + timedelta(days=1)).isoformat())
    planned = one(Call, charge=first)
    again = visitor.presses(
        url("outreach-charge", "do", first.pk, "plan"), on=(today() + timedelta(days=1)).isoformat()
    )
    assert "当天已安排探访" in again.content.decode()
    step(
        visitor, "outreach-call", planned, "hold", done_on=today().isoformat(), way="home", result="not_seen",
        note="敲门无人应",
    )  # fmt: skip
    problem = one(Problem, call=planned)
    step(visitor, "outreach-problem", problem, "refer", reason="邻居也联系不上")
    refused = visitor.client.get(url("outreach-problem", "step", problem.pk, "close"))
    assert refused.status_code in (403, 404) or "不能办理" in refused.content.decode()
    step(street, "outreach-problem", problem, "close", reason="在女儿家，平安")
    assert one(Problem, pk=problem.pk).outcome == "在女儿家，平安"
    assert one(Charge, pk=first.pk).last_seen_on is None
    if other is not None:
        visitor.sends(
            url("outreach-call", "create"), elder=other.pk, done_on=today().isoformat(), way="phone", result="well"
        )
        assert "安好" in visitor.opens(url("outreach-call") + "?adhoc=true")


@pytest.mark.requirement("AQ-04")
def test_idle_public_rooms_are_followed_from_survey_to_a_facility(city):
    street, county = city["street"], city["county"]
    street.sends(
        url("facilities-premises", "create"), name="旧粮站", origin="idle", owner="区粮食局", surveyed_m2="820",
        area=street.user.area_id, address="老街 5 号",
    )  # fmt: skip
    rooms = one(Premises, name="旧粮站")
    with use(Scope.system()):
        kind = FacilityKind.objects.get(code="day_care")
    step(county, "facilities-premises", rooms, "approve", kind=kind.pk, planned_m2="600")
    step(street, "facilities-premises", rooms, "build", built_m2="610")
    step(county, "facilities-premises", rooms, "accept", reason="11 月 20 日现场验收合格")
    step(county, "facilities-premises", rooms, "hand_over", on=today().isoformat())
    made = one(Facility, name="旧粮站")
    assert (made.state, made.floor_area_m2, made.kind_id) == ("planned", 610, kind.pk)
    listed = county.opens(url("facilities-premises") + "?origin=idle")
    assert "已移交" in listed and "820" in listed


@pytest.mark.requirement("WH-05")
def test_rooms_of_new_housing_are_accepted_and_handed_over_with_records(city):
    street, county = city["street"], city["county"]
    street.sends(
        url("facilities-premises", "create"), name="江南苑配套", origin="new_housing", owner="江南置业",
        surveyed_m2="400", households="1500", area=street.user.area_id,
    )  # fmt: skip
    rooms = one(Premises, name="江南苑配套")
    with use(Scope.system()):
        kind = FacilityKind.objects.get(code="complex")
    small = county.presses(url("facilities-premises", "step", rooms.pk, "approve"), kind=kind.pk, planned_m2="449")
    assert "1500 户应有 450.00 平方米" in small.content.decode()
    step(county, "facilities-premises", rooms, "approve", kind=kind.pk, planned_m2="450")
    step(street, "facilities-premises", rooms, "build", built_m2="440")
    short = county.presses(url("facilities-premises", "step", rooms.pk, "accept"), reason="验收")
    assert "少 10.00 平方米" in short.content.decode()
    step(county, "facilities-premises", rooms, "send_back", reason="补足面积")
    step(street, "facilities-premises", rooms, "build", built_m2="452")
    step(county, "facilities-premises", rooms, "accept", reason="联合验收合格")
    step(county, "facilities-premises", rooms, "hand_over", on=today().isoformat())
    page = county.opens(url("facilities-premises", "detail", rooms.pk))
    for shown in ("补足面积", "联合验收合格", "移交", "江南置业"):
        assert shown in page, shown


@pytest.mark.requirement("AQ-16")
def test_an_agreement_with_another_region_recognises_assessments_and_logs_what_is_given(city):
    county = city["county"]
    county.sends(
        url("exchange-partner", "create"), name="合肥市", agreement="合安养老服务协作协议", first=today().isoformat(),
        recognises="on", scales=["gbt-42195-2022"], subjects=["levels"],
    )  # fmt: skip
    partner = one(Partner, name="合肥市")
    with use(Scope.system()):
        lo, hi = county.user.area.code, county.user.area.upper
        person = Elder.objects.filter(area_id__gte=lo, area_id__lt=hi, state="active", ability_level=None).first()
    county.sends(
        url("assessment-recognition", "create"), elder=person.pk, partner=partner.pk, scale_key="gbt-42195-2022",
        number="HF-2026-88", level="2", assessed_on=(today() - timedelta(days=40)).isoformat(),
    )  # fmt: skip
    assert one(Recognition, elder=person).partner == partner
    assert one(Elder, pk=person.pk).ability_level == 2
    given = county.presses(
        url("exchange-partner", "hand-out", partner.pk), subject="levels", area=county.user.area_id, form="xlsx",
        reason="异地养老待遇核对",
    )  # fmt: skip
    rows = list(load_workbook(io.BytesIO(given.content)).active.values)
    log = one(Handout, partner=partner)
    assert len(rows) == log.rows + 1 and person.name in {row[0] for row in rows}
    listed = county.opens(url("exchange-handout"))
    assert "异地养老待遇核对" in listed and county.user.display_name in listed
    assert city["leader"].client.get(url("exchange-partner", "hand-out", partner.pk)).status_code == 403


@pytest.mark.requirement("GC-12")
def test_a_service_is_booked_by_phone_at_a_contracted_provider_for_a_visit_at_home(city):
    desk, county = city["operator"], city["county"]
    with use(Scope.system()):
        lo, hi = desk.user.area.code, desk.user.area.upper
        shared = Elder.objects.values("phone_index").annotate(bearers=Count("pk")).filter(bearers__gt=1)
        alone = Elder.objects.exclude(phone_index__in=shared.values("phone_index"))
        booked = Order.objects.filter(
            area_id__gte=lo, area_id__lt=hi, service__at_home=True, elder__state="active", source="call",
            elder__phone_index__isnull=False, elder__in=alone,
        ).select_related("elder", "service").first()  # fmt: skip
        person, service = booked.elder, booked.service
        phone, known = person.phone, set(person.orders.values_list("pk", flat=True))
        contracted = set(Contract.objects.values_list("provider_id", flat=True))
    assert person.name in desk.opens(desk.sends(reverse("hotline:take"), phone=phone))
    with use(Scope.system()):
        call = PhoneCall.objects.latest("started_at")
    wanted = timezone.make_aware(datetime.combine(today() + timedelta(days=1), time(10)))
    desk.sends(
        reverse("hotline:order", args=[call.pk]), service_id=service.pk, wanted_from=wanted.strftime("%Y-%m-%dT%H:%M")
    )
    with use(Scope.system()):
        order = person.orders.exclude(pk__in=known).get()
        assert (order.source, order.service) == ("call", service)
        assert order.provider_id in contracted
        assert Visit.objects.get(order=order).elder_id == person.pk
        served = Visit.objects.filter(state="verified").count()
    assert order.number in county.opens(url("orders-order") + "?source=call&size=100")
    # Person-times served are counted from the visits, not kept beside them.
    assert served > 0 and f"{served:,}" in county.opens(url("visits-visit") + "?state=verified")
