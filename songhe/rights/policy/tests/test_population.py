"""A whole population asked at once hears what each person would hear alone: every place's policies, to the fen."""

import random
from datetime import date

import polars as pl
import pytest

from songhe.core.errors import Refused
from songhe.packs.loader import list_packs, load_pack
from songhe.registers.elders.models import DifficultyKind, LivingSituation
from songhe.rights.policy.models import Policy, PolicyVersion
from songhe.rights.policy.population import answered, fen_of, reason_of
from songhe.rights.policy.rules import Rulebook

DAY = date(2026, 11, 1)
PEOPLE = 400
SCHEMA = {
    "elder_id": pl.String,
    "年龄": pl.Int16,
    "性别": pl.String,
    "在册": pl.Boolean,
    "户籍在本市": pl.Boolean,
    "居住区划": pl.Int64,
    "居住状况": pl.String,
    "困难类别": pl.List(pl.String),
    "残疾等级": pl.Int8,
    "能力等级": pl.Int8,
}


def rulebook_of(place, raised=1):
    """Return a place's policies for elders as its pack has them, every amount so many times as high."""
    pack = load_pack(place)
    versions = {}
    between = None
    for entry in pack.policies:
        policy = Policy(key=entry.key, name=entry.name, subject=entry.subject, form=entry.form)
        parameters = [
            {**row, "value": str(int(row["value"]) * raised)} if row["unit"] == "分" else row
            for row in pack.parameters_of(entry)
        ]
        version = PolicyVersion(
            policy=policy, model_xml=entry.model.read_text(encoding="utf-8"), parameters=parameters, number=1
        )
        if entry.subject == "elder":
            versions[policy.pk] = version
        elif entry.subject == "benefits":
            between = version
    return Rulebook(DAY, versions, between)


def people(seed, count=PEOPLE):
    """Draw people of every kind, the unknown and the edges as likely as anything."""
    draw = random.Random(seed)
    return [
        {
            "elder_id": str(number),
            "年龄": draw.choice([None, 0, 59, 60, 64, 65, 69, 70, 79, 80, 89, 90, 99, 100, 105]),
            "性别": draw.choice(["male", "female"]),
            "在册": draw.choice([True, True, True, False]),
            "户籍在本市": draw.choice([True, True, False]),
            "居住区划": draw.choice([340802001001, 420102001001]),
            "居住状况": draw.choice([None, *LivingSituation.values]),
            "困难类别": draw.sample(DifficultyKind.values, draw.choice([0, 0, 1, 1, 2, 3])),
            "残疾等级": draw.choice([None, 1, 2, 3, 4]),
            "能力等级": draw.choice([None, 0, 1, 2, 3, 4]),
        }
        for number in range(count)
    ]


@pytest.mark.parametrize("place", ["national", *list_packs()])
def test_a_population_hears_what_each_of_its_people_hears_alone(place):
    rulebook = rulebook_of(place)
    monthly = [pk for pk, version in rulebook.versions.items() if version.policy.form != Policy.Form.SERVICE]
    rows = people(place)
    found = answered(rulebook, monthly, pl.DataFrame(rows, schema=SCHEMA), reasons=True)
    given = 0
    for row, said in zip(rows, found.sort(pl.col("elder_id").cast(pl.Int64)).iter_rows(named=True), strict=True):
        facts = {name: value for name, value in row.items() if name != "elder_id"}
        judgements = rulebook.judge(facts)
        for pk in monthly:
            alone = judgements[pk]
            assert (said[fen_of(pk)], said[reason_of(pk)]) == (alone.monthly_fen, alone.reason), facts
            given += alone.monthly_fen
    assert given > 0


def test_wuhans_amounts_raised_cost_what_single_decisions_add_up_to():
    was, now = rulebook_of("wuhan"), rulebook_of("wuhan", raised=3)
    subsidy = next(pk for pk, version in now.versions.items() if version.policy.key == "wh-care-subsidy")
    rows = people("武汉", 1500)
    frame = pl.DataFrame(rows, schema=SCHEMA)
    raised = answered(now, [subsidy], frame)[fen_of(subsidy)].sum()
    before = next(pk for pk, version in was.versions.items() if version.policy.key == "wh-care-subsidy")
    single = [
        now.judge({name: value for name, value in row.items() if name != "elder_id"}, subsidy)[subsidy].monthly_fen
        for row in rows
    ]
    assert raised == sum(single) == 3 * answered(was, [before], frame)[fen_of(before)].sum() > 0


def test_what_columns_cannot_compute_is_refused_by_name():
    rulebook = rulebook_of("anqing")
    pk = next(pk for pk, version in rulebook.versions.items() if version.policy.key == "aq-safety-net-services")
    version = rulebook.versions[pk]
    version.model_xml = version.model_xml.replace("<text>参数.月度额度</text>", "<text>参数.月度额度 / 年龄</text>")
    with pytest.raises(Refused, match=r"月度额度.*不能按列计算"):
        answered(rulebook, [pk], pl.DataFrame(people("商", 10), schema=SCHEMA))
