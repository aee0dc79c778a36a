"""A provider's life in the register: admitted, licensed, warned of, suspended, gone; and who may do what."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import today
from songhe.core.errors import Changed, Refused
from songhe.core.flow.models import Todo
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together
from songhe.core.validity import from_day
from songhe.registers.providers import services
from songhe.registers.providers.jobs import remind_of_licences
from songhe.registers.providers.models import Admission, CreditRecord, Licence, Provider, ProviderArea
from songhe.registers.providers.selectors import is_blacklisted, running_out
from songhe.registers.providers.tests.world import Desk, credit_code, manager, places, provider, user


@pytest.fixture
def place(system):
    return places()


@pytest.fixture
def clerk(place):
    return user("clerk", area=place["city"])


@pytest.fixture
def other(place):
    return user("other", area=place["city"])


@pytest.fixture
def firm(place):
    return provider(place["county"])


def licence(firm, kind="business", days=400, number="L-1", **more):
    first = today() - timedelta(days=700)
    return services.add_licence(
        provider=firm, kind=kind, number=number, first=first, last=today() + timedelta(days=days), **more
    )


def test_a_provider_is_registered_through_its_form_and_waits_to_be_admitted(place, clerk):
    desk = Desk(clerk)
    data = {"name": "安康养老", "kind": "company", "area": place["county"].pk}
    wrong = desk.sends("providers-provider", "create", credit_code="91340800MA9T00001X", **data)
    assert "校验位" in wrong.content.decode() and not Provider.objects.exists()
    desk.does("providers-provider", "create", credit_code=credit_code().lower(), **data)
    made = Provider.objects.get()
    assert (made.state, made.credit_code) == ("applying", credit_code())
    assert "待准入" in desk.sees("providers-provider")
    twice = desk.sends("providers-provider", "create", credit_code=credit_code(), **data)
    assert "已有服务商使用此统一社会信用代码" in twice.content.decode()


def test_admission_takes_two_people_and_a_certificate(place, clerk, other):
    firm = provider(place["county"], state="applying")
    Desk(clerk).does("providers-admission", "create", provider=firm.pk, area=place["county"].pk, services="助餐",
                     applied_on=today().isoformat())  # fmt: skip
    application = Admission.objects.get()
    with pytest.raises(Refused, match="营业执照"):
        services.check_papers(admission=application, user=clerk)
    licence(firm)
    Desk(clerk).does("providers-admission", "step", application.pk, "check_papers")
    with pytest.raises(Refused, match="不相容岗位"):
        services.admit(admission=application, first=today(), user=clerk)
    assert firm.areas.count() == 0
    Desk(other).does("providers-admission", "step", application.pk, "admit", first=today().isoformat())
    firm.refresh_from_db()
    assert firm.state == "active"
    assert firm.areas.get().area == place["county"]
    with pytest.raises(Refused, match="已在这个区划提供服务"):
        services.apply_for_admission(provider=firm, area=place["county"], services="助洁")


def test_one_open_application_a_division(place, firm):
    services.apply_for_admission(provider=firm, area=place["county"], services="助餐")
    with pytest.raises(Refused, match="在办的准入申请"):
        services.apply_for_admission(provider=firm, area=place["county"], services="助餐")


def test_a_blacklisted_provider_is_suspended_and_cannot_come_back_before_its_time(place, firm):
    record = services.note_credit(
        provider=firm, kind="blacklisted", fact="骗取补贴", issuer="市民政局", first=today() - timedelta(days=1)
    )
    firm.refresh_from_db()
    assert firm.state == "suspended" and is_blacklisted(firm, today())
    with pytest.raises(Refused, match="黑名单期内"):
        services.resume(provider=firm, reason="整改完成")
    with pytest.raises(Refused, match="黑名单期内"):
        services.apply_for_admission(provider=firm, area=place["city"], services="助餐")
    services.end_credit(credit_record=record, last=today() - timedelta(days=1), reason="行政复议撤销")
    assert services.resume(provider=firm, reason="复议撤销").state == "active"


def test_two_blacklistings_do_not_overlap_but_warnings_may(firm):
    for kind in ("warned", "warned", "blacklisted"):
        services.note_credit(provider=firm, kind=kind, fact="甲", issuer="局", first=today())
    with pytest.raises(Refused, match="已列入黑名单"):
        services.note_credit(provider=firm, kind="blacklisted", fact="乙", issuer="局", first=today())


def test_a_licence_that_runs_out_is_on_the_list_until_it_is_renewed(firm, clerk):
    soon = licence(firm, days=30)
    later = licence(firm, kind="food", days=61, number="F")
    assert list(running_out(today())) == [soon]
    assert list(running_out(today() + timedelta(days=2))) == [soon, later]
    remind_of_licences.func()
    remind_of_licences.func()
    assert [todo.title for todo in Todo.objects.filter(state="open")] == [f"{firm}：营业执照到期换证"]
    page = Desk(clerk).sees("providers-provider", "detail", firm.pk)
    assert "还有 30 天" in page
    assert "L-1" in Desk(clerk).sees("providers-licence", query="?expiring=remind")
    services.add_licence(provider=firm, kind="business", number="L-2", first=today())
    remind_of_licences.func()
    assert not Todo.objects.filter(state="open").exists()
    assert "还有 30 天" not in Desk(clerk).sees("providers-provider", "detail", firm.pk)


def test_leaving_ends_the_areas(place, firm):
    services.add_area(provider=firm, area=place["county"], first=today() - timedelta(days=9))
    with pytest.raises(Refused, match="写明原因"):
        services.end(provider=firm, last=today(), reason=" ")
    services.end(provider=firm, last=today(), reason="合同到期")
    assert firm.areas.get().validity.upper == today() + timedelta(days=1)
    with pytest.raises(Refused, match="现在是“已退出”"):
        services.suspend(provider=firm, reason="再停")


def test_two_clerks_on_one_record(firm):
    firm.refresh_from_db()
    services.amend(provider=firm, version=firm.version, phone="0556-1")
    with pytest.raises(Changed):
        services.amend(provider=firm, version=firm.version, phone="0556-2")


def test_a_manager_sees_and_enters_the_own_papers_only(place, firm):
    stranger = provider(place["county"], 2)
    licence(stranger, number="STRANGER")
    desk = Desk(manager(firm))
    listed = desk.sees("providers-provider")
    assert firm.name in listed and stranger.name not in listed
    desk.sees("providers-provider", "detail", stranger.pk, status=404)
    desk.sees("providers-provider", "create", status=403)
    desk.sees("providers-credit-record", "create", status=403)
    form = {"kind": "food", "number": "F-9", "first": "2026-01-01", "remind_days": 60}
    desk.does("providers-licence", "create", provider=firm.pk, **form)
    refused = desk.sends("providers-licence", "create", provider=stranger.pk, **form)
    assert refused.status_code == 200
    assert list(Licence.objects.filter(number="F-9").values_list("provider_id", flat=True)) == [firm.pk]
    assert "STRANGER" not in desk.sees("providers-licence")


def test_the_walls_hold_below_the_pages(place, firm):
    stranger = provider(place["county"], 2)
    with use(Scope.of_provider(firm.pk)):
        assert list(Provider.objects.all()) == [firm]
        for change in (
            lambda: Licence.objects.create(provider=stranger, kind="food", number="X", validity=from_day(today())),
            lambda: ProviderArea.objects.create(provider=firm, area=place["city"], validity=from_day(today())),
            lambda: Provider.objects.filter(pk=firm.pk).update(state="active"),
            lambda: CreditRecord.objects.all().delete(),
        ):
            with pytest.raises((ProgrammingError, IntegrityError)), transaction.atomic():
                change()


def test_a_community_clerk_reads_and_does_not_write(place, firm):
    desk = Desk(user("grid", Role.COMMUNITY_CLERK, area=place["community"]))
    assert firm.name in desk.sees("providers-provider")
    desk.sees("providers-provider", "edit", firm.pk, status=403)
    assert desk.sends("providers-provider", "do", firm.pk, "suspend", reason="x").status_code == 403


@pytest.mark.parametrize("page", ["brand", "provider", "area", "licence", "credit-record", "admission"])
def test_every_list_opens_empty(clerk, page):
    Desk(clerk).sees(f"providers-{page}")
    Desk(clerk).sees(f"providers-{page}", "create")


def test_two_clerks_blacklist_at_once_and_it_stands_once(transactional_db):
    with use(Scope.system()):
        firm = provider(places()["county"])

    def bar():
        with use(Scope.system()):
            return services.note_credit(provider=firm, kind="blacklisted", fact="甲", issuer="局", first=today())

    results = together(bar, bar)
    assert sum(isinstance(result, CreditRecord) for result in results) == 1, results
    assert sum(isinstance(result, Refused) for result in results) == 1
