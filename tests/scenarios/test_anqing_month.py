"""One elder's month in Anqing: found, assessed, entitled, served, verified, settled, and seen on the screen."""

from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from stdnum.cn import ric

from songhe.care.dispatch.models import Assignment
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import HomeCode, Visit
from songhe.care.visits.services import examine, give_home_code
from songhe.core.calendar.services import at, today
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.faces.hotline.models import Call
from songhe.money.settlement.models import Statement
from songhe.registers.catalogue.models import Category, Service
from songhe.registers.elders.models import Elder, ElderState
from songhe.registers.facilities.models import Facility, Operation
from songhe.registers.funds.models import BudgetLine, Pot
from songhe.registers.workforce.models import Staff
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import DEFAULT, scale
from songhe.rights.policy.models import Decision, Policy
from songhe.rights.policy.services import open_credit
from tests.people import Person


def detail(pages, obj, action="detail", *more):
    return reverse(f"console:{pages}-{action}", args=[obj.pk, *more])


@pytest.fixture
def city(anqing):
    """The people of the demo region, by what they do."""
    names = ("community", "street", "county", "operator", "assessor1", "assessor2", "checker", "approver", "cashier")
    with use(Scope.system()):
        return {name: Person(name) for name in (*names, "carer", "leader", "inspector", "provider")}


def number_of(birth):
    body = f"340802{birth:%Y%m%d}102"
    return body + ric.calc_check_digit(body + "0")


@pytest.fixture
def wang(city):
    """An elder a community clerk has just found and entered."""
    clerk = city["community"]
    birth = today().replace(year=today().year - 76, day=1)
    clerk.sends(
        reverse("console:elders-elder-create"),
        name="王桂芝",
        id_kind="resident",
        id_number=number_of(birth),
        phone="13900001111",
        area=clerk.user.area_id,
        registered_area=clerk.user.area_id,
        address="人民路1号",
        living_situation="alone",
    )
    with use(Scope.system()):
        return Elder.objects.get(name="王桂芝")


def add_difficulty(city, elder, kind):
    from songhe.registers.elders.services import record_difficulty

    with use(Scope.system()):
        record_difficulty(elder_id=elder.pk, kind=kind, first=today() - timedelta(days=30), source="演示民政局")


def assess(city, elder, worse=()):
    """Apply, assign, assess at the bedside, review and publish, each by the person whose step it is."""
    city["community"].sends(
        reverse("console:assessment-assessment-create"), elder_id=elder.pk, reason="first", applicant=elder.name
    )
    with use(Scope.system()):
        assessment = Assessment.objects.get(elder=elder)
    city["street"].sends(
        detail("assessment-assessment", assessment, "step", "assign"),
        assessor_1=city["assessor1"].user.pk,
        assessor_2=city["assessor2"].user.pk,
    )
    answers = {item.code: item.most for item in scale(DEFAULT).items} | dict(worse)
    city["assessor1"].sends(
        reverse("field:assessment", args=[assessment.pk]), informant="王桂芝", informant_relation="本人", **answers
    )
    city["street"].sends(detail("assessment-assessment", assessment, "step", "accept"))
    city["county"].sends(detail("assessment-assessment", assessment, "step", "publish"))
    with use(Scope.system()):
        assessment.refresh_from_db()
    return assessment


def decide(city, elder):
    with use(Scope.system()):
        policy = Policy.objects.get(key="aq-safety-net-services")
    city["street"].sends(
        reverse("console:policy-decision-create"), elder_id=elder.pk, policy=policy.pk, on=today().isoformat()
    )
    with use(Scope.system()):
        return Decision.objects.filter(elder=elder).latest("created_at")


@pytest.mark.requirement("WZ-12")
def test_an_assessment_yields_the_level_item_by_item_and_is_published(city, wang):
    assessment = assess(
        city, wang, worse={"B.1.3": 0, "B.1.4": 1, "B.2.3": 1, "B.2.4": 0, "B.3.4": 2, "B.4.3": 0}.items()
    )
    assert (assessment.total, assessment.level) == (71, 1)
    page = city["street"].opens(detail("assessment-assessment", assessment))
    for shown in ("71", "轻度失能", "洗澡", "完全依赖他人", "量表"):
        assert shown in page
    with use(Scope.system()):
        wang.refresh_from_db()
    assert wang.ability_level == 1
    paper = city["street"].client.get(reverse("console:assessment-assessment-report", args=[assessment.pk]))
    assert paper.content.startswith(b"%PDF")


@pytest.mark.requirement("WZ-11", "SS-10")
def test_who_is_in_the_safety_net_is_decided_explained_and_listed(city, wang):
    refused = decide(city, wang)
    assert not refused.entitled
    add_difficulty(city, wang, "minimum_living")
    granted = decide(city, wang)
    assert granted.entitled
    page = city["street"].opens(detail("policy-decision", granted))
    for shown in ("符合条件", "200.00", "低保", "政府购买居家养老服务实施办法"):
        assert shown in page
    listed = city["street"].opens(reverse("console:elders-elder-list") + "?difficulty=minimum_living")
    assert "王桂芝" in listed


@pytest.mark.requirement("AQ-09", "AQ-10")
def test_a_call_to_12349_becomes_a_visit_verified_and_paid_from_the_credit(city, wang):
    with use(Scope.system()):
        assert Category.objects.filter(parent__isnull=True).exclude(code="N").count() == 8
        service = Service.objects.get(name="日常保洁")
    add_difficulty(city, wang, "minimum_living")
    decision = decide(city, wang)
    with use(Scope.system()):
        credit = open_credit(entitlement=decision.entitlement, month=today())
        assert balance(credit.account) == 20000

    # The caller is known by the number; the order is placed and dispatched in one go.
    desk = city["operator"]
    led_to = desk.sends(reverse("hotline:take"), phone="139 0000 1111")
    assert "王桂芝" in desk.opens(led_to)
    with use(Scope.system()):
        call = Call.objects.latest("started_at")
    tomorrow = timezone.make_aware(datetime.combine(today() + timedelta(days=1), time(10)))
    placed = desk.sends(
        reverse("hotline:order", args=[call.pk]),
        service_id=service.pk,
        wanted_from=tomorrow.strftime("%Y-%m-%dT%H:%M"),
        note="门铃坏了",
    )
    assert "已派" in desk.opens(placed)
    with use(Scope.system()):
        order = Order.objects.get(elder=wang)
        visit = Visit.objects.get(order=order)
        assert Assignment.objects.filter(order=order, suggested=True).exists()
        assert (order.price_fen, order.credit_fen, order.own_fen) == (3500, 3500, 0)
        assert balance(credit.account) == 20000 - 3500
        home = give_home_code(elder_id=wang.pk)

    # The carer comes, reads the code at the door, leaves, and the rules find nothing to doubt.
    with use(Scope.system()):
        staff = Staff.objects.get(pk=visit.staff_id)
        carer = city["carer"].user
        carer.staff_id, carer.provider_id = staff.pk, staff.provider_id
        carer.save()
    with at(visit.planned.lower):
        city["carer"].sends(reverse("field:check_in", args=[visit.pk]), home_code=home.token)
    with at(visit.planned.upper + timedelta(minutes=2)):
        # An hour at the elder's ends an idle session: the carer signs in again.
        Person("carer").sends(reverse("field:check_out", args=[visit.pk]), note="已打扫厨房")
        with use(Scope.system()):
            visit.refresh_from_db()
            assert visit.state == VisitState.FINISHED, visit.get_state_display()
            examine(visit_id=visit.pk)
    with use(Scope.system()):
        visit.refresh_from_db()
        order.refresh_from_db()
        assert (visit.state, order.state) == (VisitState.VERIFIED, OrderState.CLOSED)
        assert verify().ok


@pytest.mark.requirement("AQ-10")
def test_past_months_are_settled_by_separate_people_and_the_books_agree(city):
    with use(Scope.system()):
        assert Statement.objects.filter(state="paid").exists()
        assert verify().ok
        waiting = Statement.objects.filter(state="confirmed").first()
    city["checker"].sends(detail("settlement-statement", waiting, "step", "review"))
    refused = city["checker"].opens(detail("settlement-statement", waiting))
    assert "审批通过" not in refused
    city["approver"].sends(detail("settlement-statement", waiting, "step", "approve"))


@pytest.mark.requirement("AQ-06")
def test_funds_of_several_sources_and_currencies_are_tied_to_their_purpose(city):
    with use(Scope.system()):
        pots = {pot.code: pot for pot in Pot.objects.all()}
        assert (pots["aq-wb"].currency, pots["aq-wb"].amount) == ("USD", 43_000_000_00)
        assert pots["aq-central"].amount == 40_390_000_00
        assert BudgetLine.objects.filter(purpose="居家养老服务购买").count() == 3
    page = city["county"].opens(reverse("console:funds-pot-list"))
    for shown in ("世界银行贷款", "中央财政试点资金", "福利彩票公益金"):
        assert shown in page


@pytest.mark.requirement("AQ-18")
def test_stations_are_run_by_brand_operators_under_contract(city):
    with use(Scope.system()):
        assert Facility.objects.count() == 75
        assert Operation.objects.values("provider__brand").distinct().count() == 4
    assert "服务站" in city["inspector"].opens(reverse("console:facilities-facility-list"))


@pytest.mark.requirement("WZ-01")
def test_one_screen_shows_live_figures_that_open_their_rows(city):
    with use(Scope.system()):
        alive = Elder.objects.filter(state=ElderState.ACTIVE).count()
    page = city["leader"].opens(reverse("screen:home"))
    for shown in ("在册老年人", str(alive), "75", "资金与预算", "城市社区设施覆盖率"):
        assert shown in page
    assert reverse("console:elders-elder-list") in page
    shapes = city["leader"].client.get(reverse("screen:map")).json()
    assert len(shapes["facilities"]["features"]) == 75
    assert len(shapes["counties"]["features"]) > 5


def test_a_wrong_code_at_the_door_is_refused_in_words(city):
    with use(Scope.system()):
        visit = Visit.objects.filter(state=VisitState.PLANNED).select_related("staff").first()
        other = HomeCode.objects.exclude(elder_id=visit.elder_id).first()
        carer = city["carer"].user
        carer.staff_id, carer.provider_id = visit.staff_id, visit.provider_id
        carer.save()
    answer = city["carer"].presses(reverse("field:check_in", args=[visit.pk]), home_code=other.token)
    assert "这不是这位老人家的二维码" in answer.content.decode()
