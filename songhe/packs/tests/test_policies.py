"""The policies of every place: sound, with parameters that exist, and saying of their examples what they should."""

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from songhe.engines.policy import as_json, check, evaluate, load_model, try_examples
from songhe.packs.loader import Pack, Policy, list_packs, load_pack

DAY = date(2026, 11, 1)
POLICIES = [(place, policy.key) for place in list_packs() for policy in load_pack(place).policies]


def policy_of(place: str, key: str) -> tuple[Pack, Policy]:
    pack = load_pack(place)
    return pack, next(policy for policy in pack.policies if policy.key == key)


def parameters_of(pack: Pack, policy: Policy) -> dict[str, Any]:
    found = {}
    for row in pack.table("parameters.csv"):
        in_force = date.fromisoformat(row["valid_from"]) <= DAY < date.fromisoformat(row["valid_to"] or "9999-12-31")
        if in_force and row["name"].startswith(f"{policy.parameters}."):
            found[row["name"].removeprefix(f"{policy.parameters}.")] = int(row["value"])
    return found


def examples_of(policy: Policy) -> Path:
    return policy.model.with_suffix(".examples.csv")


@pytest.mark.parametrize(("place", "key"), POLICIES)
def test_a_policy_is_sound_and_says_of_its_examples_what_it_should(place: str, key: str) -> None:
    pack, policy = policy_of(place, key)
    model = load_model(policy.model)
    assert check(model) == []
    with examples_of(policy).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert try_examples(model, rows, {"参数": parameters_of(pack, policy)}) == []


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
