"""The policies of every place: sound, with parameters that exist, and saying of their examples what they should."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from songhe.engines.policy import as_json, check, evaluate, load_model, try_examples
from songhe.packs.loader import Pack, Policy, check_pack, list_packs, load_pack
from songhe.packs.policies import figures

DAY = date(2026, 11, 1)
POLICIES = [
    (place, policy.key)
    for place in ["national", *list_packs()]
    for policy in load_pack(place).policies
    # Inherited ones are looked at once, where they are.
    if policy.model.parent.parent.name == place
]


def policy_of(place: str, key: str) -> tuple[Pack, Policy]:
    pack = load_pack(place)
    return pack, next(policy for policy in pack.policies if policy.key == key)


def parameters_of(pack: Pack, policy: Policy, day: date = DAY) -> dict[str, Any]:
    return figures(pack.parameters_of(policy), day)


@pytest.mark.parametrize(("place", "key"), POLICIES)
def test_a_policy_is_sound_and_says_of_its_examples_what_it_should(place: str, key: str) -> None:
    pack, policy = policy_of(place, key)
    model = load_model(policy.model)
    assert check(model) == []
    rows = policy.examples()
    assert len(rows) >= 2
    assert try_examples(model, rows, {"参数": parameters_of(pack, policy)}) == []


@pytest.mark.parametrize("place", ["national", *list_packs()])
def test_nothing_is_wrong_with_a_place(place: str) -> None:
    assert check_pack(place) == []


def test_there_are_nine_packs_and_each_names_its_sources() -> None:
    packs = [load_pack(place) for place in ["national", *list_packs()]]
    assert len(packs) == 9
    assert all(policy.document in pack.documents for pack in packs for policy in pack.policies)


def test_wuhans_steps_run_from_100_to_800_yuan() -> None:
    pack, policy = policy_of("wuhan", "wh-care-subsidy")
    steps = [int(row["value"]) for row in pack.parameters_of(policy) if "档" in row["name"] and row["unit"] == "分"]
    assert (min(steps), max(steps)) == (10000, 80000)
    assert {row["mark"] for row in pack.parameters_of(policy)} == {"example"}


def test_wuzhous_amounts_and_hours_rise_over_time() -> None:
    pack, policy = policy_of("wuzhou", "wz-safety-net")
    history = [parameters_of(pack, policy, date(year, 10, 1)) for year in (2020, 2021, 2022)]
    for name in ("失能额度", "失能小时", "半失能额度", "半失能小时"):
        values = [figures[name] for figures in history]
        assert values == sorted(set(values)), name


def test_guchengs_list_is_thirteen_in_three_parts() -> None:
    _pack, policy = policy_of("gucheng", "gc-basic-list")
    table = load_model(policy.model).decisions["服务项目"].logic
    items = [rule.clause for rule in table.rules]
    parts = [sum(part in item for item in items) for part in ("特殊保障", "普惠服务", "支持服务")]
    assert (len(items), parts) == (13, [4, 3, 6])


def test_a_places_own_figure_replaces_the_national_one(tmp_path: Path) -> None:
    own = tmp_path / "here"
    own.mkdir()
    own.joinpath("parameters.csv").write_text(
        "name,value,unit,valid_from,valid_to,document,clause,mark\n高龄津贴.八十档,8000,分,2025-01-01,,,市标准,example\n"
    )
    national = load_pack("national")
    place = replace(national, lineage=(*national.lineage, own))
    rows = [row for row in place.parameters() if row["name"] == "高龄津贴.八十档"]
    assert [row["value"] for row in rows] == ["8000"]


def anqing(**changed: Any) -> dict[str, Any]:
    """Return what the policy says of a poor elder living alone, with facts changed."""
    pack, policy = policy_of("anqing", "aq-safety-net-services")
    facts = {
        "年龄": 72,
        "在册": True,
        "户籍在本市": True,
        "困难类别": ["minimum_living"],
        "居住状况": "alone",
        "残疾等级": None,
        "参数": parameters_of(pack, policy),
    }
    result: dict[str, Any] = as_json(evaluate(load_model(policy.model), {**facts, **changed}).results)
    return result


def test_nobody_is_entitled_by_what_is_missing() -> None:
    assert anqing()["资格"] is True
    assert anqing(参数={})["资格"] is False
    for fact in ("年龄", "在册", "户籍在本市", "困难类别"):
        assert anqing(**{fact: None})["资格"] is False, fact


def test_the_amount_is_the_parameters_and_not_the_tables() -> None:
    parameters = {"最低年龄": 60, "高龄起始": 80, "重度残疾最轻等级": 2, "月度额度": 30000}
    assert anqing(参数=parameters)["月度额度"] == 30000
    assert anqing(参数={**parameters, "最低年龄": 73})["对象类别"] == "未达年龄"


def test_the_person_is_told_why_with_the_document() -> None:
    pack, policy = policy_of("anqing", "aq-safety-net-services")
    model = load_model(policy.model)
    facts = {"年龄": 72, "在册": True, "户籍在本市": True, "困难类别": ["minimum_living"], "居住状况": "alone"}
    lines = evaluate(model, {**facts, "参数": parameters_of(pack, policy)}).explain(
        {"minimum_living": "低保", "alone": "独居"}
    )
    assert "困难类别为低保" in lines[0]
    assert "《安庆市政府购买居家养老服务实施办法》低保对象" in lines[0]
    assert "得出“200.00 元”" in lines[2]
    assert "可享受居家养老服务" in lines[3]
