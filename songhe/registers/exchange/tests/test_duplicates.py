"""Two records of one person: found, compared, merged with all that hangs on them, and taken apart to the byte."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from songhe.core.errors import Refused
from songhe.core.scope.policies import our_models
from songhe.core.scope.services import Scope, use
from songhe.core.testing.dumps import rows_of_rooms
from songhe.registers.elders import merging
from songhe.registers.elders import services as elders
from songhe.registers.elders.importing import services as rolls
from songhe.registers.elders.importing import undoing
from songhe.registers.elders.models import Consent, Contact, Difficulty, Elder, Merge
from songhe.registers.elders.tests.people import elder, number
from songhe.registers.elders.tests.sheets import xlsx
from songhe.registers.exchange import duplicates
from songhe.registers.exchange.models import Duplicate

BORN = date(1948, 5, 6)


@pytest.fixture
def street(places, clerk):
    with use(Scope.area(places["street"].code, places["street"].upper)):
        yield places["street"]


@pytest.fixture
def two(places, clerk):
    """One woman entered twice: once with her number, once by hand from what she said."""
    with use(Scope.area(places["street"].code, places["street"].upper)):
        whole = elder(places["east"], order=12)
        spoken = elders.register(
            name="王秀英",
            area=places["west"],
            id_kind="none",
            birth_date=BORN,
            sex="female",
            phone="13800138000",
            address="松西路3号",
        )
        elders.link_contact(elder_id=whole.pk, name="李明", relation="儿子", phone="13900000001")
        elders.link_contact(elder_id=spoken.pk, name="李明", relation="儿子", phone="13900000001")
        elders.link_contact(elder_id=spoken.pk, name="李芳", relation="女儿", phone="13900000002")
        elders.record_difficulty(elder_id=spoken.pk, kind="minimum_living", first=date(2026, 1, 1))
        elders.give_consent(elder_id=whole.pk, purpose="care", channel="paper", text_version="1", given_by="本人")
        elders.give_consent(elder_id=spoken.pk, purpose="care", channel="voice", text_version="1", given_by="本人")
        elders.give_consent(elder_id=spoken.pk, purpose="image", channel="voice", text_version="1", given_by="本人")
        return whole, spoken


def dump():
    with use(Scope.system()):
        return rows_of_rooms(without=("elders_merge",))


def test_likely_pairs_are_found_once_and_strangers_are_not(two, street, places):
    elder(places["east"], "王秀英", birth_date=date(1950, 1, 1), order=14)
    elder(places["east"], "李大山", birth_date=BORN, order=13)
    elder(places["east"], "汪秀英", birth_date=date(1939, 2, 3), order=16, phone="13800138000")
    assert duplicates.find(area=street) == 1
    (pair,) = Duplicate.objects.all()
    assert {pair.first_id, pair.second_id} == {two[0].pk, two[1].pk}
    # One lives in the east, the other in the west: only the street can compare them.
    assert pair.area_id == street.code
    assert "姓名相同、出生日期相同" in pair.reasons
    assert duplicates.find(area=street) == 0


def test_what_hangs_on_the_other_comes_along_and_what_both_have_stays(two, street, clerk):
    whole, spoken = two
    done = merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason="入户核实为同一人", user=clerk)
    whole.refresh_from_db()
    spoken.refresh_from_db()
    assert (spoken.state, spoken.merged_into_id) == ("merged", whole.pk)
    assert (whole.phone, whole.address) == ("13800138000", "松西路3号")
    assert sorted(whole.contacts.values_list("name", flat=True)) == ["李明", "李芳"]
    assert sorted(whole.consents.values_list("purpose", flat=True)) == ["care", "image"]
    assert Difficulty.objects.get().elder_id == whole.pk
    assert sorted(one["noun"] for one in done.left) == ["授权同意", "联系人"]


STAYS = {
    ("elders_elder", "merged_into_id"): "says into which record it went",
    ("elders_merge", "kept_id"): "is the merging itself",
    ("elders_merge", "dropped_id"): "is the merging itself",
    ("elders_importrow", "elder_id"): "tells what a roll's line was taken for",
    ("files_storedfile", "elder_id"): "is never rewritten; the rows that name the file move",
    ("flow_step", "elder_id"): "is never rewritten; says who did what to which record",
    ("policy_decision", "elder_id"): "is never rewritten; says what was decided about which record",
}


def test_every_column_that_names_an_elder_is_moved_or_stays_for_a_reason():
    """A new room's column is caught here: it is moved by its foreign key or name, or must be given a reason."""
    moved = {(hanging.table, hanging.column) for hanging in merging.hangings()}
    named = {
        (model._meta.db_table, field.column)
        for model, _scope in our_models()
        if not hasattr(model, "pgh_tracked_model")
        for field in model._meta.concrete_fields
        if field.related_model is Elder or (field.get_internal_type() == "UUIDField" and "elder" in field.column)
    }
    assert named - moved == set(STAYS)
    assert moved <= named
    many = {field for model, _scope in our_models() for field in model._meta.many_to_many}
    assert not [
        field for field in many if field.related_model is Elder and field.remote_field.through._meta.auto_created
    ]


GOES = {
    ("elders_label", "elder_id"): "is computed of the elder alone",
    ("exchange_duplicate", "first_id"): "is weighed of the two records alone",
    ("exchange_duplicate", "second_id"): "is weighed of the two records alone",
    ("elders_importrow", "elder_id"): "tells what a roll's line was taken for",
    ("files_storedfile", "elder_id"): "is named by rows that keep the elder themselves",
    ("flow_step", "elder_id"): "is about a row that keeps the elder itself",
    ("flow_todo", "elder_id"): "is about a row that keeps the elder itself",
}


def test_every_column_that_names_an_elder_keeps_them_from_going_with_a_roll_or_goes_for_a_reason():
    named = {
        (model._meta.db_table, field.column)
        for model, _scope in our_models()
        if not hasattr(model, "pgh_tracked_model")
        for field in model._meta.concrete_fields
        if field.related_model is Elder or (field.get_internal_type() == "UUIDField" and "elder" in field.column)
    }
    kept = {(hanging.table, hanging.column) for hanging in undoing.asked()}
    assert named - kept == set(GOES)
    assert kept <= named


def test_taken_apart_every_row_is_as_it_was_to_the_byte(two, street, clerk):
    whole, spoken = two
    before = dump()
    done = merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason="入户核实为同一人", user=clerk)
    between = dump()
    assert between["elders_contact"] != before["elders_contact"]
    assert between["elders_elder"] != before["elders_elder"]
    merging.part(merge_id=done.pk, user=clerk)
    after = dump()
    assert {table for table in before if before[table] != after[table]} == {"elders_lifeevent"}
    told = set(after["elders_lifeevent"]) - set(before["elders_lifeevent"])
    assert len(told) == 2 and set(before["elders_lifeevent"]) <= set(after["elders_lifeevent"])
    merged = whole.life_events.get(kind="merged")
    assert "入户核实为同一人" in merged.detail and merged.retracted_by.kind == "corrected"


def test_what_came_since_stays_with_the_kept_record(two, street, clerk):
    whole, spoken = two
    done = merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason="核实", user=clerk)
    elders.amend(elder_id=whole.pk, phone="13700000000")
    elders.link_contact(elder_id=whole.pk, name="邻居", relation="邻居", phone="13900000009")
    merging.part(merge_id=done.pk, user=clerk)
    whole.refresh_from_db()
    spoken.refresh_from_db()
    assert (whole.phone, whole.address, spoken.phone) == ("13700000000", "", "13800138000")
    assert set(Contact.objects.filter(elder=whole).values_list("name", flat=True)) == {"李明", "邻居"}
    assert Consent.objects.filter(elder=spoken).count() == 2


def test_what_cannot_be_merged_is_refused_and_nothing_changes(two, street, clerk, places):
    whole, spoken = two
    before = dump()
    with pytest.raises(Refused, match="有证件号码"):
        merging.merge(kept_id=spoken.pk, dropped_id=whole.pk, reason="核实", user=clerk)
    with pytest.raises(Refused, match="理由"):
        merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason=" ", user=clerk)
    with use(Scope.system()):
        far = elder(places["far"], order=32)
    with pytest.raises(Refused, match="不在您的管辖范围"):
        merging.merge(kept_id=whole.pk, dropped_id=far.pk, reason="核实", user=clerk)
    assert {table: rows for table, rows in dump().items() if table not in ("elders_elder",)} == {
        table: rows for table, rows in before.items() if table not in ("elders_elder",)
    }
    done = merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason="核实", user=clerk)
    with pytest.raises(Refused, match="已并入"):
        merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason="核实", user=clerk)
    merging.part(merge_id=done.pk, user=clerk)
    with pytest.raises(Refused, match="拆开"):
        merging.part(merge_id=done.pk, user=clerk)


def test_a_merged_record_takes_no_more_business(two, street, clerk):
    whole, spoken = two
    merging.merge(kept_id=whole.pk, dropped_id=spoken.pk, reason="核实", user=clerk)
    with pytest.raises(Refused, match="已并入他档"):
        elders.record_difficulty(elder_id=spoken.pk, kind="destitute", first=date(2026, 1, 1))
    with pytest.raises(Refused, match="已并入他档"):
        elders.record_death(elder_id=spoken.pk, on=date(2026, 1, 1))
    with pytest.raises(Refused, match="请先拆开"):
        elders.reinstate(elder_id=spoken.pk, on=date(2026, 1, 1), reason="误")


def test_a_roll_that_names_a_merged_record_means_the_kept_one(street, clerk, places):
    wrong, right = elder(places["east"], order=32), elder(places["east"], order=12)
    merging.merge(kept_id=right.pk, dropped_id=wrong.pk, reason="号码录错", user=clerk)
    rows = [["姓名", "身份证号", "社区", "备注"], ["王秀英", number(order=32), "松东社区", "喜静"]]
    batch = rolls.stage(data=xlsx(rows), file_name="名册.xlsx", area=street, source="民政局")
    rolls.map_columns(batch_id=batch.pk, mapping={0: "name", 1: "id_number", 2: "area", 3: "remarks"})
    rolls.look_over(batch_id=batch.pk)
    rolls.apply(batch_id=batch.pk)
    right.refresh_from_db()
    assert (right.remarks, right.id_number) == ("喜静", number(order=12))
    with pytest.raises(Refused, match="已并入另一份档案"):
        elder(places["east"], order=32)


def test_a_pair_on_the_pages_from_found_to_merged_to_apart(two, clerk):
    whole, spoken = two
    client = Client()
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")

    def url(noun, action, *args):
        return reverse(f"console:exchange-{noun}-{action}", args=args)

    assert "只列出待核对的名单" in client.get(url("duplicate", "find")).content.decode()
    assert not Duplicate.objects.exists()
    client.post(url("duplicate", "find"))
    pair = Duplicate.objects.get()
    assert "王秀英" in client.get(url("duplicate", "list")).content.decode()
    page = client.get(url("duplicate", "detail", pair.pk)).content.decode()
    assert "松西路3号" in page
    assert "联系人" in page
    assert number(order=12) not in page
    assert "13800138000" not in page
    client.post(url("duplicate", "step", pair.pk, "merge"), {"keep": whole.pk, "reason": "入户核实"})
    pair.refresh_from_db()
    assert pair.state == "merged"
    merge = Merge.objects.get()
    page = client.get(url("merge", "detail", merge.pk)).content.decode()
    assert "没有转移、需要人工处理" in page
    elder_page = client.get(reverse("console:elders-elder-detail", args=[spoken.pk])).content.decode()
    assert "已并入他档" in elder_page
    client.post(url("merge", "do", merge.pk, "part"))
    pair.refresh_from_db()
    assert (pair.state, Elder.objects.filter(state="merged").exists()) == ("open", False)
