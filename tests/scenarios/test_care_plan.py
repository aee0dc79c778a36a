"""An adviser draws up a care plan with an elder and family, carries it on, revises and ends it, all at the pages."""

from datetime import timedelta

import pytest
from django.urls import reverse

from songhe.care.orders.models import StandingOrder
from songhe.core.calendar.services import today
from songhe.core.scope.services import Scope, use
from songhe.registers.catalogue.models import Service
from songhe.registers.elders.models import Elder
from songhe.rights.assessment.models import Assessment
from songhe.rights.careplans.models import CarePlan
from tests.people import Person

CREATE = "console:careplans-plan-create"


def at_plan(plan, action="detail", *more):
    return reverse(f"console:careplans-plan-{action}", args=[plan.pk, *more])


@pytest.fixture
def adviser(anqing):
    with use(Scope.system()):
        return Person("adviser")


@pytest.fixture
def elder(adviser):
    """An elder who was assessed and is on a credit, and has no plan."""
    area = adviser.user.area
    with use(Scope.system()):
        assessed = Assessment.objects.filter(state="published", validity__contains=today())
        return Elder.objects.filter(
            pk__in=assessed.values("elder"),
            area__gte=area.code,
            area__lt=area.upper,
            entitlements__isnull=False,
            care_plans=None,
        ).order_by("id")[0]


def written(elder, **more):
    return {
        "elder_id": elder.pk,
        "goals": "协助洗澡，居家整洁",
        "first": today().isoformat(),
        "last": (today() + timedelta(days=180)).isoformat(),
        "review_on": (today() + timedelta(days=90)).isoformat(),
    } | more


def newest():
    with use(Scope.system()):
        return CarePlan.objects.latest("created_at")


def services():
    with use(Scope.system()):
        return list(Service.objects.filter(state="open", minutes__gt=0).order_by("code")[:2])


@pytest.mark.requirement("WZ-09")
def test_a_plan_is_made_from_what_was_found_agreed_revised_and_ended(adviser, elder):
    bath, clean = services()
    form = adviser.opens(f"{reverse(CREATE)}?of=elders-elder:{elder.pk}")
    with use(Scope.system()):
        found = Assessment.objects.filter(elder=elder, state="published").latest("published_on")
    assert found.level_name in form and f"{found.total} 分" in form
    adviser.sends(reverse(CREATE), **written(elder))
    plan = newest()
    assert (plan.assessment_id, plan.adviser_id) == (found.pk, adviser.user.pk)
    assert "还没有安排服务" in adviser.opens(at_plan(plan))
    for service, hour in ((bath, "09:00"), (clean, "15:00")):
        adviser.sends(at_plan(plan, "do", "add-item"), service_id=service.pk, weekdays=[1, 4], at=hour)
    page = adviser.opens(at_plan(plan))
    assert bath.name in page and clean.name in page and "每周共 <strong>4</strong> 次" in page
    with use(Scope.system()):
        item = plan.items.get(service=clean)
    adviser.presses(at_plan(plan, "remove-item", item.pk))
    assert clean.name not in adviser.opens(at_plan(plan))
    adviser.sends(at_plan(plan, "step", "propose"))
    adviser.sends(at_plan(plan, "step", "agree"), agreed_by="女儿王敏")
    with use(Scope.system()):
        standing = StandingOrder.objects.get(care_plan=plan)
    assert (standing.service_id, standing.weekdays) == (bath.pk, [1, 4])
    under_elder = adviser.opens(f"{reverse('console:careplans-plan-list')}?of=elders-elder:{elder.pk}")
    assert "执行中" in under_elder and "拟定中" not in under_elder.partition("<tbody")[2]

    revise = f"{reverse(CREATE)}?of=elders-elder:{elder.pk}&revises={plan.pk}"
    assert "协助洗澡，居家整洁" in adviser.opens(revise)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    adviser.sends(revise, **written(elder, first=tomorrow, revises_id=plan.pk))
    revision = newest()
    adviser.sends(at_plan(revision, "step", "agree"), agreed_by="本人")
    adviser.sends(at_plan(revision, "step", "end"), reason="入住机构")
    with use(Scope.system()):
        states = [CarePlan.objects.get(pk=each.pk).state for each in (plan, revision)]
    assert states == ["replaced", "ended"]
    history = adviser.opens(f"{at_plan(revision)}?tab=2")
    assert "入住机构" in history


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(adviser, elder):
    answer = adviser.presses(reverse(CREATE), **written(elder, last=(today() - timedelta(days=1)).isoformat()))
    page = answer.content.decode()
    assert "结束日期不能早于开始日期" in page and "协助洗澡，居家整洁" in page
    adviser.sends(reverse(CREATE), **written(elder))
    plan = newest()
    refused = adviser.presses(at_plan(plan, "do", "add-item"), service_id=services()[0].pk, at="09:00")
    assert not refused.headers.get("Location") and "星期" in refused.content.decode()
    with use(Scope.system()):
        assert not plan.items.exists()
    assert "至少要有一项服务" in adviser.presses(at_plan(plan, "step", "propose")).content.decode()


def test_another_streets_clerk_finds_no_such_plan(adviser, elder):
    adviser.sends(reverse(CREATE), **written(elder))
    plan = newest()
    with use(Scope.system()):
        clerk = Person("community")
        elsewhere = Elder.objects.get(pk=elder.pk).area_id != clerk.user.area_id
    assert clerk.client.get(at_plan(plan)).status_code == (404 if elsewhere else 200)
    with use(Scope.system()):
        carer = Person("carer")
    assert carer.client.get(at_plan(plan)).status_code == 403
