"""People who go out to elders: hired, certified, skilled, on duty, gone; kept by their provider's manager."""

import io
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.core.testing.races import together
from songhe.registers.providers.tests.world import Desk, id_number, manager, places, provider, user
from songhe.registers.workforce import services
from songhe.registers.workforce.models import Absence, Certificate, Shift, Skill, Staff
from songhe.registers.workforce.selectors import carers_for

MONDAY = date(2031, 3, 3)


@pytest.fixture
def place(system):
    return places()


@pytest.fixture
def firm(place):
    return provider(place["county"])


@pytest.fixture
def desk(firm):
    return Desk(manager(firm))


@pytest.fixture
def carer(place, firm):
    return services.hire(name="张慧", area=place["community"], provider=firm, id_number=id_number())


def skill(code="x-bath", needs=True):
    return Skill.objects.get_or_create(code=code, defaults={"name": f"技能{code}", "needs_certificate": needs})[0]


def certificate(carer, last=None, **more):
    return services.add_certificate(
        staff=carer, name="养老护理员", number="A1", first=date(2025, 1, 1), last=last, **more
    )


def test_a_manager_hires_for_the_own_organisation(desk, place, firm):
    assert "服务商" not in desk.sees("workforce-staff", "create").split("<form")[-1].split("姓名")[0]
    desk.does("workforce-staff", "create", name="李敏", id_number=id_number(), phone="13800138000",
              area=place["community"].pk, transport="ebike")  # fmt: skip
    made = Staff.objects.get()
    assert (made.provider, made.sex, made.id_number) == (firm, "female", id_number())
    assert id_number() not in desk.sees("workforce-staff")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"id_number": id_number()[:-1] + "0"}, "校验"),
        ({"sex": "male"}, "性别与身份证号不一致"),
        ({"phone": "12"}, "电话"),
    ],
)
def test_wrong_particulars_are_named_and_nothing_typed_is_lost(desk, place, typed, said):
    data = {"name": "李敏", "id_number": id_number(), "area": place["community"].pk, "transport": "ebike"}
    if typed.get("id_number", "").endswith(id_number()[-1]):
        typed = {"id_number": id_number()[:-1] + "1"}
    text = desk.sends("workforce-staff", "create", **{**data, **typed}).content.decode()
    assert said in text and "李敏" in text
    assert not Staff.objects.exists()


def test_a_person_is_in_a_providers_register_once_until_they_leave(place, firm, carer):
    with pytest.raises(Refused, match="已登记为本服务商的在册人员"):
        services.hire(name="张慧", area=place["community"], provider=firm, id_number=id_number())
    services.leave(staff=carer, last=today(), reason="回乡")
    services.hire(name="张慧", area=place["community"], provider=firm, id_number=id_number())


def test_a_skill_that_needs_proof_lasts_as_long_as_its_proof(carer):
    with pytest.raises(Refused, match="须持证"):
        services.grant(staff=carer, skill=skill(), first=today())
    proof = certificate(carer, last=date(2031, 1, 1))
    held = services.grant(staff=carer, skill=skill(), first=date(2026, 1, 1), certificate=proof)
    assert held.validity.upper == date(2031, 1, 2)
    with pytest.raises(Refused, match="不能更早"):
        services.grant(staff=carer, skill=skill("x-2"), first=date(2024, 1, 1), certificate=proof)
    with pytest.raises(Refused, match="已登记过这项技能"):
        services.grant(staff=carer, skill=skill(), first=date(2026, 2, 1), certificate=proof)


def test_a_certificate_of_somebody_else_proves_nothing(place, firm, carer):
    other = services.hire(name="李敏", area=place["community"], provider=firm, id_number=id_number(14))
    with pytest.raises(Refused, match="不是此人的"):
        services.grant(staff=other, skill=skill(), first=today(), certificate=certificate(carer))


def test_a_certificates_end_is_shown_until_it_is_renewed(desk, carer):
    certificate(carer, last=today() + timedelta(days=20), skills=[skill()])
    assert "到期后据此认定的技能失效" in desk.sees("workforce-staff", "detail", carer.pk)
    assert "A1" in desk.sees("workforce-certificate", query="?expiring=30")
    services.add_certificate(staff=carer, name="养老护理员", number="A2", first=today())
    assert "A1" not in desk.sees("workforce-certificate", query="?expiring=30")


def roster(carer, weekdays=(1, 3), weeks=2, begins=time(8), ends=time(17)):
    last = MONDAY + timedelta(days=7 * weeks - 1)
    return services.roster(staff=carer, first=MONDAY, last=last, weekdays=weekdays, begins=begins, ends=ends)


def test_a_roster_puts_a_person_on_duty_on_its_weekdays(carer):
    roster(carer)
    days = [timezone.localtime(shift.during.lower).date() for shift in Shift.objects.all()]
    assert days == [MONDAY, MONDAY + timedelta(days=2), MONDAY + timedelta(days=7), MONDAY + timedelta(days=9)]
    with pytest.raises(Refused, match="03月05日：此人在这段时间已排班"):
        roster(carer, weekdays=(2, 3))
    assert Shift.objects.count() == 4


def test_a_night_shift_ends_on_the_next_day(carer):
    (shift,) = roster(carer, weekdays=(1,), weeks=1, begins=time(20), ends=time(6))
    shift.refresh_from_db()
    assert shift.during.upper - shift.during.lower == timedelta(hours=10)


def test_shifts_and_absences_decide_who_is_there(desk, carer, firm):
    desk.does("workforce-shift", "create", staff=carer.pk, first=MONDAY, last=MONDAY, weekdays=[1], begins="08:00",
              ends="17:00")  # fmt: skip
    desk.does("workforce-absence", "create", staff=carer.pk, begins=f"{MONDAY}T12:00", ends=f"{MONDAY}T20:00",
              reason="sick")  # fmt: skip

    class Anything:
        skills = ()

    (there,) = carers_for(service=Anything(), area=0, on=MONDAY, provider=firm.pk)
    ((begins, ends),) = there.shifts
    assert (timezone.localtime(begins).hour, timezone.localtime(ends).hour) == (8, 12)
    desk.does("workforce-absence", "do", Absence.objects.get().pk, "withdraw")
    desk.does("workforce-shift", "do", Shift.objects.get().pk, "take-off")
    assert not Absence.objects.exists() and not Shift.objects.exists()


def test_a_shift_that_has_begun_is_not_taken_off(carer):
    start = timezone.now() - timedelta(hours=1)
    shift = Shift.objects.create(staff=carer, during=(start, start + timedelta(hours=8)))
    with pytest.raises(Refused, match="已经开始"):
        services.take_off(shift=shift)


def test_leaving_ends_skills_and_takes_off_later_shifts(carer):
    services.grant(staff=carer, skill=skill("x-meal", needs=False), first=today())
    roster(carer)
    left = services.leave(staff=carer, last=MONDAY, reason="回乡")
    assert left.state == "left"
    assert left.skills.get().validity.upper == MONDAY + timedelta(days=1)
    assert left.shifts.count() == 1
    with pytest.raises(Refused, match="已离职"):
        roster(carer)


# --- the list from a spreadsheet ---

HEADS = ["姓名", "身份证号码", "手机", "驻点社区", "证书", "等级", "证书编号", "发证日期", "技能"]


def sheet(*rows, heads=HEADS):
    book = openpyxl.Workbook()
    book.active.append(["某公司从业人员名册"])
    book.active.append(heads)
    for row in rows:
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row(name, order, skills="", area="松东社区", level="五级"):
    return (name, id_number(order), "13800138000", area, "养老护理员", level, f"B{order}", "2025-01-01", skills)


def upload(desk, data, **more):
    url = reverse("console:workforce-staff-import")
    file = SimpleUploadedFile("名册.xlsx", data)
    return desk.client.post(url, {"file": file, **more}, headers={"HX-Request": "true"})


def test_a_staff_list_is_tried_then_written_and_a_second_time_changes_nothing(desk, firm):
    skill("x-wash")
    data = sheet(row("张慧", 12, skills="技能x-wash"), row("李敏", 14))
    tried = upload(desk, data)
    text = tried.content.decode()
    assert "新增 2 条" in text and not Staff.objects.exists()
    digest = text.split('name="confirmed" value="')[1].split('"')[0]
    done = upload(desk, data, confirmed=digest)
    assert done.headers["HX-Redirect"].endswith("/workforce/staff/")
    assert set(Staff.objects.values_list("name", "provider")) == {("张慧", firm.pk), ("李敏", firm.pk)}
    assert Certificate.objects.filter(level=5).count() == 2
    assert Staff.objects.get(name="张慧").skill_names == ["技能x-wash"]
    assert "与现有相同 2 条" in upload(desk, data).content.decode()


def test_every_wrong_cell_is_named_and_one_wrong_row_writes_none(desk):
    data = sheet(
        row("张慧", 12), ("", *row("", 14)[1:]), row("王芳", 16, area="没有的社区"), row("赵军", 18, skills="飞行"),
        ("孙平", "340802198005060000", *row("", 20)[2:]), row("周静", 22, level="九级"),
    )  # fmt: skip
    text = upload(desk, data).content.decode()
    for line, column in ((4, "姓名"), (5, "驻点区划"), (6, "技能"), (7, "身份证号"), (8, "等级")):
        assert f"<td>第 {line} 行</td><td>{column}</td>" in text, (line, column, text)
    assert "确认导入" not in text
    assert not Staff.objects.exists()


def test_another_file_than_the_one_tried_is_not_written(desk):
    text = upload(desk, sheet(row("张慧", 12))).content.decode()
    digest = text.split('name="confirmed" value="')[1].split('"')[0]
    assert "不是同一份" in upload(desk, sheet(row("李敏", 14)), confirmed=digest).content.decode()
    assert not Staff.objects.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "请先选择文件"), (b"PK\x03\x04broken", "损坏"), (b"a,b\n1,2\n", "没有找到表头"),
     ("姓名,身份证号,驻点区划\n".encode("gb18030"), "没有任何内容")],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_words(desk, data, said):
    assert said in upload(desk, data).content.decode() or not data


def test_the_template_holds_the_heads(desk):
    book = openpyxl.load_workbook(io.BytesIO(desk.client.get(reverse("console:workforce-staff-template")).content))
    assert [cell.value for cell in book.active[1]][:2] == ["姓名", "身份证号"]


# --- who may ---


def test_another_providers_people_do_not_exist_for_a_manager(place, carer):
    stranger = Desk(manager(provider(place["county"], 2)))
    assert "张慧" not in stranger.sees("workforce-staff")
    stranger.sees("workforce-staff", "detail", carer.pk, status=404)
    answer = stranger.sends("workforce-shift", "create", staff=carer.pk, first=MONDAY, last=MONDAY, weekdays=[1],
                            begins="08:00", ends="17:00")  # fmt: skip
    assert answer.status_code == 200 and not Shift.objects.exists()


def test_a_community_clerk_may_not_hire(place):
    Desk(user("grid", "community_clerk", area=place["community"])).sees("workforce-staff", "create", status=403)


@pytest.mark.parametrize("page", ["staff", "certificate", "skill", "shift", "absence", "training"])
def test_every_page_opens(desk, carer, page):
    desk.sees(f"workforce-{page}")
    desk.sees(f"workforce-{page}", "create")


# --- two at once ---


@pytest.fixture
def committed(transactional_db):
    with use(Scope.system()):
        where = places()
        return services.hire(
            name="张慧", area=where["community"], provider=provider(where["county"]), id_number=id_number()
        )


def put_on_duty(carer):
    def act():
        with use(Scope.system()):
            return roster(carer, weekdays=(1,), weeks=1)

    return act


def test_two_rosters_at_once_put_a_person_on_duty_once(committed):
    results = together(put_on_duty(committed), put_on_duty(committed))
    assert sum(isinstance(result, list) for result in results) == 1, results
    assert sum(isinstance(result, Refused) for result in results) == 1


def test_without_the_exclusion_they_would_be_on_duty_twice(committed):
    """The control: the race is there, and only the database's exclusion stands in its way."""
    import psycopg
    from django.conf import settings
    from django.db import connections

    from songhe.config.database import server

    with psycopg.connect(server().conninfo(dbname=settings.DATABASES["default"]["NAME"]), autocommit=True) as owner:
        owner.execute("ALTER TABLE workforce_shift DROP CONSTRAINT shift_no_overlap")
    connections.close_all()
    start = timezone.make_aware(datetime.combine(MONDAY, time(8)))

    def insert():
        with use(Scope.system()):
            return Shift.objects.create(staff=committed, during=(start, start + timedelta(hours=8)))

    results = together(insert, insert)
    assert not any(isinstance(result, IntegrityError) for result in results)
    with use(Scope.system()):
        assert Shift.objects.count() == 2
