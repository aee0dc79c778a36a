from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from songhe.core.calendar.services import at, today
from songhe.core.errors import Changed, Refused
from songhe.core.events import base
from songhe.core.scope.services import Scope, use
from songhe.core.validity import last_day
from songhe.registers.elders import rules, services
from songhe.registers.elders.events import (
    ConsentWithdrawn,
    ElderDied,
    ElderMoved,
    ElderMovedAway,
    ElderRegistered,
    OffTheRoll,
)
from songhe.registers.elders.models import Difficulty, Elder, Residence
from songhe.registers.elders.tests.people import elder, number


@pytest.fixture
def told(monkeypatch):
    """What the elders' room publishes, without other rooms acting on it."""
    heard = []
    for kind in (ElderRegistered, ElderDied, ElderMoved, ElderMovedAway, ConsentWithdrawn, OffTheRoll):
        monkeypatch.setitem(base._subscribers, kind, [heard.append])
    return heard


def of(scope_area):
    return use(Scope.area(scope_area.code, scope_area.upper))


# --- registering ---


def test_number_gives_birth_date_and_sex_and_is_stored_sealed(places, told):
    made = elder(places["east"], "单雄英", phone="138 0013 8000")
    found = Elder.objects.get(pk=made.pk)
    assert (found.birth_date, found.sex) == (date(1948, 5, 6), "female")
    assert (found.name_pinyin, found.given_name) == ("shanxiongying", "雄英")
    assert found.phone == "13800138000"
    assert found.id_number_masked == number()[:4] + "*" * 10 + number()[-4:]
    assert told == [ElderRegistered(elder_id=made.pk)]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"birth_date": date(1948, 5, 7)}, "birth_date"),
        ({"sex": "male"}, "sex"),
        ({"id_number": ""}, "id_number"),
        ({"id_kind": "none"}, "id_kind"),
        ({"name": "  "}, "name"),
        ({"phone": "1380013800"}, "phone"),
        ({"latitude": 30.5}, "latitude"),
    ],
)
def test_what_contradicts_itself_is_refused_at_its_field(places, more, field):
    given = {"name": "王秀英", "area": places["east"], "id_number": number(), **more}
    with pytest.raises(Refused) as refused:
        services.register(**given)
    assert refused.value.field == field
    assert not Elder.objects.filter(name="王秀英").exists()


def test_without_papers_birth_date_and_sex_are_asked_for(places):
    with pytest.raises(Refused, match="出生日期"):
        services.register(name="无名氏", area=places["east"], id_kind="none", sex="male")
    made = services.register(
        name="无名氏", area=places["east"], id_kind="none", sex="male", birth_date=date(1940, 1, 1)
    )
    assert any("没有登记证件号码" in sentence for sentence in rules.warnings(made))


def test_a_person_born_tomorrow_is_refused(places):
    with at(date(2025, 6, 1)), pytest.raises(Refused, match="晚于今天"):
        services.register(
            name="未来", area=places["east"], id_kind="other", id_number="H1", sex="male", birth_date=date(2025, 6, 2)
        )


def test_somebody_under_sixty_is_warned_of_not_refused(places):
    with at(date(2025, 6, 1)):
        young = elder(places["east"], birth_date=date(1965, 6, 2))
        old = elder(places["east"], birth_date=date(1965, 6, 1))
        assert any("未满 60 周岁" in sentence for sentence in rules.warnings(young))
        assert not any("未满" in sentence for sentence in rules.warnings(old))


def test_an_elder_lives_in_a_community_not_in_a_street(places):
    with pytest.raises(Refused, match="不是社区") as refused:
        elder(places["street"])
    assert refused.value.field == "area"


def test_a_duplicate_is_named_to_who_may_see_them(places):
    elder(places["west"], "王秀英")
    with of(places["street"]), pytest.raises(Refused, match=r"王秀英.*松西社区") as refused:
        elder(places["east"], "王秀瑛")
    assert refused.value.field == "id_number"


def test_a_duplicate_elsewhere_is_told_without_naming(places):
    elder(places["far"], "王秀英")
    with of(places["street"]), pytest.raises(Refused) as refused:
        elder(places["east"], "王秀瑛")
    assert "管辖范围以外" in refused.value.message
    assert "王秀英" not in refused.value.message
    assert "松南" not in refused.value.message


def test_an_old_number_is_the_same_person(places):
    elder(places["east"])
    with pytest.raises(Refused, match="已登记"):
        services.register(name="王秀英", area=places["east"], id_number=number()[:6] + number()[8:17])


def test_a_photo_of_twenty_megabytes_is_refused_and_nothing_is_kept(places, clerk):
    huge = SimpleUploadedFile("照片.jpg", b"\xff\xd8\xff" + b"0" * (20 * 1024 * 1024 + 1), "image/jpeg")
    with pytest.raises(Refused, match="20 MB"):
        elder(places["east"], photo_upload=huge, user=clerk)
    assert not Elder.objects.exists()


# --- amending ---


def test_two_clerks_on_one_record_the_second_is_told(places):
    made = elder(places["east"])
    seen = Elder.objects.get(pk=made.pk).version
    services.amend(elder_id=made.pk, version=seen, remarks="喜静")
    with pytest.raises(Changed):
        services.amend(elder_id=made.pk, version=seen, remarks="耳背")
    assert Elder.objects.get(pk=made.pk).remarks == "喜静"


def test_a_changed_name_is_found_by_its_new_pinyin(places):
    made = elder(places["east"], "王秀英")
    services.amend(elder_id=made.pk, name="仇秀英")
    assert Elder.objects.get(pk=made.pk).name_initials == "qxy"


def test_a_changed_number_must_agree_with_the_rest(places):
    made = elder(places["east"])
    with pytest.raises(Refused, match="不一致"):
        services.amend(elder_id=made.pk, id_number=number(date(1950, 1, 1)))


def test_community_and_level_are_not_amended(places):
    made = elder(places["east"])
    for field in ("area", "ability_level", "state", "death_date"):
        with pytest.raises(TypeError):
            services.amend(elder_id=made.pk, **{field: None})


# --- moving, leaving, dying ---


def test_moving_hands_the_elder_over_with_what_hangs_on_them(places, told):
    with at(date(2025, 3, 1)):
        made = elder(places["east"])
        services.record_difficulty(elder_id=made.pk, kind="minimum_living", first=date(2025, 1, 1))
    with at(date(2025, 5, 10)):
        with of(places["street"]):
            services.move(elder_id=made.pk, area=places["far"], on=date(2025, 5, 1), address="松二路 3 号")
            assert not Elder.objects.filter(pk=made.pk).exists()
        with of(places["other_street"]):
            moved = Elder.objects.get(pk=made.pk)
            assert moved.difficulties.count() == 1
    spans = [(r.area_id, r.validity.lower, last_day(r.validity)) for r in moved.residences.order_by("validity")]
    assert spans == [
        (places["east"].pk, date(2025, 3, 1), date(2025, 4, 30)),
        (places["far"].pk, date(2025, 5, 1), None),
    ]
    assert told[-1] == ElderMoved(
        elder_id=made.pk,
        from_area=places["east"].pk,
        to_area=places["far"].pk,
        on=date(2025, 5, 1),
        life_event_id=moved.life_events.get(kind="moved").pk,
    )


def test_moving_before_the_present_address_began_is_refused(places):
    with at(date(2025, 3, 1)):
        made = elder(places["east"])
        with pytest.raises(Refused, match="须晚于"):
            services.move(elder_id=made.pk, area=places["west"], on=date(2025, 3, 1))
        assert Elder.objects.get(pk=made.pk).area_id == places["east"].pk


def test_death_ends_difficulties_and_disclosures_and_is_told(places, told):
    made = elder(places["east"])
    services.record_difficulty(elder_id=made.pk, kind="low_income", first=date(2020, 1, 1))
    services.disclose(elder_id=made.pk, provider_id=uuid4(), purpose="上门服务", basis="订单", since=date(2020, 1, 1))
    day = today() - timedelta(days=2)
    services.record_death(elder_id=made.pk, on=day, source="殡葬信息比对")
    dead = Elder.objects.get(pk=made.pk)
    assert (dead.state, dead.death_date) == ("deceased", day)
    assert last_day(dead.difficulties.get().validity) == day
    assert dead.disclosures.get().until == day
    event = dead.life_events.get(kind="died")
    assert told[-2] == ElderDied(elder_id=made.pk, on=day, life_event_id=event.pk)
    assert told[-1] == OffTheRoll(elder_id=made.pk, on=day, life_event_id=event.pk)
    with pytest.raises(Refused, match="已登记"):
        services.record_death(elder_id=made.pk, on=day)
    with pytest.raises(Refused, match="不能登记困难类别"):
        services.record_difficulty(elder_id=made.pk, kind="low_income", first=today())


@pytest.mark.parametrize("day", [date(1948, 5, 5), date(2999, 1, 1)])
def test_nobody_dies_before_birth_or_tomorrow(places, day):
    made = elder(places["east"])
    with pytest.raises(Refused):
        services.record_death(elder_id=made.pk, on=day)
    assert Elder.objects.get(pk=made.pk).state == "active"


def test_a_death_noted_by_mistake_is_taken_back_with_a_reason(places, told):
    made = elder(places["east"])
    services.record_death(elder_id=made.pk, on=today())
    with pytest.raises(Refused, match="理由"):
        services.reinstate(elder_id=made.pk, on=today(), reason=" ")
    services.reinstate(elder_id=made.pk, on=today(), reason="同名误登")
    back = Elder.objects.get(pk=made.pk)
    assert (back.state, back.death_date) == ("active", None)


def test_moving_away_is_told(places, told):
    made = elder(places["east"])
    services.move_away(elder_id=made.pk, on=today(), destination="合肥")
    event = made.life_events.get(kind="moved_away")
    assert told[-2] == ElderMovedAway(elder_id=made.pk, on=today(), life_event_id=event.pk)
    with pytest.raises(Refused, match="已迁出"):
        services.move(elder_id=made.pk, area=places["west"], on=today())


# --- difficulty ---


def test_one_kind_does_not_overlap_itself_but_another_may(places):
    made = elder(places["east"])
    first = services.record_difficulty(elder_id=made.pk, kind="minimum_living", first=date(2024, 1, 1))
    services.record_difficulty(elder_id=made.pk, kind="disabled_severe", first=date(2024, 1, 1), grade=1)
    with pytest.raises(Refused, match="已登记过同一困难类别"):
        services.record_difficulty(elder_id=made.pk, kind="minimum_living", first=date(2025, 1, 1))
    services.end_difficulty(difficulty_id=first.pk, last_day=date(2024, 12, 31), reason="收入超标")
    services.record_difficulty(elder_id=made.pk, kind="minimum_living", first=date(2025, 1, 1))
    assert Difficulty.objects.filter(elder=made).count() == 3


@pytest.mark.parametrize(
    ("kind", "grade"), [("disabled_severe", 3), ("low_income", 1), ("disabled", 5), ("disabled_severe", None)]
)
def test_grades_belong_to_disability(places, kind, grade):
    made = elder(places["east"])
    with pytest.raises(Refused, match="残疾等级"):
        services.record_difficulty(elder_id=made.pk, kind=kind, first=date(2024, 1, 1), grade=grade)


def test_ending_needs_a_reason_and_a_day_within(places):
    made = elder(places["east"])
    row = services.record_difficulty(elder_id=made.pk, kind="low_income", first=date(2024, 1, 1))
    with pytest.raises(Refused, match="原因"):
        services.end_difficulty(difficulty_id=row.pk, last_day=date(2024, 6, 30), reason="")
    with pytest.raises(Refused, match="不能早于"):
        services.end_difficulty(difficulty_id=row.pk, last_day=date(2023, 6, 30), reason="误登")


# --- contacts, guardian, household ---


def test_contacts_are_numbered_and_a_phone_is_noted_once(places):
    made = elder(places["east"])
    services.link_contact(elder_id=made.pk, name="李 明", relation="儿子", phone="13900000001", is_emergency=True)
    second = services.link_contact(elder_id=made.pk, name="李芳", relation="女儿", phone="13900000002")
    assert [(c.name, c.order) for c in made.contacts.all()] == [("李明", 1), ("李芳", 2)]
    with pytest.raises(Refused, match="已登记为该老人的联系人"):
        services.link_contact(elder_id=made.pk, name="李芳芳", relation="女儿", phone="139 0000 0002")
    services.amend_contact(contact_id=second.pk, phone="13900000003")
    services.remove_contact(contact_id=second.pk)
    assert made.contacts.count() == 1


def test_one_guardian_at_a_time(places):
    made = elder(places["east"])
    one = services.appoint_guardian(
        elder_id=made.pk, kind="legal", name="李明", relation="儿子", first=date(2024, 1, 1), phone="13900000001"
    )
    with pytest.raises(Refused, match="已登记监护人"):
        services.appoint_guardian(elder_id=made.pk, kind="agreed", name="李芳", relation="女儿", first=date(2024, 6, 1))
    services.end_guardian(guardian_id=one.pk, last_day=date(2024, 5, 31))
    services.appoint_guardian(elder_id=made.pk, kind="agreed", name="李芳", relation="女儿", first=date(2024, 6, 1))


def test_a_household_is_of_one_community(places):
    one, two = elder(places["east"]), elder(places["east"], "李大山", order=13)
    far = elder(places["far"], "赵六", order=15)
    with pytest.raises(Refused, match="同一社区"):
        services.form_household(elder_ids=[one.pk, far.pk])
    household = services.form_household(elder_ids=[one.pk, two.pk], number="A-3")
    assert set(household.members.values_list("name", flat=True)) == {"王秀英", "李大山"}


# --- consent and disclosure ---


def consent(made, purpose="sharing", on=None):
    return services.give_consent(
        elder_id=made.pk, purpose=purpose, channel="paper", text_version="2025-1", given_by="本人", given_on=on
    )


def test_disclosed_twice_is_noted_once(places):
    made, provider = elder(places["east"]), uuid4()
    first = services.disclose(elder_id=made.pk, provider_id=provider, purpose="上门服务", basis="订单 1")
    again = services.disclose(elder_id=made.pk, provider_id=provider, purpose="上门服务", basis="订单 2")
    assert first.pk == again.pk


def test_withdrawing_consent_ends_what_rested_on_it_and_bars_more(places, told):
    made, provider = elder(places["east"]), uuid4()
    given = consent(made)
    row = services.disclose(elder_id=made.pk, provider_id=provider, purpose="上门服务", basis="订单 1")
    services.withdraw_consent(consent_id=given.pk)
    row.refresh_from_db()
    assert row.until == today()
    assert told[-1] == ConsentWithdrawn(elder_id=made.pk, purpose="sharing")
    with pytest.raises(Refused, match="重新取得同意"):
        services.disclose(elder_id=made.pk, provider_id=provider, purpose="上门服务", basis="订单 2")
    consent(made)
    services.disclose(elder_id=made.pk, provider_id=provider, purpose="上门服务", basis="订单 3")


def test_one_live_consent_a_purpose(places):
    made = elder(places["east"])
    consent(made)
    with pytest.raises(Refused, match="已有生效的同意"):
        consent(made)
    consent(made, "health")


def test_an_address_history_has_no_overlap(places):
    with at(date(2025, 1, 1)):
        made = elder(places["east"])
    services.move(elder_id=made.pk, area=places["west"], on=date(2025, 2, 1))
    residence = Residence.objects.filter(elder=made).first()
    twin = Residence(elder=made, kind="living", area=places["west"], validity=residence.validity)
    with pytest.raises(Refused, match="已有住址记录"):
        services.save(twin)
