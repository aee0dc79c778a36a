"""What a place has to offer: stations and norms, operators by contract, services, prices, and the map of it all."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from songhe.care.orders.models import Order
from songhe.core.calendar.services import today
from songhe.core.scope.services import Scope, use
from songhe.packs.loader import check_pack, load_pack
from songhe.registers.catalogue import packs as catalogue_packs
from songhe.registers.catalogue.models import ProviderService, Service
from songhe.registers.contracts.models import Contract, OrderShare
from songhe.registers.facilities import packs as facility_packs
from songhe.registers.facilities.models import Facility, FacilityKind, Norm, Operation
from songhe.registers.providers.models import Provider
from tests.people import Person


@pytest.fixture
def city(anqing):
    """The clerk, the leader, a manager and a community clerk of the demo region."""
    with use(Scope.system()):
        return {name: Person(name) for name in ("county", "leader", "provider", "community")}


def url(pages, action="list", *args):
    return reverse(f"console:{pages}-{action}", args=args)


def send(person, pages, action, *args, **data):
    return person.sends(url(pages, action, *args), **data)


def made(model, **found):
    with use(Scope.system()):
        return model.objects.get(**found)


@pytest.fixture
def wuzhou(city):
    """The same region under Wuzhou's norms: a place's figures are data, and another's may be loaded instead."""
    with use(Scope.system()):
        Norm.objects.all().delete()
        facility_packs.load(load_pack("wuzhou"))
    return city


@pytest.mark.requirement("WZ-05")
def test_a_home_is_measured_against_the_norms_of_its_kind(wuzhou):
    clerk = wuzhou["county"]
    with use(Scope.system()):
        kind, area = FacilityKind.objects.get(code="elder_home"), clerk.user.area_id
    send(clerk, "facilities-facility", "create", name="龙新长者照护之家", kind=kind.pk, area=area,
         floor_area_m2="290", service_radius_m="900", opened_on=today().isoformat())  # fmt: skip
    home = made(Facility, name="龙新长者照护之家")
    page = clerk.opens(url("facilities-facility", "detail", home.pk))
    assert "建筑面积 290 平方米，应不低于 300 平方米" in page
    assert page.count("缺数据") == 4  # no rooms and beds yet: four norms of the six cannot be judged
    for number in range(1, 11):
        send(clerk, "facilities-room", "create", facility=home.pk, number=str(100 + number), area_m2="20")
        room = made(home.rooms.model, facility=home, number=str(100 + number))
        send(clerk, "facilities-bed", "create", room=room.pk, number="1", first=today().isoformat())
    page = clerk.opens(url("facilities-facility", "detail", home.pk))
    assert "缺数据" not in page
    for shown in ("68.97 %", "10 张", "29 平方米", "20 平方米", "10–49 张", "不低于 66.67 %", "不高于 1000 米"):
        assert shown in page, shown
    assert page.count("不达标</span>") == 1
    version = made(Facility, pk=home.pk).version
    send(clerk, "facilities-facility", "edit", home.pk, name=home.name, kind=kind.pk, area=area, version=version,
         floor_area_m2="300", service_radius_m="900", opened_on=today().isoformat())  # fmt: skip
    assert "不达标" not in clerk.opens(url("facilities-facility", "detail", home.pk))


@pytest.mark.requirement("WZ-05")
def test_wuzhous_figures_are_those_of_its_plan(wuzhou):
    page = wuzhou["leader"].opens(url("facilities-norm") + "?size=100")
    for kind, bound in (("日间照料中心", "不低于 350 平方米"), ("日间照料中心", "不低于 50 %"),
                        ("社区养老服务综合体", "不低于 1000 平方米"), ("护理站", "不低于 100 平方米")):  # fmt: skip
        assert kind in page and bound in page
    assert [problem for problem in check_pack("wuzhou") if "norms.csv" in problem.where] == []


@pytest.mark.requirement("AQ-18")
def test_a_station_is_handed_to_a_brand_under_contract_and_taken_back(city):
    clerk = city["county"]
    with use(Scope.system()):
        running = Operation.objects.filter(facility__state="open").select_related("facility", "provider").first()
        other = Provider.objects.filter(brand__isnull=False).exclude(pk=running.provider_id).first()
        assert Operation.objects.values("provider__brand").distinct().count() == 4
        assert Operation.objects.values("facility").distinct().count() == 75
    station, day = running.facility, today()
    form = {"facility": station.pk, "provider": other.pk, "contract_number": "站点-2026-1", "first": day.isoformat()}
    refused = clerk.presses(url("facilities-operation", "create"), **form)
    assert "该设施在此期间已有运营方" in refused.content.decode()
    send(clerk, "facilities-operation", "do", running.pk, "take-back", last=(day - timedelta(days=1)).isoformat(),
         reason="考核不合格")  # fmt: skip
    send(clerk, "facilities-operation", "create", **form)
    listed = clerk.opens(url("facilities-facility") + f"?operator={other.pk}&size=100")
    assert station.name in listed
    detail = clerk.opens(url("providers-provider", "detail", other.pk))
    assert 'role="tab"' in detail and "运营" in detail


@pytest.mark.requirement("AQ-13")
def test_an_order_goes_first_to_whom_contracts_promise_more_than_they_have(city):
    clerk, day = city["county"], today()
    with use(Scope.system()):
        waiting = Order.objects.filter(
            state="asked", area_id__gte=clerk.user.area_id, area_id__lt=clerk.user.area.upper
        )
        order = waiting.select_related("service__category").first()
        category = order.service.category
        poor, rich = Contract.objects.select_related("provider").order_by("number")[:2]
        others = sum(share.percent for share in OrderShare.objects.filter(category=category).exclude(contract=poor))
    assert f"合同份额 {100 - others}%，" in clerk.opens(url("orders-order", "step", order.pk, "dispatch"))
    form = {"category": category.pk, "percent": 100 - others + 1, "first": day.replace(day=1).isoformat()}
    refused = clerk.presses(url("contracts-contract", "do", poor.pk, "share"), **form).content.decode()
    assert f"已约定给其他服务商 {others}%，最多还能约定 {100 - others}%。" in refused
    for contract, percent in ((rich, 0), (poor, 45)):
        send(clerk, "contracts-contract", "do", contract.pk, "share", **{**form, "percent": percent})
    agreed = clerk.opens(url("contracts-contract", "tab", poor.pk, 1))
    assert category.name in agreed and ">45<" in agreed
    chosen = clerk.opens(url("orders-order", "step", order.pk, "dispatch"))
    assert "合同份额 45%，安庆市" in chosen


def test_ten_standard_community_services_and_the_places_own(city):
    clerk = city["county"]
    with use(Scope.system()):
        rows = Service.objects.filter(category__code="N")
        assert rows.filter(standard=True).count() == 10
        local = rows.filter(standard=False).count()
        category = rows.first().category_id
        assert set(rows.values_list("at_home", flat=True)) == {False}
    for name in ("日间照料", "短期喘息托养"):
        assert name in clerk.opens(url("catalogue-service") + "?standard=true&at_home=false&size=100")
    send(clerk, "catalogue-service", "create", code="N99", name="望江挑花班", category=category, unit="time",
         minutes="90", carers="1", steps="备料\n教学\n展示")  # fmt: skip
    send(clerk, "catalogue-price", "create", service=made(Service, code="N99").pk, payer="self", price_fen="5.00",
         first=today().isoformat())  # fmt: skip
    listed = clerk.opens(url("catalogue-service") + f"?category={category}&standard=false&size=100")
    assert "望江挑花班" in listed
    with use(Scope.system()):
        assert Service.objects.filter(category=category, standard=False).count() == local + 1


@pytest.mark.requirement("WZ-08")
def test_prices_are_guided_published_under_the_ceiling_and_compared(city):
    clerk, manager = city["county"], city["provider"]
    with use(Scope.system()):
        offer = ProviderService.objects.filter(provider_id=manager.user.provider_id).select_related("service").first()
    service, day = offer.service, today().isoformat()
    send(clerk, "catalogue-price", "create", service=service.pk, payer="self", price_fen="30.00", ceiling_fen="36.00",
         first=day)  # fmt: skip
    send(clerk, "catalogue-price", "create", service=service.pk, payer="public", price_fen="30.00", ceiling_fen="36.00",
         first=day)  # fmt: skip
    dear = manager.presses(url("catalogue-offer", "create"), service=service.pk, price_fen="36.01", first=day)
    assert "高于最高限价 36.00 元" in dear.content.decode()
    send(manager, "catalogue-offer", "create", service=service.pk, price_fen="33.00", first=day)
    page = clerk.opens(url("catalogue-offer") + f"?provider={manager.user.provider_id}&size=100")
    assert "33.00" in page and "高 3.00 元" in page
    # Staff and the community read what is published; nobody but those two changes it.
    assert city["community"].client.get(url("catalogue-offer", "create")).status_code == 403


@pytest.mark.requirement("WZ-01")
def test_a_hundred_services_in_fourteen_kinds(city):
    with use(Scope.system()):
        Service.objects.update(state="retired")
        catalogue_packs.load(load_pack("wuzhou"))
        rows = Service.objects.filter(category__code__startswith="W")
        assert rows.count() >= 100
        assert rows.values("category").distinct().count() == 14
        assert all(row.steps and row.minutes for row in rows)
        assert not rows.filter(prices__isnull=True).exists()


@pytest.mark.requirement("WH-02")
def test_every_facility_is_in_one_register_and_on_one_map(city):
    clerk = city["county"]
    with use(Scope.system()):
        station = Facility.objects.filter(latitude__isnull=False).select_related("kind").first()
        count = Facility.objects.exclude(state="closed").count()
        offered = ProviderService.objects.first().service
        unoffered = Service.objects.filter(offers__isnull=True).first()
    data = json.loads(clerk.opens(reverse("caremap:map")))
    assert len(data["facilities"]["features"]) == count == len(data["reaches"]["features"])
    assert data["counties"]["features"]
    ring = next(each for each in data["reaches"]["features"] if each["properties"]["id"] == str(station.pk))
    (lon, lat), *_ = ring["geometry"]["coordinates"][0]
    metres = ((lat - station.latitude) ** 2 + (lon - station.longitude) ** 2) ** 0.5 * 111_195
    assert metres == pytest.approx(station.service_radius_m, rel=0.01)

    def shown(**chosen):
        answer = clerk.client.get(reverse("caremap:map"), chosen)
        return {each["properties"]["id"] for each in answer.json()["facilities"]["features"]}

    assert str(station.pk) in shown(kind=station.kind_id, name=station.name)
    assert 0 < len(shown(service=offered.pk)) <= count
    assert shown(service=unoffered.pk) == set()
    page = clerk.opens(reverse("caremap:home") + f"?name={station.name}")
    assert station.name in page and str(station.pk) in page
