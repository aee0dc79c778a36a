"""A change of law: drafted, tried, reviewed and enacted by different people; each day decided by its own law."""

import io
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from python_calamine import CalamineWorkbook

from songhe.core.calendar.services import at, today
from songhe.core.errors import Refused
from songhe.core.flow.services import available, fire
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.core.validity import from_day, last_day
from songhe.registers.elders.models import AbilityLevel
from songhe.rights.policy import services
from songhe.rights.policy.console import VersionPages
from songhe.rights.policy.flow import VersionState
from songhe.rights.policy.models import Adjustment, Credit, Decision, Entitlement, Finding, PolicyVersion
from songhe.rights.policy.rules import in_words
from songhe.rights.policy.selectors import rulebook_on, submitted_simulation, version_on
from songhe.rights.policy.services import simulating
from songhe.rights.policy.workbook import simulation_xlsx

MONTH = date(2026, 9, 1)
NOVEMBER = date(2026, 11, 10)


@pytest.fixture
def autumn():
    with at(NOVEMBER):
        yield


@pytest.fixture
def city(autumn, anqing_city):
    return anqing_city


def raised(parameters, fen):
    return [{**row, "value": str(fen)} if row["name"] == "月度额度" else row for row in parameters]


def expecting(examples, fen):
    return [{**row, "月度额度": str(fen)} if row["月度额度"] == "20000" else row for row in examples]


def drafted(city, fen, first):
    """Return a draft of the amount raised, tried on everybody."""
    present = version_on(city.policy, today())
    draft = services.draft(policy_version=present, note="提高标准", first=first, user=city.drafter)
    draft = services.edit(
        policy_version=draft,
        user=city.drafter,
        parameters=raised(draft.parameters, fen),
        examples=expecting(draft.examples, fen),
    )
    simulation = services.ask_simulation(policy_version=draft, area=city.city, on=today(), user=city.drafter)
    services.simulate(simulation_id=simulation.pk)
    return draft


def enacted(city, fen, first):
    draft = drafted(city, fen, first)
    services.submit(policy_version=draft, user=city.drafter)
    fire(draft, "review", user=city.approver)
    return services.enact(policy_version=draft, first=first, user=city.approver)


def test_who_drafted_may_neither_review_nor_enact(city):
    draft = drafted(city, 30000, NOVEMBER)
    draft = services.submit(policy_version=draft, user=city.drafter)
    assert [info.name for info in available(draft, city.drafter)] == ["send_back"]
    with pytest.raises(Refused, match="不相容岗位"):
        fire(draft, "review", user=city.drafter)
    draft = fire(draft, "review", user=city.approver)
    with pytest.raises(Refused, match="不相容岗位"):
        services.enact(policy_version=draft, first=NOVEMBER, user=city.drafter)
    assert services.enact(policy_version=draft, first=NOVEMBER, user=city.approver).state == VersionState.IN_FORCE


def test_who_edited_another_ones_draft_may_not_enact_it(city):
    draft = drafted(city, 30000, NOVEMBER)
    services.edit(policy_version=draft, user=city.approver, note="改了一句")
    draft = services.submit(policy_version=draft, user=city.drafter)
    with pytest.raises(Refused, match="不相容岗位"):
        fire(draft, "review", user=city.approver)


def test_a_draft_is_handed_in_only_sound_tried_and_with_agreeing_examples(city):
    present = version_on(city.policy, today())
    draft = services.draft(policy_version=present, note="", first=NOVEMBER, user=city.drafter)
    with pytest.raises(Refused, match="还没有测算"):
        services.submit(policy_version=draft, user=city.drafter)
    draft = services.edit(policy_version=draft, user=city.drafter, parameters=raised(draft.parameters, 30000))
    with pytest.raises(Refused, match=r"低保独居老人.*应为“20000”，得出“30000”"):
        services.submit(policy_version=draft, user=city.drafter)
    with pytest.raises(Refused, match=r"月度额度.*不能对全部老人测算"):
        quotient = draft.model_xml.replace(
            "<text>参数.月度额度</text>", "<text>参数.月度额度 / (if 资格 then 3 else 4)</text>"
        )
        services.submit(
            policy_version=services.edit(policy_version=draft, user=city.drafter, model_xml=quotient), user=city.drafter
        )
    draft = services.edit(policy_version=draft, user=city.drafter, model_xml=present.model_xml)
    with pytest.raises(Refused, match="没有它"):
        fewer = [row for row in draft.parameters if row["name"] != "高龄起始"]
        services.submit(
            policy_version=services.edit(policy_version=draft, user=city.drafter, parameters=fewer), user=city.drafter
        )
    with pytest.raises(Refused, match="XML"):
        services.edit(policy_version=draft, user=city.drafter, model_xml="<definitions>")


def test_the_day_before_and_the_day_itself_decide_differently(city):
    elder = city.poor()
    enacted(city, 30000, date(2026, 12, 1))
    before = services.decide(elder_id=elder.pk, policy=city.policy, on=date(2026, 11, 30), user=None)
    after = services.decide(elder_id=elder.pk, policy=city.policy, on=date(2026, 12, 1), user=None)
    assert (before.monthly_fen, after.monthly_fen) == (20000, 30000)
    assert before.policy_version != after.policy_version
    assert after.previous == before
    assert last_day(version_on(city.policy, date(2026, 11, 30)).validity) == date(2026, 11, 30)


def test_two_versions_of_one_policy_never_hold_on_one_day(city):
    present = version_on(city.policy, today())
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.create(
            policy=city.policy,
            number=99,
            validity=from_day(NOVEMBER),
            state=VersionState.IN_FORCE,
            document=present.document,
            model_xml=present.model_xml,
            digest="x",
        )
    # A draft may be for any day.
    services.draft(policy_version=present, note="", first=NOVEMBER, user=city.drafter)


def test_a_law_for_later_is_not_overridden_by_one_for_sooner(city):
    enacted(city, 40000, date(2027, 1, 1))
    sooner = enacted(city, 30000, date(2026, 12, 1))
    assert last_day(sooner.validity) == date(2026, 12, 31)
    with pytest.raises(Refused, match="须晚于"):
        enacted(city, 50000, date(2018, 1, 1))


def test_on_its_day_a_law_takes_effect_and_the_old_one_is_superseded(city):
    elder = city.poor()
    services.decide(elder_id=elder.pk, policy=city.policy, on=date(2026, 9, 1), user=None)
    old = version_on(city.policy, today())
    law = enacted(city, 30000, date(2026, 12, 1))
    old.refresh_from_db()
    assert old.state == VersionState.IN_FORCE
    with at(date(2026, 12, 1)):
        assert services.turn_over(on=today()) == [law.pk]
        old.refresh_from_db()
        assert old.state == VersionState.SUPERSEDED
        decision = services.redecide_elder(elder_id=elder.pk, version=law, on=today())
    due = Entitlement.objects.filter(elder=elder).order_by("validity")
    assert [row.monthly_fen for row in due] == [20000, 30000]
    assert last_day(due[0].validity) == date(2026, 11, 30)
    assert (decision.previous.monthly_fen, decision.monthly_fen) == (20000, 30000)
    assert not Adjustment.objects.exists()


def with_credits(city, *months):
    elder = city.poor()
    services.decide(elder_id=elder.pk, policy=city.policy, on=months[0], user=None)
    for month in months:
        services.open_month(month=month, policy=city.policy)
    return elder


def test_a_retroactive_law_lists_each_month_to_pay_and_a_person_books_it(city):
    months = [date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)]
    elder = with_credits(city, *months)
    services.close_month(month=months[0], on=date(2026, 10, 1))
    law = enacted(city, 25000, date(2026, 10, 1))
    services.redecide_elder(elder_id=elder.pk, version=law, on=date(2026, 10, 1))
    proposed = list(Adjustment.objects.order_by("month"))
    assert [(row.month, row.was_fen, row.now_fen, row.difference_fen) for row in proposed] == [
        (months[1], 20000, 25000, 5000),
        (months[2], 20000, 25000, 5000),
    ]
    services.close_month(month=months[1], on=date(2026, 11, 1))
    for row in proposed:
        booked = services.book(adjustment=row, user=city.approver)
        assert booked.entry is not None and booked.entry.corrects is not None
    # October is closed: its difference goes to what the elder can still spend.
    november = Credit.objects.get(elder=elder, month=months[2])
    assert (november.amount_fen, balance(november.account)) == (30000, 30000)
    assert verify().ok


def test_what_was_spent_cannot_be_taken_back(city):
    elder = with_credits(city, date(2026, 11, 1))
    credit = Credit.objects.get(elder=elder)
    from songhe.core.ledger import credits as ledger_credits

    ledger_credits.reserve(credit.account, 18000, source=elder, key="t-spend")
    law = enacted(city, 10000, date(2026, 11, 1))
    services.redecide_elder(elder_id=elder.pk, version=law, on=date(2026, 11, 1))
    row = Adjustment.objects.get()
    assert row.difference_fen == -10000
    with pytest.raises(Refused, match="余额不足"), transaction.atomic():
        services.book(adjustment=row, user=city.approver)
    row = fire(row, "dismiss", user=city.approver, reason="已用于上门服务，不追回")
    assert row.state == "dismissed"
    assert balance(credit.account) == 2000


def test_a_month_is_opened_once_though_its_amount_changed_in_it(city):
    elder = with_credits(city, date(2026, 11, 1))
    law = enacted(city, 30000, date(2026, 11, 10))
    services.redecide_elder(elder_id=elder.pk, version=law, on=date(2026, 11, 10))
    assert services.open_month(month=date(2026, 11, 1), policy=city.policy) == 0
    assert Credit.objects.filter(elder=elder).count() == 1


def test_deciding_twice_on_one_day_leaves_one_entitlement(city):
    elder = city.poor()
    services.decide(elder_id=elder.pk, policy=city.policy, on=NOVEMBER, user=None)
    enacted(city, 30000, NOVEMBER)
    services.decide(elder_id=elder.pk, policy=city.policy, on=NOVEMBER, user=None)
    assert [row.monthly_fen for row in Entitlement.objects.filter(elder=elder, validity__contains=NOVEMBER)] == [30000]


def test_a_simulation_costs_what_single_decisions_add_up_to(city):
    for kind, level in (("minimum_living", 0), ("destitute", 3), (None, 2), ("low_income", None), (None, None)):
        city.poor(kind, level)
    draft = drafted(city, 30000, NOVEMBER)
    simulation = draft.simulations.get()
    total = simulation.results["total"]
    book = rulebook_on(today(), instead=draft)
    from songhe.registers.elders.models import Elder
    from songhe.registers.elders.selectors import facts_for_policy

    single = [
        book.judge(facts_for_policy(elder, today()), city.policy.pk)[city.policy.pk].monthly_fen
        for elder in Elder.objects.all()
    ]
    assert total["now_fen"] == sum(single) == 90000
    assert (total["was_fen"], total["winners"], total["losers"], total["people"]) == (60000, 3, 0, 5)
    assert sum(group["now_fen"] for group in simulation.results["by_area"]) == 90000
    assert sum(group["now_fen"] for group in simulation.results["by_level"]) == 90000
    kinds = {group["label"]: group["people"] for group in simulation.results["by_kind"]}
    assert (kinds["无困难类别"], sum(kinds.values())) == (2, 5)
    assert simulation.results["budget"]["planned_fen"] == city.line.planned_fen
    assert simulation.changes.count() == 3
    assert simulation.results["by_change"] == [
        {"was_fen": 20000, "now_fen": 30000, "people": 3, "difference_fen": 10000}
    ]
    # From November on, two months of the year are the draft's.
    assert [(row["months"], row["difference_fen"]) for row in simulation.results["by_year"]] == [
        (2, 60000),
        (12, 360000),
        (12, 360000),
    ]


def test_a_simulation_is_taken_out_as_a_spreadsheet(city):
    city.poor()
    simulation = drafted(city, 30000, NOVEMBER).simulations.get()
    book = CalamineWorkbook.from_filelike(io.BytesIO(simulation_xlsx(simulation)))
    assert book.sheet_names == ["总计", "按区划", "按困难类别", "按年龄", "按能力等级", "增减分布"]
    assert book.get_sheet_by_name("增减分布").to_python()[1] == ["增加", 200, 300, 100, 1]
    whole = {row[0]: row[1:] for row in book.get_sheet_by_name("总计").to_python()}
    assert whole["合计"][:6] == [1, 1, 1, 200, 300, 100]


def test_a_simulation_is_stopped_and_leaves_nothing(city, monkeypatch):
    city.poor()
    draft = drafted(city, 30000, NOVEMBER)
    finished = draft.simulations.get()
    with pytest.raises(Refused, match="完成"):
        services.stop_simulation(simulation=finished)
    services.simulate(simulation_id=finished.pk)
    finished.refresh_from_db()
    assert (finished.stage, finished.changes.count()) == ("完成", 1)
    waiting = services.ask_simulation(policy_version=draft, area=city.city, on=today(), user=city.drafter)
    services.stop_simulation(simulation=waiting)
    services.simulate(simulation_id=waiting.pk)
    running = services.ask_simulation(policy_version=draft, area=city.city, on=today(), user=city.drafter)

    def stopped_midway(simulation, people, report):
        services.stop_simulation(simulation=simulation)
        report(50)

    monkeypatch.setattr(simulating, "_keep_changes", stopped_midway)
    services.simulate(simulation_id=running.pk)
    for simulation in (waiting, running):
        simulation.refresh_from_db()
        assert (simulation.stage, simulation.finished_at, simulation.results) == ("已停止", None, {})
        assert not simulation.changes.exists()


def test_the_simulation_goes_with_the_draft_to_those_who_approve(city):
    city.poor()
    draft = drafted(city, 30000, NOVEMBER)
    first = draft.simulations.get()
    draft = services.submit(policy_version=draft, user=city.drafter)
    assert submitted_simulation(draft) == first
    tone, sentence = next(iter(VersionPages().notices(draft, city.approver)))
    assert (tone, "2,400.00 元 → 3,600.00 元，1 人增加，0 人减少" in sentence) == ("info", True)


def test_screening_finds_who_is_due_something_and_gets_nothing(city):
    poor, rich = city.poor(), city.poor(None)
    assert services.screen(area=city.city, on=NOVEMBER) == 1
    finding = Finding.objects.get()
    assert (finding.elder, finding.policy, finding.monthly_fen) == (poor, city.policy, 20000)
    assert services.screen(area=city.city, on=NOVEMBER) == 0
    settled = services.settle_finding(finding=finding, user=city.drafter)
    assert settled.decision.entitled and Entitlement.objects.filter(elder=poor).exists()
    assert services.screen(area=city.city, on=NOVEMBER) == 0
    assert not Decision.objects.filter(elder=rich).exists()


def test_an_open_finding_closes_when_it_holds_no_more(city):
    poor = city.poor()
    services.screen(area=city.city, on=NOVEMBER)
    services.decide(elder_id=poor.pk, policy=city.policy, on=NOVEMBER, user=None)
    services.screen(area=city.city, on=NOVEMBER + timedelta(days=1))
    assert Finding.objects.get().state == "gone"


def test_facts_are_kept_as_codes_and_read_as_words(city):
    elder = city.poor(level=2)
    decision = services.decide(elder_id=elder.pk, policy=city.policy, on=today(), user=city.approver)
    told = dict(in_words(decision.facts))
    assert (told["困难类别"], told["能力等级"], told["在册"]) == ("低保", AbilityLevel(2).label, "是")
    assert told["居住区划"] == city.community.full_name
