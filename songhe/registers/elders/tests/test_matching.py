"""Who a line of a roll is, where its number does not say; which office is right; who is on which roll since when."""

from datetime import date

import pytest

from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import services as elders
from songhe.registers.elders.importing import selectors, services, standing
from songhe.registers.elders.importing.matching import Described, same_name, weigh
from songhe.registers.elders.models import Elder, IdKind, ImportSource, RollEntry
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx

A, B, C = number(order=12), number(order=13), number(date(1938, 11, 2), 14)
HEAD = ["姓名", "身份证号", "社区"]


@pytest.fixture
def street(places):
    with use(Scope.area(places["street"].code, places["street"].upper)):
        yield places["street"]


def profile(street, name="民政局", **more):
    return ImportSource.objects.create(area=street, name=name, **more)


def looked_over(street, rows, *, source="民政局", **more):
    batch = services.stage(data=xlsx(rows), file_name="名册.xlsx", area=street, source=source, **more)
    services.map_columns(batch_id=batch.pk, mapping={int(k): v for k, v in batch.mapping.items()})
    return services.look_over(batch_id=batch.pk)


def verdicts(batch):
    return dict(batch.rows.order_by("number").values_list("number", "verdict"))


def ask(batch, verdict="conflict"):
    (line,) = selectors.lines(batch, verdict)
    return line


# --- weights ---


def test_agreement_raises_and_disagreement_lowers_the_chance():
    known = Described("王秀英", date(1948, 5, 6), "female", "13800138000", "", 1, "松东路12号2栋301室")
    chance = lambda other: weigh(other, known, among=100_000).probability  # noqa: E731
    whole = chance(Described("王秀英", date(1948, 5, 6), "female", "13800138000", "", 1, "松东路12号2栋301"))
    name_and_birth = chance(Described("王秀英", date(1948, 5, 6), "female"))
    name_alone = chance(Described("王秀英"))
    stranger = chance(Described("李大山", date(1939, 1, 1), "male", "13911112222", "", 2))
    assert whole > 0.999
    assert 0.5 < name_and_birth < whole
    assert name_alone < 0.1
    assert stranger < 1e-6


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("王秀英", "王秀瑛", True),
        ("王秀英", "汪秀英", True),
        ("王秀英", "王秀芳", True),
        ("王英", "王芳", False),
        ("王秀英", "李大山", False),
    ],
)
def test_names_that_may_be_one_persons(one, other, same):
    assert same_name(one, other) is same


# --- a person decides ---


def test_a_line_with_a_mistyped_number_is_put_to_a_person(street, places):
    known = elder(places["east"], order=12, phone="13800138000")
    spoilt = A[:-1] + ("1" if A[-1] != "1" else "2")
    head = [*HEAD, "出生日期", "电话", "居住状况"]
    batch = looked_over(street, [head, ["王秀英", spoilt, "松东社区", "1948-05-06", "13800138000", "独居"]])
    line = ask(batch)
    (question,) = line.questions
    assert [option.value for option in question.options] == [str(known.pk), "new", "skip"]
    assert "姓名相同、出生日期相同、电话相同、同一社区" in question.options[0].detail
    assert A not in question.options[0].detail
    services.decide(row_id=line.row.pk, answers={"who": str(known.pk)})
    assert verdicts(batch) == {2: "changed"}
    services.apply(batch_id=batch.pk)
    known.refresh_from_db()
    assert (known.living_situation, known.id_number, Elder.objects.count()) == ("alone", A, 1)


def test_a_line_without_number_that_is_nobody_known_stays_out(street):
    batch = looked_over(street, [[*HEAD, "出生日期"], ["王秀英", "", "松东社区", "1948-05-06"]])
    assert verdicts(batch) == {2: "wrong"}
    assert "身份证号为空" in selectors.complaint(batch.rows.get())


def test_a_roll_without_numbers_finds_people_by_name_birth_and_telephone(street, places):
    known = elder(places["east"], order=12, phone="13800138000")
    rows = [["姓名", "出生日期", "性别", "电话", "社区"], ["王秀英", "1948-05-06", "女", "13800138000", "松东社区"]]
    batch = looked_over(street, rows)
    line = ask(batch)
    services.decide(row_id=line.row.pk, answers={"who": "new"})
    assert verdicts(batch) == {2: "new"}
    services.apply(batch_id=batch.pk)
    made = Elder.objects.exclude(pk=known.pk).get()
    assert (made.id_kind, made.birth_date, made.id_number) == (IdKind.NONE, date(1948, 5, 6), "")
    services.undo(batch_id=batch.pk)
    assert list(Elder.objects.all()) == [known]


def test_somebody_entered_without_number_gets_it_from_the_roll(street, places):
    known = elders.register(
        name="王秀英",
        area=places["east"],
        id_kind="none",
        birth_date=date(1948, 5, 6),
        sex="female",
        phone="13800138000",
    )
    batch = looked_over(street, [[*HEAD, "电话"], ["王秀英", A, "松东社区", "13800138000"]])
    line = ask(batch)
    services.decide(row_id=line.row.pk, answers={"who": str(known.pk)})
    (line,) = selectors.lines(batch, "changed")
    assert line.changes[0][0] == "身份证号"
    assert A not in line.changes[0][2]
    services.apply(batch_id=batch.pk)
    known.refresh_from_db()
    assert (known.id_number, known.id_kind) == (A, "resident")
    services.undo(batch_id=batch.pk)
    known.refresh_from_db()
    assert (known.id_number, known.id_kind) == ("", "none")


def test_a_strangers_name_on_a_known_number_is_asked(street, places):
    known = elder(places["east"], order=12)
    batch = looked_over(street, [HEAD, ["赵无极", A, "松东社区"]])
    line = ask(batch)
    assert [option.value for option in line.questions[0].options] == [str(known.pk), "skip"]
    services.decide(row_id=line.row.pk, answers={"who": "skip"})
    assert verdicts(batch) == {2: "left"}
    services.apply(batch_id=batch.pk)
    assert Elder.objects.get().name == "王秀英"


def test_an_answer_that_was_not_offered_is_refused(street, places):
    elder(places["east"], order=12)
    batch = looked_over(street, [HEAD, ["赵无极", A, "松东社区"]])
    line = ask(batch)
    with pytest.raises(Refused, match="没有这个选项"):
        services.decide(row_id=line.row.pk, answers={"who": "00000000-0000-0000-0000-000000000000"})


# --- who is right ---


def test_rules_by_source_and_field(street, places):
    known = elder(places["east"], order=12, phone="13800138000", remarks="喜静", living_situation="alone")
    profile(street, rules={"phone": "ask", "remarks": "keep", "living_situation": "take", "address": "fill"})
    head = [*HEAD, "电话", "备注", "居住状况", "住址"]
    batch = looked_over(street, [head, ["王秀英", A, "松东社区", "13900000001", "耳背", "空巢", "松东路1号"]])
    line = ask(batch)
    assert line.row.asks == ["phone"]
    assert [option.label for option in line.questions[0].options] == [
        "以名册为准：139****0001",
        "以档案为准：138****8000",
    ]
    assert services.decide_all(batch_id=batch.pk, field="phone", answer="keep") == 1
    services.apply(batch_id=batch.pk)
    known.refresh_from_db()
    assert (known.phone, known.remarks, known.living_situation, known.address) == (
        "13800138000",
        "喜静",
        "empty_nest",
        "松东路1号",
    )


def test_decisions_survive_a_second_look(street, places):
    elder(places["east"], order=12, phone="13800138000")
    profile(street, rules={"phone": "ask"})
    batch = looked_over(street, [[*HEAD, "电话"], ["王秀英", A, "松东社区", "13900000001"]])
    services.decide_all(batch_id=batch.pk, field="phone", answer="take")
    services.look_over(batch_id=batch.pk)
    assert verdicts(batch) == {2: "changed"}


def test_standing_on_a_roll_attests_its_difficulty(street):
    profile(street, kinds=["minimum_living"])
    batch = looked_over(street, [HEAD, ["王秀英", A, "松东社区"]], as_of=date(2026, 1, 31))
    services.apply(batch_id=batch.pk)
    (row,) = Elder.objects.get().difficulties.all()
    assert (row.kind, row.source, row.validity.lower) == ("minimum_living", "民政局", date(2026, 1, 31))


# --- whole rolls ---


def applied(street, day, *people, source="民政局"):
    rows = [HEAD, *([name, numeral, "松东社区"] for name, numeral in people)]
    batch = looked_over(street, rows, source=source, as_of=day)
    return services.apply(batch_id=batch.pk)


def standing_on():
    rows = RollEntry.objects.select_related("elder").order_by("elder__name", "validity")
    return [(row.elder.name, row.validity.lower, row.validity.upper) for row in rows]


def test_who_vanishes_from_a_whole_roll_is_known_and_undone_with_it(street):
    profile(street, is_whole=True)
    applied(street, date(2026, 1, 31), ("李大山", A[:-4] + B[-4:]), ("王秀英", A))
    before = standing_on()
    batch = looked_over(street, [HEAD, ["王秀英", A, "松东社区"], ["赵老太", C, "松东社区"]], as_of=date(2026, 2, 28))
    count, people = standing.vanished(batch)
    assert (count, [one.name for one in people]) == (1, ["李大山"])
    batch = services.apply(batch_id=batch.pk)
    assert standing_on() == [
        ("李大山", date(2026, 1, 31), date(2026, 2, 28)),
        ("王秀英", date(2026, 1, 31), None),
        ("赵老太", date(2026, 2, 28), None),
    ]
    assert standing.vanished(batch)[0] == 1
    services.undo(batch_id=batch.pk)
    assert standing_on() == before


def test_whole_rolls_come_in_order_and_are_undone_in_reverse(street):
    profile(street, is_whole=True)
    first = applied(street, date(2026, 1, 31), ("王秀英", A))
    with pytest.raises(Refused, match="须晚于"):
        applied(street, date(2026, 1, 31), ("王秀英", A))
    applied(street, date(2026, 2, 28), ("王秀英", A))
    with pytest.raises(Refused, match="先撤销"):
        services.undo(batch_id=first.pk)


def test_the_dead_on_a_death_roll_are_found_and_nobody_is_added(street, places):
    known = elder(places["east"], order=12)
    profile(street, "公安局", subject="death", adds_people=False, is_whole=True)
    rows = [["姓名", "身份证号", "死亡日期"], ["王秀英", A, "2026-01-03"], ["李大山", B, "2026-01-04"]]
    batch = looked_over(street, rows, source="公安局")
    assert verdicts(batch) == {2: "same", 3: "absent"}
    services.apply(batch_id=batch.pk)
    (entry,) = RollEntry.objects.all()
    assert (entry.elder_id, entry.said_on, Elder.objects.count()) == (known.pk, date(2026, 1, 3), 1)


def test_a_disability_cards_number_holds_the_identity_number_and_the_grade(street):
    batch = looked_over(street, [["姓名", "残疾人证号", "社区", "类别"], ["王秀英", f"{A}42", "松东社区", ""]])
    assert verdicts(batch) == {2: "new"}
    services.apply(batch_id=batch.pk)
    assert Elder.objects.get().id_number == A
