"""The policies of the places, each decided on its pages by that place's people from its own pack."""

import json
import re
from datetime import date, timedelta

import pytest
from django.urls import reverse

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.packs.loader import load_pack
from songhe.registers.elders.services import record_difficulty, record_level
from songhe.registers.elders.tests.people import elder as register_elder
from songhe.registers.facilities.models import Facility, FacilityKind
from songhe.registers.funds import services as funds
from songhe.registers.funds.models import BudgetLine
from songhe.registers.providers.models import Provider
from songhe.registers.workforce.models import Staff
from songhe.rights.policy.drafting import to_editor
from songhe.rights.policy.models import Award, Credit, Decision, Entitlement, Finding, Policy, Simulation
from songhe.rights.policy.services import decide, open_month, simulate
from tests.people import Person


class Place:
    """A place's staff at their pages, and the elders a test puts into its roll."""

    def __init__(self, pack):
        with use(Scope.system()):
            self.area = Area.objects.get(code=load_pack(pack).areas[0])
            self.community = Area.objects.filter(
                code__gte=self.area.code, code__lt=self.area.upper, level="village"
            ).order_by("code")[0]
            self.street, self.policy, self.county = Person("street"), Person("policy"), Person("county")
        self.made = 0

    def elder(self, *, age=70, kinds=(), level=None, living="alone", grade=None):
        self.made += 1
        born = today().replace(year=today().year - age, day=1)
        long_ago = today().replace(year=today().year - 1, day=1)
        with use(Scope.system()):
            made = register_elder(
                self.community,
                f"老人{self.made}",
                birth_date=born,
                order=2 * self.made,
                registered_area=self.community,
                living_situation=living,
            )
            for kind in kinds:
                record_difficulty(elder_id=made.pk, kind=kind, first=long_ago, grade=grade)
            if level is not None:
                record_level(elder_id=made.pk, level=level, on=long_ago)
            made.refresh_from_db()
        return made

    def rights(self, elder):
        return self.street.opens(reverse("console:policy-decision-rights", args=[elder.pk]))

    def decide(self, elder, key):
        with use(Scope.system()):
            policy = Policy.objects.get(key=key)
        self.street.sends(
            reverse("console:policy-decision-create"), elder_id=elder.pk, policy=policy.pk, on=today().isoformat()
        )
        with use(Scope.system()):
            return Decision.objects.filter(elder=elder, policy_version__policy=policy).latest("created_at")

    def due(self, elder):
        with use(Scope.system()):
            rows = Entitlement.objects.filter(elder=elder, validity__contains=today())
            return {row.policy.key: row.monthly_fen for row in rows.select_related("policy")}

    def award(self, key, whom, **facts):
        """Decide for an organisation, a facility or a worker; facts by their names on the form."""
        with use(Scope.system()):
            policy = Policy.objects.get(key=key)
        url = reverse("console:policy-award-for", args=[policy.pk])
        page = self.county.opens(url)
        sent = {"whom": whom.pk, "on": today().isoformat()}
        for name, value in facts.items():
            label = re.search(rf'<label[^>]*for="id_(fact_\d+)"[^>]*>\s*{name}\s*<', page)
            assert label, f"页面上没有“{name}”"
            sent[label[1]] = value
        return self.county.presses(url, **sent)


@pytest.fixture
def here(place):
    return Place(place)


def at(name):
    return pytest.mark.parametrize("place", [name], indirect=True)


@at("wuhan")
@pytest.mark.requirement("WH-08")
def test_wuhans_subsidy_follows_level_and_hardship_between_100_and_800_yuan(here):
    fen = {}
    for name, kinds, level in (
        ("低保完全失能", ["minimum_living"], 4),
        ("低保轻度", ["minimum_living"], 1),
        ("低收入完好", ["low_income"], 0),
        ("低收入重度", ["low_income"], 3),
    ):
        decision = here.decide(here.elder(kinds=kinds, level=level), "wh-care-subsidy")
        fen[name] = decision.monthly_fen
    assert fen == {"低保完全失能": 80000, "低保轻度": 30000, "低收入完好": 10000, "低收入重度": 45000}
    poor = here.elder(kinds=["minimum_living"], level=1)
    decision = here.decide(poor, "wh-care-subsidy")
    # The level changes, and with it the amount, by itself; the old decision stays as it was.
    with use(Scope.system()):
        record_level(elder_id=poor.pk, level=3, on=today())
        again = Decision.objects.filter(elder=poor).latest("created_at")
    assert (again.monthly_fen, again.previous_id) == (65000, decision.pk)
    page = here.street.opens(reverse("console:policy-decision-detail", args=[again.pk]))
    for shown in ("与此前认定对照", "300.00", "650.00", "轻度失能", "重度失能"):
        assert shown in page
    paper = here.street.client.get(reverse("console:policy-decision-paper", args=[poor.pk]))
    assert paper.content.startswith(b"%PDF")
    page = here.rights(poor)
    for shown in ("650.00", "困难老人养老服务补贴", "武汉市困难老人养老服务补贴办法", "甲档"):
        assert shown in page
    with use(Scope.system()):
        line = BudgetLine.objects.get(code=f"wh-{today():%Y}-services")
        funds.receive(pot=line.pot, amount=10**8, on=today(), key="t-receive")
        funds.appropriate(line=line, fen=10**8, on=today(), key="t-give")
        assert open_month(month=today(), policy=Policy.objects.get(key="wh-care-subsidy")) == 5
        assert balance(Credit.objects.get(elder=poor).account) == 65000


def facility(here, name="东湖社区服务站"):
    with use(Scope.system()):
        return Facility.objects.create(name=name, kind=FacilityKind.objects.first(), area=here.community)


def provider(here, name="楚天颐养"):
    with use(Scope.system()):
        return Provider.objects.create(
            name=name, credit_code="91340800MA2TESTA19", kind=Provider.Kind.COMPANY, area=here.area
        )


@at("wuhan")
@pytest.mark.requirement("WH-07")
def test_a_facilitys_subsidy_differs_by_its_grade_once_a_year(here):
    amounts = []
    for number, grade in enumerate(("A", "3A", "5A")):
        here.award("wh-grade-subsidy", facility(here, f"服务站{number}"), 等级=grade, 运营满年="true")
        with use(Scope.system()):
            amounts.append(Award.objects.latest("created_at").amount_fen)
    assert amounts == sorted(set(amounts)) and amounts[0] > 0
    ungraded = facility(here, "未评定站")
    here.award("wh-grade-subsidy", ungraded, 等级="", 运营满年="true")
    with use(Scope.system()):
        assert not Award.objects.get(facility=ungraded).granted


@at("wuhan")
@pytest.mark.requirement("WH-10")
def test_who_runs_five_3a_facilities_as_a_chain_is_rewarded_200000_yuan_once(here):
    company = provider(here)
    facts = {"机构类型": "企业", "连锁运营": "true"}
    here.award("wh-chain-reward", company, **facts, 三A以上设施数="4")
    here.award("wh-chain-reward", company, **facts, 三A以上设施数="5")
    with use(Scope.system()):
        four, five = Award.objects.order_by("created_at")
        assert (four.granted, four.amount_fen, five.granted, five.amount_fen) == (False, 0, True, 200_000_00)
    again = here.award("wh-chain-reward", company, **facts, 三A以上设施数="8")
    assert "已经享受过" in again.content.decode()
    page = here.county.opens(reverse("console:policy-award-detail", args=[five.pk]))
    assert "200,000.00" in page and "连锁运营" in page


@at("xianning")
@pytest.mark.requirement("XN-04")
def test_pay_follows_the_level_of_skill_and_graduates_get_an_entry_subsidy(here):
    company = provider(here)
    with use(Scope.system()):
        carer = Staff.objects.create(provider=company, area=here.area, name="林护理", sex="female")
    here.award("xn-entry-subsidy", carer, 学历="大专", 入职满年="true", 服务协议年限="3")
    here.award("xn-skill-allowance", carer, 本地技能等级="金桂", 在岗="true")
    with use(Scope.system()):
        entry, skill = Award.objects.order_by("created_at")
        assert (entry.amount_fen, skill.amount_fen) == (1_000_000, 80_000)
        assert entry.once_key and skill.once_key.endswith(f"{today():%Y-%m}")


@at("yuxi")
@pytest.mark.requirement("YX-06")
def test_beds_are_subsidised_10000_in_an_own_building_and_5000_on_a_lease_of_five_years(here):
    own, leased, short = (facility(here, name) for name in ("自建院", "租赁院", "短租院"))
    here.award("yx-bed-subsidy", own, 产权="自有", 租期年="", 新增床位数="60", 已备案="true")
    here.award("yx-bed-subsidy", leased, 产权="租赁", 租期年="5", 新增床位数="40", 已备案="true")
    here.award("yx-bed-subsidy", short, 产权="租赁", 租期年="3", 新增床位数="40", 已备案="true")
    with use(Scope.system()):
        fen = {award.facility.name: award.amount_fen for award in Award.objects.select_related("facility")}
    assert fen == {"自建院": 60 * 10_000_00, "租赁院": 40 * 5_000_00, "短租院": 0}


@at("shashi")
@pytest.mark.requirement("SS-10")
def test_everybody_in_difficulty_is_screened_and_subsidised(here):
    poor, aged = here.elder(kinds=["minimum_living"]), here.elder(age=85)
    disabled = here.elder(kinds=["disabled"], grade=2)
    well = here.elder(age=66, living="with_spouse")
    with use(Scope.system()):
        officer = here.street.user
    led_to = here.street.presses(reverse("console:policy-finding-screen"))
    assert led_to.status_code == 303
    with use(Scope.system()):
        found = Finding.objects.filter(policy__key="ss-difficulty-subsidy")
        assert {row.elder_id for row in found} == {poor.pk, aged.pk, disabled.pk}
        waiting = list(found)
    listed = here.street.opens(reverse("console:policy-finding-list"))
    assert "老人1" in listed and "困难老人基本养老服务补贴" in listed
    for row in waiting:
        here.street.sends(reverse("console:policy-finding-step", args=[row.pk, "settle"]))
    with use(Scope.system()):
        covered = Entitlement.objects.filter(policy__key="ss-difficulty-subsidy").values_list("elder_id", flat=True)
        assert set(covered) == {poor.pk, aged.pk, disabled.pk}
    assert officer.may("policy.decide")
    page = here.rights(well)
    assert "国家基本养老服务清单" in page and "不能享受困难老人补贴" in page


@at("gucheng")
@pytest.mark.requirement("GC-06")
def test_the_list_of_thirteen_items_says_what_applies_to_an_elder(here):
    elder = here.elder(age=82, kinds=["minimum_living"], level=3)
    page = here.rights(elder)
    assert "可享受10项" in page
    for item in ("特殊：困难老人消费券", "普惠：高龄津贴", "支持：家庭照护者喘息服务"):
        assert item in page
    with use(Scope.system()):
        version = Policy.objects.get(key="gc-basic-list").versions.get()
    rules = here.policy.opens(reverse("console:policy-policy-version-detail", args=[version.pk]))
    assert [rules.count(f"→ {part}：") for part in ("特殊", "普惠", "支持")] == [4, 3, 6]


@at("gucheng")
@pytest.mark.requirement("GC-10")
def test_elders_in_difficulty_get_vouchers_the_best_one_and_their_carers_respite(here):
    poor = here.elder(kinds=["minimum_living"])
    assert here.decide(poor, "gc-difficulty-voucher").monthly_fen == 10000
    # Found moderately disabled, the national voucher is the better one, and the county's ends.
    with use(Scope.system()):
        record_level(elder_id=poor.pk, level=2, on=today())
    here.decide(poor, "nat-service-voucher")
    assert here.due(poor) == {"nat-service-voucher": 80000}
    page = here.rights(poor)
    assert "就高享受" in page
    cared_for = here.elder(age=78, level=3, living="with_children")
    assert here.decide(cared_for, "gc-respite").monthly_fen == 30000
    assert not here.decide(here.elder(age=78, level=3, living="alone"), "gc-respite").entitled


@at("wuzhou")
@pytest.mark.requirement("WZ-11")
def test_who_is_in_the_safety_net_and_amounts_that_rise_over_time(here):
    destitute = here.elder(kinds=["destitute"], level=3)
    decision = here.decide(destitute, "wz-safety-net")
    assert (decision.monthly_fen, decision.results["服务小时"]) == (30000, 12)
    for key, kinds, level in (
        ("wz-safety-net", ["minimum_living"], 1),
        ("wz-honoured", ["three_olds"], None),
        ("wz-honoured", ["entitled_group"], None),
    ):
        assert here.decide(here.elder(kinds=kinds, level=level), key).entitled
    for kinds, level in ((["minimum_living"], 0), ([], 4)):
        assert not here.decide(here.elder(kinds=kinds, level=level), "wz-safety-net").entitled
    from songhe.rights.policy.rules import figures
    from songhe.rights.policy.selectors import version_on

    with use(Scope.system()):
        version = version_on(Policy.objects.get(key="wz-safety-net"), today())
    amounts = [figures(version.parameters, date(year, 10, 1))["失能额度"] for year in (2020, 2021, 2022)]
    assert amounts == [20000, 25000, 30000]


@at("wuzhou")
@pytest.mark.requirement("WZ-13")
def test_the_best_benefit_wins_where_several_apply(here):
    elder = here.elder(kinds=["minimum_living", "entitled_group"], level=1)
    assert here.decide(elder, "wz-safety-net").reason.endswith("就高享受，已享受后者")
    assert here.decide(elder, "wz-honoured").monthly_fen == 25000
    assert here.due(elder) == {"wz-honoured": 25000}
    # Worse, the services for the disabled poor are worth more: they begin, the others end.
    with use(Scope.system()):
        record_level(elder_id=elder.pk, level=3, on=today())
    assert here.decide(elder, "wz-safety-net").monthly_fen == 30000
    assert here.due(elder) == {"wz-safety-net": 30000}
    page = here.rights(elder)
    assert "就高享受" in page and "梧州市政府购买居家养老服务实施办法" in page


@at("wuzhou")
@pytest.mark.requirement("WZ-23")
def test_long_term_care_insurance_begins_with_the_severely_disabled(here):
    assert [here.decide(here.elder(level=level), "wz-ltci").entitled for level in (1, 2, 3, 4)] == [
        False, False, True, True,
    ]  # fmt: skip
    in_a_home = here.elder(level=4, living="institution")
    assert here.decide(in_a_home, "wz-ltci").monthly_fen == 60000


@at("daye")
def test_a_place_without_policies_of_its_own_has_the_national_ones(here):
    elder = here.elder(age=91, level=2)
    page = here.rights(elder)
    for shown in ("高龄津贴", "每月 100.00 元", "抵扣服务费用的50%", "民办函〔2025〕49号"):
        assert shown in page
    assert here.decide(elder, "nat-old-age-allowance").monthly_fen == 10000
    voucher = here.decide(elder, "nat-service-voucher")
    assert (voucher.monthly_fen, voucher.results["抵扣比例"]) == (80000, 50)
    destitute = here.elder(kinds=["destitute"], level=3)
    assert not here.decide(destitute, "nat-service-voucher").entitled


@at("anqing")
@pytest.mark.requirement("AQ-01")
def test_documents_are_searched_by_their_words_and_say_who_cites_them(here):
    url = reverse("console:policy-document-list")
    found = here.policy.client.post(url, {"q": "消费补贴 30%–60%"}).content.decode()
    assert "中度以上失能老年人发放养老服务消费补贴" in found and "老年人能力评估规范" not in found
    with use(Scope.system()):
        from songhe.rights.policy.models import Document

        document = Document.objects.get(key="aq-services")
        version = Policy.objects.get(key="aq-safety-net-services").versions.get()
    citations = here.policy.opens(reverse("console:policy-document-tab", args=[document.pk, 1]))
    for shown in ("困难老人居家养老服务 第1版", "居家服务.月度额度", "每人每月 200 元"):
        assert shown in citations
    here.policy.opens(reverse("console:policy-policy-version-draft", args=[version.pk]))
    editor = here.policy.sends(
        reverse("console:policy-policy-version-draft", args=[version.pk]), note="改一版", first=today().isoformat()
    )
    with use(Scope.system()):
        draft = Policy.objects.get(key="aq-safety-net-services").versions.get(number=2)
        draft.parameters = [{**row, "value": "26000"} if row["name"] == "月度额度" else row for row in draft.parameters]
        draft.save()
    assert "dmn-modeler" in here.policy.opens(editor)
    compared = here.policy.opens(reverse("console:policy-policy-version-compare", args=[draft.pk, version.pk]))
    assert "月度额度 = 200.00 元" in compared and "月度额度 = 260.00 元" in compared and "高龄起始" not in compared


@at("anqing")
def test_two_people_change_the_law_from_a_day_by_their_pages(here):
    tomorrow = today() + timedelta(days=1)
    approver = Person("policy2")
    elder = here.elder(kinds=["minimum_living"])
    with use(Scope.system()):
        policy = Policy.objects.get(key="aq-safety-net-services")
        old = policy.versions.get()
    here.policy.sends(
        reverse("console:policy-policy-version-draft", args=[old.pk]), note="提高", first=tomorrow.isoformat()
    )
    with use(Scope.system()):
        draft = policy.versions.get(number=2)
    editor = reverse("console:policy-policy-version-editor", args=[draft.pk])
    here.policy.opens(editor)
    figures = [{**row, "value": "30000"} if row["name"] == "月度额度" else row for row in draft.parameters]
    people = [{**row, "月度额度": "30000"} if row["月度额度"] == "20000" else row for row in draft.examples]
    here.policy.sends(
        editor, model_xml=to_editor(draft.model_xml), parameters=json.dumps(figures), examples=json.dumps(people)
    )

    def step(person, name, **data):
        return person.presses(reverse("console:policy-policy-version-step", args=[draft.pk, name]), **data)

    assert "还没有测算" in step(here.policy, "simulate").content.decode()
    here.policy.sends(reverse("console:policy-simulation-create"), policy_version=draft.pk, on=today().isoformat())
    with use(Scope.system()):
        simulation = Simulation.objects.get()
    simulate(simulation_id=simulation.pk)
    shown = here.policy.opens(reverse("console:policy-simulation-detail", args=[simulation.pk]))
    assert "300.00" in shown and "按困难类别" in shown and "预算项目" in shown
    assert step(here.policy, "simulate").status_code == 303
    # Who drafted cannot go on; another officer can.
    assert step(here.policy, "review").status_code != 303
    assert step(approver, "review").status_code == 303
    assert step(approver, "enact", first=tomorrow.isoformat()).status_code == 303
    with use(Scope.system()):
        fen = [decide(elder_id=elder.pk, policy=policy, on=day, user=None).monthly_fen for day in (today(), tomorrow)]
    assert fen == [20000, 30000]
