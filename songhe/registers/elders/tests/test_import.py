"""Rolls as offices really send them: read, mapped, looked over, applied, undone."""

import io
import json
from datetime import date, datetime

import pytest
from openpyxl import load_workbook

from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import services as elders
from songhe.registers.elders.importing import selectors, services
from songhe.registers.elders.models import (
    Contact,
    Difficulty,
    DifficultyKind,
    Elder,
    ImportPart,
    ImportRow,
    ImportSource,
    Merge,
    RollEntry,
)
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import csv, web_page, xlsx

A, B, C = number(order=12), number(order=13), number(date(1938, 11, 2), 14)
HEAD = ["姓名", "身份证号", "社区"]


@pytest.fixture
def street(places):
    """The scope of the first street's clerk, in whose name rolls come in."""
    with use(Scope.area(places["street"].code, places["street"].upper)):
        yield places["street"]


def staged(street, data, *, name="名册.xlsx", source="民政局救助科", **more):
    return services.stage(data=data, file_name=name, area=street, source=source, **more)


def looked_over(street, data, **more):
    batch = staged(street, data, **more)
    services.map_columns(batch_id=batch.pk, mapping={int(k): v for k, v in batch.mapping.items()})
    return services.look_over(batch_id=batch.pk)


def brought_in(street, data, **more):
    batch = looked_over(street, data, **more)
    return services.apply(batch_id=batch.pk)


def counted(batch):
    return {k: v for k, v in selectors.counts(batch).items() if v}


def complaints(batch):
    return {row.number: selectors.complaint(row) for row in batch.rows.filter(verdict="wrong")}


# --- ugly files ---


def test_titles_above_a_head_and_totals_and_signatures_below(street):
    data = xlsx(
        [
            ["2025年松一街道困难老人名册"],
            ["填报单位：松一街道", "", "", "填报日期：2025-03-01"],
            ["序号", "姓 名", "身份证号码*", "社区"],
            [1, "王秀英", A, "松东社区"],
            [2, "李大山", B, "松西居委会"],
            [3],
            [],
            ["合 计", "", "2人"],
            ["填表人：张三", "", "审核：李四"],
        ]
    )
    batch = brought_in(street, data)
    assert counted(batch) == {"new": 2, "applied": 2}
    assert (batch.rows_read, batch.rows_skipped) == (2, 4)
    assert dict(Elder.objects.values_list("name", "area__name")) == {"王秀英": "松东社区", "李大山": "松西社区"}


def test_a_merged_head_of_two_lines_and_merged_communities(street):
    rows = [
        ["困难老人花名册"],
        ["序号", "基本信息", "", "", "联系人", "", ""],
        ["", "社区", "姓名", "身份证号", "姓名", "关系", "电话"],
        [1, "松东社区", "王秀英", A, "李明", "儿子", "13900000001"],
        [2, "", "李大山", B, "李芳", "女儿", 13900000002],
    ]
    merged = [
        (0, 0, 0, 6, "困难老人花名册"), (1, 0, 2, 0, "序号"), (1, 1, 1, 3, "基本信息"), (1, 4, 1, 6, "联系人"),
        (3, 1, 4, 1, "松东社区"),
    ]  # fmt: skip
    batch = brought_in(street, xlsx(rows, merged=merged))
    assert counted(batch) == {"new": 2, "applied": 2}, complaints(batch)
    found = {c.elder.name: (c.name, c.relation, c.phone) for c in Contact.objects.select_related("elder")}
    assert found == {"王秀英": ("李明", "儿子", "13900000001"), "李大山": ("李芳", "女儿", "13900000002")}


def test_a_csv_in_gb18030(street):
    data = csv([["姓名", "身份证号", "社区", "居住状况"], ["王秀英", A, "松东社区", "独居老人"]], encoding="gb18030")
    brought_in(street, data, name="名册.csv")
    assert Elder.objects.get().living_situation == "alone"


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("utf-16", "\t"), ("utf-8", ";")])
def test_other_text_files(street, encoding, delimiter):
    data = csv([HEAD, ["王秀英", f"'{A}", "松东社区"]], encoding=encoding, delimiter=delimiter)
    assert counted(brought_in(street, data, name="名册.csv")) == {"new": 1, "applied": 1}


def test_a_web_page_called_xls(street):
    data = web_page([HEAD, ["王秀英", A, "松东社区"], ["李大山", B, "松西社区"]])
    assert counted(brought_in(street, data, name="名册.xls")) == {"new": 2, "applied": 2}


def test_full_width_digits_and_spaces_in_names(street):
    wide = A.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    data = xlsx([["姓名", "身份证号", "社区", "电话"], ["王　秀　英", wide, " 松东社区 ", "１３８ ００１３ ８０００"]])
    brought_in(street, data)
    made = Elder.objects.get()
    assert (made.name, made.id_number, made.phone) == ("王秀英", A, "13800138000")


@pytest.mark.parametrize(
    "born",
    [
        datetime(1948, 5, 6),  # noqa: DTZ001
        "1948.5.6",
        "1948年5月6日",
        "19480506",
        19480506,
        "1948-05",
        "1948年05月",
        17659,
        "1948/05/06",
    ],
)
def test_birth_dates_written_any_usual_way_agree_with_the_number(street, born):
    batch = looked_over(street, xlsx([[*HEAD, "出生年月"], ["王秀英", A, "松东社区", born]]))
    assert counted(batch) == {"new": 1}, complaints(batch)


def test_old_numbers_of_fifteen_digits_also_as_numbers(street):
    old = C[:6] + C[8:17]
    data = xlsx([HEAD, ["赵老太", old, "松东社区"], ["王秀英", int(A[:6] + A[8:17]), "松东社区"]])
    batch = brought_in(street, data)
    assert counted(batch) == {"new": 2, "applied": 2}, complaints(batch)
    assert {e.id_number for e in Elder.objects.all()} == {A, C}
    assert "换算为 18 位" in batch.rows.get(number=2).notes[0]["wrong"]


def test_a_number_that_the_spreadsheet_has_rounded_is_told_as_such(street):
    batch = looked_over(street, xlsx([HEAD, ["王秀英", float(A), "松东社区"], ["李大山", "3.40802E+17", "松东社区"]]))
    assert all("末几位已经丢失" in text and "文本格式" in text for text in complaints(batch).values())
    assert counted(batch) == {"wrong": 2}


def test_the_roll_is_on_another_sheet_than_the_first(street):
    data = xlsx([HEAD, ["王秀英", A, "松东社区"]], sheet="名单", before=[("填表说明", [["请认真填写姓名"], ["一、…"]])])
    assert staged(street, data).sheet == "名单"


def test_a_head_repeated_on_every_printed_page_is_no_person(street):
    data = xlsx([HEAD, ["王秀英", A, "松东社区"], HEAD, ["李大山", B, "松东社区"]])
    assert counted(brought_in(street, data)) == {"new": 2, "applied": 2}


def test_many_kinds_of_difficulty_in_one_cell(street):
    data = xlsx(
        [[*HEAD, "人员类别", "残疾等级", "认定日期"], ["王秀英", A, "松东", "低保、重残", "二级", "2024年1月"],
         ["李大山", B, "松东", "分散供养特困人员", "无", ""]]
    )  # fmt: skip
    batch = brought_in(street, data)
    assert complaints(batch) == {}
    found = {(d.elder.name, d.kind, d.grade) for d in Difficulty.objects.select_related("elder")}
    assert found == {
        ("王秀英", "minimum_living", None),
        ("王秀英", "disabled_severe", 2),
        ("李大山", "destitute", None),
    }
    row = Difficulty.objects.get(kind="minimum_living")
    assert (row.validity.lower, row.source) == (date(2024, 1, 1), "民政局救助科")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "空"),
        (b"PK\x03\x04" + b"junk" * 9, "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "不是可以读取的表格"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "编码|表头"),
        ("张三,李四\n1,2\n".encode(), "没有找到表头"),
        ("姓名,身份证号\n".encode(), "没有数据行"),
    ],
)
def test_what_is_no_roll_is_refused_in_words(street, data, sentence):
    with pytest.raises(Refused, match=sentence):
        staged(street, data)


# --- every fault of a line is told ---


def test_each_wrong_cell_is_named_with_what_to_do(street):
    spoilt = A[:-1] + ("1" if A[-1] != "1" else "2")
    data = xlsx(
        [
            ["姓名", "身份证号码", "性别", "手机", "所属社区", "居住情况"],
            ["", spoilt, "不知道", "1380013", "火星社区", "住在船上"],
            ["王秀英", A, "男", "13800138000", "松东社区", "独居"],
            ["王秀英", A, "女", "13800138000", "松东社区", "独居"],
        ]
    )
    batch = looked_over(street, data)
    assert counted(batch) == {"wrong": 3}
    first = {error["column"]: error for error in batch.rows.get(number=2).errors}
    assert set(first) == {"姓名", "身份证号码", "性别", "手机", "所属社区", "居住情况"}
    assert "校验位" in first["身份证号码"]["wrong"]
    assert "全称" in first["所属社区"]["todo"]
    assert "独居、空巢" in first["居住情况"]["todo"]
    assert "与身份证号不一致" in complaints(batch)[3]
    assert "与第 3 行是同一个身份证号" in complaints(batch)[4]


def test_a_cell_that_is_too_long_is_named_before_anything_is_written(street):
    batch = looked_over(street, xlsx([[*HEAD, "住址"], ["王秀英", A, "松东社区", "长" * 201]]))
    (error,) = batch.rows.get(number=2).errors
    assert (error["column"], error["wrong"]) == ("住址", "有 201 个字，最多 200 个字")


def test_a_community_name_of_two_streets_needs_the_street(places):
    twin = type(places["east"]).objects.create(
        code=places["other_street"].code + 9, upper=places["other_street"].code + 10, name="松东社区",
        full_name="松二街道松东社区", level="village", kind="community", parent=places["other_street"],
    )  # fmt: skip
    county = places["county"]
    batch = looked_over(county, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    assert "有 2 个社区叫“松东社区”（松一街道、松二街道）" in complaints(batch)[2]
    batch = looked_over(county, xlsx([["街道", *HEAD], ["松二街道办事处", "王秀英", A, "松东社区"]]))
    services.apply(batch_id=batch.pk)
    assert Elder.objects.get().area_id == twin.pk


def test_a_default_community_takes_lines_that_name_none(street, places):
    data = xlsx([["姓名", "身份证号"], ["王秀英", A]])
    batch = staged(street, data)
    with pytest.raises(Refused, match="默认社区"):
        services.map_columns(batch_id=batch.pk, mapping={0: "name", 1: "id_number"})
    services.set_default_area(batch_id=batch.pk, area=places["west"])
    services.map_columns(batch_id=batch.pk, mapping={0: "name", 1: "id_number"})
    services.look_over(batch_id=batch.pk)
    services.apply(batch_id=batch.pk)
    assert Elder.objects.get().area_id == places["west"].pk


def test_the_dead_on_a_roll_are_pointed_out(street, places):
    made = elder(places["east"], order=12)
    elders.record_death(elder_id=made.pk, on=date(2025, 1, 3))
    batch = looked_over(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    assert "已去世（2025-01-03）" in complaints(batch)[2]


def test_who_is_registered_elsewhere_is_not_named(places):
    elder(places["far"], "赵无极", order=12)
    with use(Scope.area(places["street"].code, places["street"].upper)):
        batch = looked_over(places["street"], xlsx([HEAD, ["王秀英", A, "松东社区"]]))
        text = complaints(batch)[2]
    assert "管辖范围以外" in text
    assert "赵无极" not in text
    assert "松南" not in text


def test_a_community_of_another_street_cannot_be_written_to(street):
    batch = looked_over(street, xlsx([HEAD, ["王秀英", A, "松南社区"]]))
    assert "不在您的管辖范围内" in complaints(batch)[2]


# --- mapping ---


def test_a_mapping_once_told_is_remembered_for_the_source(street):
    data = xlsx([["人名", "姓名拼音", "公民号", "地点"], ["王秀英", "wang", A, "松东社区"]])
    with pytest.raises(Refused, match="没有找到表头"):
        staged(street, data)
    data = xlsx([["姓名", "公民号", "地点", "说明"], ["王秀英", A, "松东社区", "好"]])
    first = staged(street, data)
    assert first.mapping == {"0": "name", "3": "remarks"}
    services.map_columns(batch_id=first.pk, mapping={0: "name", 1: "id_number", 2: "area"})
    again = staged(street, data)
    assert again.mapping == {"0": "name", "1": "id_number", "2": "area"}
    assert staged(street, data, source="残联").mapping == {"0": "name", "3": "remarks"}
    assert ImportSource.objects.count() == 2


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [({0: "name"}, "身份证号"), ({0: "name", 1: "name"}, "不止一列"), ({0: "name", 1: "password"}, "没有“password”")],
)
def test_a_mapping_that_cannot_work_is_refused(street, mapping, sentence):
    batch = staged(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    with pytest.raises(Refused, match=sentence):
        services.map_columns(batch_id=batch.pk, mapping=mapping)


def test_samples_shown_for_mapping_hide_numbers(street):
    batch = staged(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    shown = {column.head: column.samples for column in selectors.columns(batch)}
    assert shown["姓名"] == ["王秀英"]
    assert A not in shown["身份证号"][0]


def test_no_number_lies_open_in_the_staged_rows(street):
    batch = looked_over(street, xlsx([[*HEAD, "电话"], ["王秀英", A, "松东社区", "13800138000"]]))
    for row in (
        ImportRow.objects.filter(batch=batch).values().get(),
        ImportPart.objects.filter(batch=batch).values().get(),
    ):
        assert A.encode() not in b"".join(bytes(v) for v in row.values() if isinstance(v, memoryview | bytes))
        assert A not in json.dumps(row, default=str, ensure_ascii=False)


def test_a_line_is_found_in_whichever_part_of_the_roll_it_was_kept(street, places):
    people = [[f"李大{chr(0x4E00 + n)}", number(date(1940, 2, 1 + n % 28), n), "松东社区"] for n in range(1, 451)]
    people[320][1], people[440][0] = "340802", "李4"
    batch = looked_over(street, xlsx([HEAD, *people]))
    assert ImportPart.objects.filter(batch=batch).count() == 3
    assert counted(batch) == {"new": 448, "wrong": 2}
    assert [(row.number, cells[:2]) for row, cells in selectors.wrong_lines(batch)] == [
        (322, people[320][:2]), (442, people[440][:2]),
    ]  # fmt: skip
    services.apply(batch_id=batch.pk)
    assert sorted(Elder.objects.values_list("name", flat=True)) == sorted(
        name for at, (name, *_rest) in enumerate(people) if at not in (320, 440)
    )


def test_a_roll_handed_in_before_lines_were_kept_in_parts_is_asked_for_again(street, places):
    batch = staged(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    batch.parts.all().delete()
    with pytest.raises(Refused, match="重新上传"):
        services.look_over(batch_id=batch.pk)


# --- applying ---


def test_importing_again_changes_nothing(street):
    data = xlsx([[*HEAD, "人员类别", "联系人", "联系人电话"], ["王秀英", A, "松东社区", "低保", "李明", "13900000001"]])
    brought_in(street, data)
    before = list(Elder.objects.values_list("version")), Difficulty.objects.count(), Contact.objects.count()
    again = looked_over(street, data)
    assert counted(again) == {"same": 1}
    assert selectors.twin_of(again) is not None
    services.apply(batch_id=again.pk)
    assert (list(Elder.objects.values_list("version")), Difficulty.objects.count(), Contact.objects.count()) == before


def test_applying_twice_is_refused(street):
    batch = brought_in(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    with pytest.raises(Refused, match="已于"):
        services.apply(batch_id=batch.pk)
    assert Elder.objects.count() == 1


def test_changes_are_shown_before_and_a_blank_changes_nothing(street, places):
    made = elder(places["east"], "王秀英", order=12, phone="13800138000", remarks="喜静")
    data = xlsx([[*HEAD, "电话", "备注", "居住状况"], ["王秀瑛", A, "松东社区", "13800138111", "", "空巢"]])
    batch = looked_over(street, data)
    (line,) = selectors.lines(batch, "changed")
    assert line.changes == [
        ("姓名", "王秀英", "王秀瑛"),
        ("联系电话", "138****8000", "138****8111"),
        ("居住状况", "其他", "空巢"),
    ]
    services.apply(batch_id=batch.pk)
    made.refresh_from_db()
    assert (made.name, made.phone, made.remarks, made.living_situation) == (
        "王秀瑛",
        "13800138111",
        "喜静",
        "empty_nest",
    )


def test_another_community_is_told_but_not_changed(street, places):
    made = elder(places["west"], order=12)
    batch = looked_over(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    assert counted(batch) == {"same": 1}
    assert "松西社区" in batch.rows.get().notes[0]["wrong"]
    services.apply(batch_id=batch.pk)
    assert Elder.objects.get(pk=made.pk).area_id == places["west"].pk


def test_what_a_clerk_changed_meanwhile_is_not_overwritten(street, places):
    made = elder(places["east"], order=12)
    data = xlsx([[*HEAD, "备注"], ["王秀英", A, "松东社区", "来自名册"], ["李大山", B, "松东社区", ""]])
    batch = looked_over(street, data)
    elders.amend(elder_id=made.pk, remarks="来自社区")
    elder(places["east"], "李大山", order=13)
    services.apply(batch_id=batch.pk)
    assert counted(batch) == {"wrong": 2}
    assert "被他人修改" in complaints(batch)[2]
    assert "已由他人建档" in complaints(batch)[3]
    assert Elder.objects.get(pk=made.pk).remarks == "来自社区"


def test_wrong_lines_come_back_as_a_spreadsheet_with_reasons(street):
    data = xlsx([[*HEAD, "电话"], ["王秀英", A, "松东社区", "1380013"], ["李大山", B, "松东社区", "13800138000"]])
    batch = brought_in(street, data)
    content, count = selectors.wrong_xlsx(batch)
    assert count == 1
    rows = list(load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True))
    assert rows[0] == ("错误原因", "原行号", *HEAD, "电话")
    assert rows[1][1:] == (2, "王秀英", A, "松东社区", "1380013")
    assert "【电话】手机号应为 11 位" in rows[1][0]
    corrected = xlsx([list(rows[0]), [*rows[1][:5], "13800138001"]])
    assert counted(brought_in(street, corrected)) == {"new": 1, "applied": 1}


# --- what words mean ---


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("低保残疾", {"minimum_living", "disabled"}),
        ("低保户，残疾人；大病", {"minimum_living", "disabled", "major_illness"}),
        ("特困供养（重病）", {"destitute", "major_illness"}),
        ("低保边缘", {"minimum_living_marginal"}),
        ("低保（边缘）户", {"minimum_living_marginal"}),
        ("三无特困", {"destitute"}),
        ("非低保", set()),
        ("非低保边缘户", set()),
        ("未享受低保，有残疾", {"disabled"}),
        ("没有纳入特困；失独", {"bereaved_only_child"}),
        ("低保：否", set()),
        ("低保: 否、残疾：无、优抚对象", {"entitled_group"}),
    ],
)
def test_every_kind_that_a_cell_names_is_found_and_none_that_it_denies(street, said, kinds):
    brought_in(street, xlsx([[*HEAD, "人员类别"], ["王秀英", A, "松东社区", said]]))
    assert set(Difficulty.objects.values_list("kind", flat=True)) == kinds
    assert Elder.objects.count() == 1


def test_a_kind_may_be_written_as_it_is_called(street):
    people = [
        [f"王秀{chr(0x4E00 + n)}", number(order=20 + 2 * n), "松东社区", label, "一级"]
        for n, label in enumerate(DifficultyKind.labels)
    ]
    brought_in(street, xlsx([[*HEAD, "人员类别", "残疾等级"], *people]))
    found = dict(Difficulty.objects.values_list("elder__name", "kind"))
    # Of grade one, a disability is severe.
    said = [kind.replace("disabled_severe", "disabled") for _name, kind in sorted(found.items())]
    assert sorted(said) == sorted(kind.replace("disabled_severe", "disabled") for kind in DifficultyKind.values)


@pytest.mark.parametrize(
    ("said", "situation"),
    [
        ("不与子女同住，独居", "alone"),
        ("无子女独居", "alone"),
        ("子女都在外地，空巢", "empty_nest"),
        ("与老伴同住，子女不在身边", "with_spouse"),
        ("老伴去世，与儿子住", "with_children"),
        ("不住养老院，与女儿住", "with_children"),
    ],
)
def test_how_somebody_lives_is_not_read_out_of_how_they_do_not(street, said, situation):
    brought_in(street, xlsx([[*HEAD, "居住情况"], ["王秀英", A, "松东社区", said]]))
    assert Elder.objects.get().living_situation == situation


# --- undoing ---


def test_undoing_takes_back_what_came_in_and_what_was_changed(street, places):
    old = elder(places["east"], "王秀英", order=12, remarks="喜静")
    data = xlsx([[*HEAD, "备注", "人员类别"], ["王秀英", A, "松东", "耳背", "低保"], ["李大山", B, "松东", "", "低保"]])
    batch = brought_in(street, data)
    assert counted(batch) == {"new": 1, "changed": 1, "applied": 2}
    services.undo(batch_id=batch.pk)
    old.refresh_from_db()
    assert (old.remarks, Elder.objects.count(), Difficulty.objects.count()) == ("喜静", 1, 0)
    assert counted(batch)["undone"] == 2
    with pytest.raises(Refused, match="撤销"):
        services.undo(batch_id=batch.pk)


def test_who_was_worked_on_since_stays_when_undone(street):
    data = xlsx([HEAD, ["王秀英", A, "松东社区"], ["李大山", B, "松东社区"], ["赵老太", C, "松东社区"]])
    batch = brought_in(street, data)
    found = {e.name: e for e in Elder.objects.all()}
    elders.amend(elder_id=found["王秀英"].pk, remarks="走访过")
    elders.give_consent(elder_id=found["李大山"].pk, purpose="care", channel="paper", text_version="1", given_by="本人")
    services.undo(batch_id=batch.pk)
    assert set(Elder.objects.values_list("name", flat=True)) == {"王秀英", "李大山"}
    assert {r.name for r in batch.rows.filter(undone=True)} == {"赵老太"}


def test_of_many_only_those_whom_other_records_hold_stay_when_undone(street):
    people = [[f"李大{'甲乙丙丁戊己'[n]}", number(order=20 + 2 * n), "松东社区"] for n in range(6)]
    batch = brought_in(street, xlsx([HEAD, *people]))
    found = {e.name: e for e in Elder.objects.all()}
    kept, dropped = found["李大乙"], found["李大戊"]
    Merge.objects.create(
        kept=kept, dropped=dropped, area_id=kept.area_id, reason="同一人", former_state="active", undone_at=now()
    )
    services.undo(batch_id=batch.pk)
    assert set(Elder.objects.values_list("name", flat=True)) == {"李大乙", "李大戊"}
    assert {r.name for r in batch.rows.filter(undone=False)} == {"李大乙", "李大戊"}


def test_who_stands_on_another_offices_roll_stays_when_undone_and_it_is_said_why(street):
    batch = brought_in(street, xlsx([HEAD, ["王秀英", A, "松东社区"], ["李大山", B, "松东社区"]]))
    ImportSource.objects.create(area=street, name="残联", is_whole=True)
    brought_in(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]), source="残联")
    services.undo(batch_id=batch.pk)
    assert [e.name for e in Elder.objects.all()] == ["王秀英"]
    assert RollEntry.objects.get().elder.name == "王秀英"
    (line,) = selectors.lines(batch, selectors.KEPT)
    assert (line.row.name, line.row.notes[-1]["wrong"]) == ("王秀英", "档案保留：导入后又有在册记录")


def test_a_whole_roll_that_is_undone_leaves_nobody_of_its_own(street):
    ImportSource.objects.create(area=street, name="残联", is_whole=True)
    batch = brought_in(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]), source="残联")
    services.undo(batch_id=batch.pk)
    assert not Elder.objects.exists() and not RollEntry.objects.exists()
    assert selectors.lines(batch, selectors.KEPT) == []


def test_one_elder_named_by_two_lines_is_changed_by_the_first_only(street, places):
    known = elder(places["east"], "王秀英", order=12, phone="13800138000")
    lines = [["王秀英", A, "松东社区", "13800138000", "喜静"], ["王秀英", "", "松东社区", "13800138000", "耳背"]]
    batch = looked_over(street, xlsx([[*HEAD, "联系电话", "备注"], *lines]))
    services.decide(row_id=batch.rows.get(number=3).pk, answers={"who": str(known.pk)})
    services.apply(batch_id=batch.pk)
    known.refresh_from_db()
    assert known.remarks == "喜静"
    assert "重新核对" in complaints(batch)[3]


def test_lines_are_not_kept_for_ever(street, places):
    batch = brought_in(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    with use(Scope.system()):
        assert services.purge(before=date(2999, 1, 1)) == 1
    assert not ImportRow.objects.exists()
    assert not ImportPart.objects.exists()
    with pytest.raises(Refused, match="保存期限"):
        services.undo(batch_id=batch.pk)
    assert Elder.objects.count() == 1


def test_a_roll_belongs_to_who_handed_it_in(street, places):
    staged(street, xlsx([HEAD, ["王秀英", A, "松东社区"]]))
    with use(Scope.area(places["other_street"].code, places["other_street"].upper)):
        assert not ImportPart.objects.exists()
        assert not ImportSource.objects.exists()
