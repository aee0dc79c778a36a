"""Who takes an order: suggested, taken, overruled with a reason; and what nobody may choose."""

from datetime import datetime, time, timedelta
from types import SimpleNamespace

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from songhe.care.dispatch import services
from songhe.care.dispatch.forms import CarerForm
from songhe.care.dispatch.models import Assignment, CarerWish, Notice
from songhe.care.dispatch.selectors import rank_carers, rank_providers
from songhe.care.orders import services as orders
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Order
from songhe.care.visits.models import Visit
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import today
from songhe.core.errors import Changed, Refused
from songhe.core.flow.models import Todo
from songhe.core.ledger.services import balance
from songhe.core.parameters.models import Parameter
from songhe.core.scope.services import Scope, use
from songhe.core.validity import from_day
from songhe.registers.catalogue.models import ProviderService
from songhe.registers.contracts import services as contracts
from songhe.registers.contracts.models import Contract
from songhe.registers.elders.models import Disclosure, Elder
from songhe.registers.providers.models import Provider, ProviderArea
from songhe.registers.workforce.models import Shift, Skill, Staff, StaffSkill


def moment(hour, minute=0, day=None):
    return timezone.make_aware(datetime.combine(day or today(), time(hour, minute)))


def able(staff, town, *, until=18):
    """Give a carer the skills and the hours for the town's service today and tomorrow."""
    for code in town.service.skills:
        StaffSkill.objects.create(
            staff=staff, skill=Skill.objects.get(code=code), validity=from_day(today() - timedelta(days=9))
        )
    for ahead in range(2):
        day = today() + timedelta(days=ahead)
        Shift.objects.create(
            staff=staff,
            during=DateTimeTZRange(moment(8, day=day), moment(until, day=day)),
        )
    return staff


@pytest.fixture
def desk(town):
    """An order of a poor elder, two providers that offer the service, and a carer of each at work."""
    other = Provider.objects.create(name="康乐居家", credit_code="91340800MA2TESTB27", kind="company", area=town.city)
    ProviderArea.objects.create(provider=other, area=town.city, validity=from_day(today()))
    ProviderService.objects.create(provider=other, service=town.service, price_fen=3000, validity=from_day(today()))
    able(town.staff, town)
    carer = able(Staff.objects.create(provider=other, area=town.here, name="护理员乙", sex="female"), town)
    person = town.poor()
    return SimpleNamespace(
        town=town, person=person, order=town.order(person), other=other, carer=carer,
        clerk=town.people[Role.COUNTY_CLERK], dispatcher=town.people[Role.PROVIDER_MANAGER],
    )  # fmt: skip


def refreshed(obj):
    obj.refresh_from_db()
    return obj


def test_the_cheaper_comes_first_the_former_before_it_and_the_named_before_all(desk):
    def first(order):
        return rank_providers(order)[0]

    assert first(desk.order).provider_id == desk.other.pk
    desk.order.provider = desk.town.provider
    desk.order.save()
    again = desk.town.order(desk.person, hour=14)
    assert first(again).provider_id == desk.town.provider.pk
    assert "上次为这位老人服务（+100 分）" in first(again).reasons
    standing = orders.repeat(
        elder_id=desk.person.pk, service_id=desk.town.service.pk, weekdays=[1, 2, 3, 4, 5, 6, 7], at=time(9),
        first=today() + timedelta(days=1), last=None, provider=desk.other,
    )  # fmt: skip
    orders.make_due_orders(until=today() + timedelta(days=1))
    repeated = Order.objects.get(standing_order=standing)
    assert first(repeated).provider_id == desk.other.pk and "周期订单指定（+1000 分）" in first(repeated).reasons


def test_who_is_suggested_follows_the_places_table_of_points_and_each_point_is_told(desk):
    own, other = desk.town.provider, desk.other
    Provider.objects.filter(pk=own.pk).update(quality_score=900)
    Provider.objects.filter(pk=other.pk).update(quality_score=300)
    Elder.objects.filter(pk=desk.person.pk).update(latitude=30.5, longitude=117.0)
    Staff.objects.filter(pk=desk.town.staff.pk).update(latitude=30.5, longitude=117.0)
    Staff.objects.filter(pk=desk.carer.pk).update(latitude=30.6, longitude=117.0)
    order = Order.objects.get(pk=desk.order.pk)
    best, next_best = rank_providers(order)
    # 900/100 × 10 − 40 × 0.5, and 300/100 × 10 − 14.5 × 2 − 30 × 0.5.
    assert (best.provider_id, best.points) == (own.pk, 70.0)
    assert (next_best.provider_id, next_best.points) == (other.pk, 1.0 + 0.0 - 15.0)
    assert best.reasons[:2] == ("最近的护理员距老人 0.0 公里", "1 名护理员在办 0 单")
    assert "质量分 900（+90 分）" in best.reasons and "价格 40.00 元（-20 分）" in best.reasons
    assert "最近的护理员距老人 14.5 公里（-29 分）" in next_best.reasons
    # A carer of the other who is wished for brings it 200 points; where only the price counts, the cheaper is first.
    wish = CarerWish.objects.create(
        elder=desk.person, area=desk.town.here, provider=other, kind="wished", staff=desk.carer
    )
    assert rank_providers(order)[0].provider_id == other.pk
    wish.delete()
    for name in ("质量分每百分", "距离每公里", "人均在办每单"):
        assert Parameter.objects.filter(name=f"选商.{name}").update(value=0)
    assert [each.points for each in rank_providers(order)] == [-15.0, -20.0]


@pytest.fixture
def promise(desk):
    """Promise a provider a part of the cleaning in the city from its own contract."""

    def agree(provider, percent):
        contract = contracts.sign(
            number=provider.name, name="居家服务合同", provider=provider, area=desk.town.city,
            signed_on=today(), first=today(), last=today() + timedelta(days=99),
        )  # fmt: skip
        return contracts.set_share(contract=contract, category=desk.town.service.category, percent=percent)

    return agree


def give(town, provider, count, **more):
    """Let a provider have orders of this month, each of another elder."""
    for _number in range(count):
        order = town.order(town.poor(), **more)
        order.provider = provider
        order.save()


def test_a_provider_behind_its_contract_share_gains_points_and_one_over_it_none(desk, promise):
    own, other = desk.town.provider, desk.other
    assert [each.points for each in rank_providers(desk.order)] == [-15.0, -20.0]
    promise(own, 60)
    promise(other, 40)
    give(desk.town, other, 3)
    give(desk.town, own, 1)
    # Of what is counted are neither what was cancelled, nor another month's, nor the order itself.
    cancelled = desk.town.order(desk.town.poor())
    cancelled.provider = other
    cancelled.save()
    orders.cancel(order_id=cancelled.pk, user=None, reason="x")
    give(desk.town, other, 1, day=today() + timedelta(days=40))
    best, next_best = rank_providers(desk.order)
    kind = desk.town.service.category.name
    assert best.provider_id == own.pk
    assert f"合同份额 60%，安庆市11月{kind}已派 1/4 单（25.0%）（+70 分）" in best.reasons
    assert f"合同份额 40%，安庆市11月{kind}已派 3/4 单（75.0%）" in next_best.reasons
    # 35 points behind × 2 − 1 open order × 5 − 40 × 0.5, and − 4 × 5 − 30 × 0.5.
    assert (best.points, next_best.points) == (45.0, -35.0)
    services.to_provider(order_id=desk.order.pk, provider_id=own.pk, user=desk.clerk)
    # A clerk who sees another county only counts the city's orders all the same.
    again = refreshed(desk.order)
    for scope in (Scope.system(), Scope.area(desk.town.there.code, desk.town.there.upper)):
        with use(scope):
            assert rank_providers(again)[0].reasons[0] == best.reasons[0]


def test_of_two_equally_behind_the_cheaper_comes_first_and_a_share_ended_counts_nothing(desk, promise):
    promise(desk.town.provider, 40)
    promise(desk.other, 40)
    Parameter.objects.filter(name="选商.价格每元").update(value=0)
    best, next_best = rank_providers(desk.order)
    assert (best.provider_id, best.points, next_best.points) == (desk.other.pk, 80.0, 80.0)
    assert any(reason.endswith("已派 0/0 单（+80 分）") for reason in best.reasons)
    contract = Contract.objects.get(provider=desk.other)
    contracts.set_share(contract=contract, category=desk.town.service.category, percent=0)
    (_own, without) = rank_providers(desk.order)
    assert (without.provider_id, without.points) == (desk.other.pk, 0.0)
    assert not any("合同份额" in reason for reason in without.reasons)


def test_the_suggestion_is_taken_without_a_word_and_told_to_the_provider(desk):
    visit = services.dispatch(order_id=desk.order.pk, user=desk.town.people[Role.COUNTY_CLERK])
    order = refreshed(desk.order)
    assert (order.state, order.provider, visit.staff) == (OrderState.ASSIGNED, desk.other, desk.carer)
    assert (order.price_fen, order.credit_fen, balance(desk.town.credit.account_id)) == (3000, 3000, 17000)
    assert Disclosure.objects.get(elder=desk.person, provider_id=desk.other.pk).basis == f"服务订单 {order.number}"
    kept = Assignment.objects.filter(order=order)
    assert [each.suggested for each in kept.order_by("created_at")] == [True, True]
    assert {choice["name"] for choice in kept.get(staff=None).candidates} == {"康乐居家", "松鹤居家"}


def to_do(order):
    """What is open to be done about giving an order away: its words and its day."""
    todo = Todo.objects.filter(object_id=order.pk, state="open", permission="dispatch.assign").first()
    return todo and (todo.title.partition("：")[0], todo.due_on)


def test_an_order_waits_to_be_given_to_a_carer_only_while_it_has_none(desk):
    tomorrow = today() + timedelta(days=1)
    assert to_do(desk.order) == ("派给服务商、派给护理员", tomorrow)
    services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.clerk)
    assert to_do(desk.order) == ("派给护理员", tomorrow)
    services.to_carer(order_id=desk.order.pk, staff_id=desk.carer.pk, start=moment(10), user=desk.clerk)
    assert to_do(desk.order) is None
    services.withdraw(order_id=desk.order.pk, user=desk.clerk, reason="护理员请假")
    assert to_do(desk.order) == ("派给护理员", tomorrow)


def test_an_order_made_ahead_is_to_be_given_by_the_working_day_before_its_visit(desk):
    # Today is a Tuesday; the standing order is wanted tomorrow, on Monday and on Tuesday.
    standing = orders.repeat(
        elder_id=desk.person.pk, service_id=desk.town.service.pk, weekdays=[1, 2, 3], at=time(9),
        first=today() + timedelta(days=1), last=today() + timedelta(days=7),
    )  # fmt: skip
    orders.make_due_orders(until=today() + timedelta(days=7))
    made = Order.objects.filter(standing_order=standing).order_by("wanted_from")
    assert [to_do(order)[1] - today() for order in made] == [timedelta(days=days) for days in (1, 3, 6)]
    services.to_provider(order_id=made[2].pk, provider_id=desk.other.pk, user=desk.clerk)
    assert to_do(made[2]) == ("派给护理员", today() + timedelta(days=6))


def test_overruling_needs_a_reason_which_is_kept(desk):
    chosen = {"order_id": desk.order.pk, "provider_id": desk.town.provider.pk, "user": desk.clerk}
    with pytest.raises(Refused, match="请写明理由"):
        services.to_provider(**chosen, overrule_reason="  ")
    assert refreshed(desk.order).provider is None and not Assignment.objects.exists()
    services.to_provider(**chosen, overrule_reason="老人指名")
    kept = Assignment.objects.get()
    assert (kept.suggested, kept.overrule_reason) == (False, "老人指名")
    assert refreshed(desk.order).price_fen == 4000


@pytest.mark.parametrize("closed", ["suspended", "area", "offer"])
def test_who_does_not_serve_here_is_neither_suggested_nor_taken(desk, closed):
    if closed == "suspended":
        Provider.objects.filter(pk=desk.other.pk).update(state=Provider.State.SUSPENDED)
    elif closed == "area":
        ProviderArea.objects.filter(provider=desk.other).update(area=desk.town.there)
    else:
        ProviderService.objects.filter(provider=desk.other).update(
            validity=from_day(today() - timedelta(days=9), today() - timedelta(days=1))
        )
    assert [choice.name for choice in rank_providers(desk.order)] == ["松鹤居家"]
    with pytest.raises(Refused, match="康乐居家在这个社区不提供此项服务"):
        services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.clerk, overrule_reason="x")
    assert refreshed(desk.order).state == OrderState.ASKED


def test_two_dispatchers_on_one_order_the_second_is_told_to_look_again(desk):
    seen = desk.order.version
    services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.clerk, version=seen)
    with pytest.raises(Changed):
        services.to_provider(
            order_id=desk.order.pk,
            provider_id=desk.town.provider.pk,
            user=desk.clerk,
            overrule_reason="x",
            version=seen,
        )
    assert refreshed(desk.order).provider == desk.other


def test_a_carer_of_another_provider_or_without_hours_is_refused_with_why(desk):
    services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.clerk)
    asked = {"order_id": desk.order.pk, "start": moment(10), "user": desk.clerk, "overrule_reason": "x"}
    with pytest.raises(Refused, match="不是该服务商的在岗人员"):
        services.to_carer(staff_id=desk.town.staff.pk, **asked)
    Shift.objects.filter(staff=desk.carer).delete()
    (nobody,) = rank_carers(refreshed(desk.order))
    assert not nobody.able and nobody.reasons
    with pytest.raises(Refused, match="护理员乙不能承接"):
        services.to_carer(staff_id=desk.carer.pk, **asked)
    assert not Visit.objects.exists()


def test_whom_the_elder_refused_is_never_sent_and_the_page_says_why(desk):
    services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.clerk)
    order = refreshed(desk.order)
    wish = services.note_wish(elder=desk.person, kind="barred", staff=desk.carer, reason="说话听不懂")
    with pytest.raises(Refused, match="护理员乙：老人不希望其上门（说话听不懂）"):
        services.dispatch(order_id=order.pk, user=desk.clerk)
    with pytest.raises(Refused, match="老人不希望其上门"):
        services.to_carer(
            order_id=order.pk, staff_id=desk.carer.pk, start=moment(10), user=desk.clerk, overrule_reason="x"
        )
    assert not Visit.objects.exists()
    assert "不能去的：护理员乙：老人不希望其上门" in CarerForm(record=order).fields["staff_id"].help_text
    # A refused sex keeps away just so, and the one after is sent.
    services.end_wish(wish_id=wish.pk)
    services.note_wish(elder=desk.person, kind="barred", sex="female")
    man = able(Staff.objects.create(provider=desk.other, area=desk.town.here, name="护理员丁", sex="male"), desk.town)
    assert services.dispatch(order_id=order.pk, user=desk.clerk).staff == man


def test_who_was_complained_of_or_declined_this_order_is_not_sent_again(desk):
    visit = services.dispatch(order_id=desk.order.pk, user=desk.clerk)
    services.withdraw(order_id=desk.order.pk, user=desk.clerk, reason="改期")
    Notice.objects.filter(visit=visit).update(state=Notice.State.DECLINED, reason="车坏了")
    with pytest.raises(Refused, match="已答复不能去（车坏了）"):
        services.dispatch(order_id=desk.order.pk, user=desk.clerk)
    again = desk.town.order(desk.person, hour=14)
    again = services.to_provider(order_id=again.pk, provider_id=desk.other.pk, user=desk.clerk)
    assert rank_carers(again)[0].able
    orders.complain(order_id=desk.order.pk, text="不耐心")
    assert rank_carers(again)[0].reasons == ("老人投诉过",)


def test_wished_and_steady_carers_come_before_others_as_near_and_it_is_told(desk):
    second = able(
        Staff.objects.create(provider=desk.other, area=desk.town.here, name="护理员丁", sex="male"), desk.town
    )
    services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.clerk)
    order = refreshed(desk.order)
    for carer, fellow in ((desk.carer, second), (second, desk.carer)):
        wish = services.note_wish(elder=desk.person, kind="wished", staff=carer)
        first, other = rank_carers(order)
        assert (first.staff_id, first.reasons) == (carer.pk, ("老人希望其上门",))
        assert (other.staff_id, other.reasons) == (fellow.pk, ("不是老人希望的护理员",))
        wish.delete()
        wish = CarerWish.objects.create(
            elder=desk.person, area=desk.town.here, provider=desk.other, kind="steady", staff=carer,
            since=timezone.now(),
        )  # fmt: skip
        assert (rank_carers(order)[0].staff_id, rank_carers(order)[0].reasons) == (carer.pk, ("固定护理员",))
        wish.delete()


def test_where_nobody_can_come_it_is_said_and_the_order_waits(desk):
    Shift.objects.all().delete()
    with pytest.raises(Refused, match="没有可派的护理员"):
        services.dispatch(order_id=desk.order.pk, user=desk.town.people[Role.COUNTY_CLERK])
    assert not Visit.objects.exists()


def test_another_carer_takes_over_and_the_first_visit_is_cancelled(desk):
    services.dispatch(order_id=desk.order.pk, user=desk.town.people[Role.COUNTY_CLERK])
    first = Visit.objects.get()
    second = able(
        Staff.objects.create(provider=desk.other, area=desk.town.here, name="护理员丙", sex="male"), desk.town
    )
    taken_over = {"order_id": desk.order.pk, "staff_id": second.pk, "start": moment(10, 30), "user": desk.clerk}
    visit = services.to_carer(**taken_over, overrule_reason="原护理员请假")
    assert (refreshed(first).state, visit.staff) == ("cancelled", second)
    assert refreshed(desk.order).state == OrderState.ASSIGNED


def test_who_may_not_dispatch_is_refused(desk):
    with pytest.raises(Refused, match="不能办理"):
        services.to_provider(order_id=desk.order.pk, provider_id=desk.other.pk, user=desk.town.people[Role.CARER])
