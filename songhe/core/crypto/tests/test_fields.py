"""A sealed column in a real table: written, read, copied into history, never in plain text."""

import pytest
from django.db import connection
from django.forms import modelform_factory

from songhe.core.crypto import sealing
from songhe.core.crypto.sealing import NotOpened, blind_index
from songhe.core.testing.paper import Paper

PHONE = "13800001111"


@pytest.fixture
def paper(street):
    return Paper.objects.create(subject="床", area=street, phone=PHONE)


def stored(pk) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute("SELECT phone, phone_index FROM testing_paper WHERE id = %s", [pk])
        return tuple(bytes(value) if value is not None else None for value in cursor.fetchone())


def history_of(pk) -> list[bytes]:
    return [bytes(row.phone) for row in Paper.pgh_event_model.objects.filter(pgh_obj_id=pk).order_by("pgh_line")]


def test_it_is_stored_sealed_and_found_by_its_index(paper):
    sealed, index = stored(paper.pk)
    assert PHONE.encode() not in sealed + index
    found = Paper.objects.get(phone_index=blind_index("138 0000 1111", purpose="phone_index"))
    assert (found.phone, found.phone_masked) == (PHONE, "138****1111")


def test_many_at_once(street):
    made = Paper.objects.bulk_create([Paper(subject=str(n), area=street, phone=f"1380000{n:04}") for n in range(3)])
    assert [Paper.objects.get(pk=each.pk).phone for each in made] == [f"1380000{n:04}" for n in range(3)]
    assert Paper.objects.filter(phone_index=blind_index("13800000002", purpose="phone_index")).count() == 1


def test_history_holds_the_same_sealed_bytes(paper):
    assert history_of(paper.pk) == [stored(paper.pk)[0]]


@pytest.mark.parametrize("read", ["defer", "only", "get", "refresh"])
def test_reading_and_saving_again_changes_nothing(paper, read):
    objects = {
        "defer": Paper.objects.defer("phone"),
        "only": Paper.objects.only("subject"),
        "get": Paper.objects.all(),
        "refresh": Paper.objects.all(),
    }
    same = objects[read].get(pk=paper.pk)
    assert same.phone == PHONE
    if read == "refresh":
        same.refresh_from_db()
    before = stored(paper.pk)
    same.phone = same.phone
    same.save()
    assert stored(paper.pk) == before
    assert len(set(history_of(paper.pk))) == 1


def test_a_form_that_changes_nothing_changes_nothing(paper):
    form_class = modelform_factory(Paper, fields=["subject", "phone"])
    before = stored(paper.pk)
    same = Paper.objects.get(pk=paper.pk)
    assert form_class(instance=same).initial["phone"] == PHONE
    form = form_class({"subject": "床", "phone": PHONE}, instance=same)
    assert form.is_valid(), form.errors
    form.save()
    assert stored(paper.pk) == before
    form = form_class({"subject": "床", "phone": "13900002222"}, instance=same)
    form.save()
    assert Paper.objects.get(pk=paper.pk).phone == "13900002222"
    assert stored(paper.pk)[1] == blind_index("13900002222", purpose="phone_index")


def test_emptied_is_null_with_its_index(paper):
    paper.phone = ""
    paper.save()
    assert stored(paper.pk) == (None, None)
    assert Paper.objects.get(pk=paper.pk).phone_masked == ""


def test_a_value_copied_to_another_row_is_sealed_for_it_and_one_moved_by_sql_does_not_open(paper, street):
    copy = Paper.objects.create(subject="另一张", area=street, phone=Paper.objects.get(pk=paper.pk).phone)
    assert Paper.objects.get(pk=copy.pk).phone == PHONE
    assert stored(copy.pk)[0] != stored(paper.pk)[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE testing_paper SET phone = (SELECT phone FROM testing_paper WHERE id = %s) WHERE id = %s",
            [paper.pk, copy.pk],
        )
    with pytest.raises(NotOpened):
        _ = Paper.objects.get(pk=copy.pk).phone
    mended = Paper.objects.get(pk=copy.pk)
    mended.phone = PHONE
    mended.save()
    assert Paper.objects.get(pk=copy.pk).phone == PHONE


def test_plain_text_never_slips_past_the_instance(paper):
    for slip in (
        lambda: Paper.objects.update(phone="13900002222"),
        lambda: Paper.objects.filter(phone=PHONE).exists(),
        lambda: Paper.objects.bulk_update([paper], ["phone"]) if _plain(paper) else None,
    ):
        with pytest.raises(TypeError, match="加密列"):
            slip()


def _plain(paper) -> bool:
    paper.phone = "13900002222"
    return True


def test_sealing_is_asked_for_once_a_save(paper, monkeypatch):
    calls = []
    seal = sealing.seal
    monkeypatch.setattr(sealing, "seal", lambda *a, **k: calls.append(1) or seal(*a, **k))
    paper.subject = "新"
    paper.save()
    assert calls == []
