"""The catalogue: a tree of services, guided prices by date, prices providers publish under them, what schemes pay."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together
from songhe.registers.catalogue import services
from songhe.registers.catalogue.models import Category, Cover, ProviderService, Service, ServicePrice
from songhe.registers.catalogue.selectors import price_on, priced_services
from songhe.registers.providers.tests.world import Desk, manager, places, provider, user

MARCH = date(2026, 3, 1)


@pytest.fixture
def place(system):
    return places()


@pytest.fixture
def desk(place):
    return Desk(user("clerk", area=place["city"]))


@pytest.fixture
def firm(place):
    return provider(place["county"])


def service(code="X1"):
    branch = Category.objects.get_or_create(code="X", defaults={"name": "测试类"})[0]
    return services.add_service(code=code, name=f"服务{code}", category=branch, unit="time", minutes=60)


def guide(one, fen=5000, first=MARCH, ceiling=6000, payer="public"):
    return services.set_price(service=one, payer=payer, price_fen=fen, ceiling_fen=ceiling, first=first)


def test_a_service_is_entered_with_its_steps_and_amended(desk):
    branch = services.add_category(code="X", name="测试类")
    form = {"name": "助浴", "category": branch.pk, "unit": "time", "minutes": 60, "carers": 2, "at_home": "on",
            "steps": "测体温\n\n 备水 \n助浴", "skills": ["bath"]}  # fmt: skip
    desk.does("catalogue-service", "create", code="X9", **form)
    made = Service.objects.get(code="X9")
    assert (made.steps, made.skills, made.at_home, made.standard) == (["测体温", "备水", "助浴"], ["bath"], True, False)
    text = desk.sees("catalogue-service", "edit", made.pk)
    assert "测体温\n备水\n助浴" in text
    desk.does("catalogue-service", "edit", made.pk, **{**form, "minutes": 45})
    again = desk.sends("catalogue-service", "create", code="X9", **form)
    assert "已有此代码的服务项目" in again.content.decode()
    assert "助浴" in desk.sees("catalogue-service", "detail", made.pk)


def test_a_branch_does_not_hang_under_itself(place):
    top = services.add_category(code="X", name="甲")
    below = services.add_category(code="Y", name="乙", parent=top)
    with pytest.raises(Refused, match="它自己或它的下级"):
        services.amend_category(category=top, name="甲", parent=below, position=0)


def test_a_retired_service_is_not_offered(place):
    one = service()
    guide(one)
    assert one in priced_services(MARCH)
    services.retire(service=one, reason="合并")
    assert one not in priced_services(MARCH)
    with pytest.raises(Refused, match="已停用"):
        services.retire(service=one, reason="再停")


def test_a_new_price_ends_the_one_before_and_leaves_the_one_after(place):
    one = service()
    guide(one, 5000)
    guide(one, 6000, date(2026, 9, 1))
    guide(one, 5500, date(2026, 6, 1))
    days = {date(2026, 5, 31): 5000, date(2026, 6, 1): 5500, date(2026, 8, 31): 5500, date(2026, 9, 1): 6000}
    assert {day: price_on(service=one, on=day).price_fen for day in days} == days
    assert price_on(service=one, on=date(2026, 2, 28)) is None
    with pytest.raises(Refused, match="不得高于最高限价"):
        guide(one, 9000, date(2026, 10, 1), ceiling=8000)
    assert one.prices.count() == 3


def test_a_provider_publishes_under_the_ceiling_only(desk, place, firm):
    one = service()
    with pytest.raises(Refused, match="没有指导价"):
        services.publish_price(service=one, provider=firm, price_fen=1, first=MARCH)
    guide(one)
    with pytest.raises(Refused, match="高于最高限价"):
        services.publish_price(service=one, provider=firm, price_fen=6001, first=MARCH)
    services.publish_price(service=one, provider=firm, price_fen=6000, first=MARCH)
    services.publish_price(service=one, provider=firm, price_fen=5500, first=today())
    assert [row.price_fen for row in ProviderService.objects.order_by("validity")] == [6000, 5500]
    for row in ProviderService.objects.all():
        assert "对照" in desk.sees("catalogue-offer", "detail", row.pk)
    text = desk.sees("catalogue-offer")
    assert "高 5.00 元" in text and "60.00" not in text.split("<tbody")[1]


def test_a_manager_publishes_the_own_prices_and_guides_none(place, firm):
    one, stranger = service(), provider(place["county"], 2)
    guide(one)
    desk = Desk(manager(firm))
    desk.does("catalogue-offer", "create", service=one.pk, price_fen="58.00", first=today().isoformat())
    assert ProviderService.objects.get().provider == firm
    desk.sees("catalogue-price", "create", status=403)
    services.publish_price(service=one, provider=stranger, price_fen=5900, first=today())
    assert "59.00" not in desk.sees("catalogue-offer")
    with use(Scope.of_provider(firm.pk)):
        assert set(ProviderService.objects.values_list("provider_id", flat=True)) == {firm.pk}


def test_what_a_scheme_pays_is_said_once_at_a_time(desk):
    one = service()
    form = {
        "service": one.pk,
        "scheme": "养老服务消费补贴",
        "percent": 40,
        "first": "2026-01-01",
        "ceiling_fen": "20.00",
    }
    desk.does("catalogue-cover", "create", **form)
    assert Cover.objects.get().ceiling_fen == 2000
    twice = desk.sends("catalogue-cover", "create", **{**form, "first": "2026-05-01"})
    assert "已登记过对这项服务的支付" in twice.content.decode()


def upload(desk, pages, text, **more):
    file = SimpleUploadedFile("价目表.csv", text.encode("gb18030"))
    return desk.client.post(reverse(f"console:catalogue-{pages}-import"), {"file": file, **more}).content.decode()


def confirm(desk, pages, text):
    tried = upload(desk, pages, text)
    return upload(desk, pages, text, confirmed=tried.split('name="confirmed" value="')[1].split('"')[0])


def test_a_price_list_comes_in_and_a_second_time_changes_nothing(desk):
    one = service()
    text = (
        "服务代码,付费方,指导价（元）,最高限价,起始日期\nX1,政府购买,15.5,18,2026-01-01\nX1,个人自费,17,20,2026-01-01\n"
    )
    confirm(desk, "price", text)
    assert set(one.prices.values_list("payer", "price_fen", "ceiling_fen")) == {
        ("public", 1550, 1800),
        ("self", 1700, 2000),
    }
    assert "与现有相同 2 条" in upload(desk, "price", text)
    wrong = upload(desk, "price", "服务代码,付费方,指导价\nX7,政府购买,1\nX1,慈善,1\nX1,自费,1.555\n")
    for said in ("没有代码或名称为“X7”", "付费方请填", "不是精确到分的金额"):
        assert said in wrong
    assert ServicePrice.objects.filter(service=one).count() == 2


def test_a_manager_brings_in_the_own_price_list(place, firm):
    guide(service())
    desk = Desk(manager(firm))
    text = "服务代码,公布价,服务商\nX1,55,别家公司\n"
    confirm(desk, "offer", text)
    assert ProviderService.objects.get().provider == firm
    assert "高于最高限价" in upload(desk, "offer", "服务代码,公布价\nX1,999\n")


@pytest.mark.parametrize("page", ["category", "service", "price", "cover", "offer"])
def test_every_page_opens(desk, page):
    desk.sees(f"catalogue-{page}")
    desk.sees(f"catalogue-{page}", "create")


def test_two_clerks_guide_one_price_at_once(transactional_db):
    with use(Scope.system()):
        places()
        one = service()
        guide(one)

    def act(fen):
        def change():
            with use(Scope.system()):
                return guide(one, fen, MARCH + timedelta(days=9))

        return change

    results = together(act(5100), act(5200))
    assert all(isinstance(result, ServicePrice) for result in results), results
    with use(Scope.system()):
        rows = list(ServicePrice.objects.filter(service=one).order_by("validity"))
    assert len(rows) == 2 and rows[0].validity.upper == rows[1].validity.lower
