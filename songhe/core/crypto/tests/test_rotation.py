"""A new key while people read and write: nothing is lost, nothing stays under the old key, no history is made."""

import threading

import pytest
from django.db import connection

from songhe.core.crypto import keyring, sealing, services
from songhe.core.crypto.services import reseal, sealed_columns
from songhe.core.scope.services import Scope, use
from songhe.core.testing.jobs import run_waiting_jobs
from songhe.core.testing.paper import Paper
from songhe.core.testing.streets import street_of_anqing

COLUMN = (Paper, Paper._meta.get_field("phone"))


@pytest.fixture
def papers(paper_table, transactional_db, monkeypatch, tmp_path):
    monkeypatch.setattr(keyring, "KEYRING", tmp_path / "keyring.json")
    monkeypatch.setattr(keyring, "_cache", None)
    with use(Scope.system()):
        street = street_of_anqing()
        return Paper.objects.bulk_create(
            [Paper(subject=str(n), area=street, phone=f"1380000{n:04}") for n in range(120)]
        )


def keys_in_use() -> set[int]:
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute("SELECT phone FROM testing_paper WHERE phone IS NOT NULL")
        return {sealing.key_number(value) for (value,) in cursor.fetchall()}


def test_everything_moves_to_the_new_key_in_silence(papers):
    with use(Scope.system()):
        before = Paper.pgh_event_model.objects.count()
    assert COLUMN in list(sealed_columns())
    assert services.rotate() == 2
    run_waiting_jobs()
    assert keys_in_use() == {2}
    with use(Scope.system()):
        for number, paper in enumerate(Paper.objects.order_by("phone_index")):
            assert paper.version == 1, number
        assert {paper.phone for paper in Paper.objects.all()} == {f"1380000{n:04}" for n in range(120)}
        assert Paper.pgh_event_model.objects.count() == before
    assert reseal(COLUMN).resealed == 0


def test_while_people_read_and_write(papers):
    keyring.add_key()
    stop, errors, written = threading.Event(), [], {}

    def people(start: int) -> None:
        """Read a paper, then give it another number, as a clerk with a page open does."""
        turn = 0
        try:
            while not stop.is_set():
                with use(Scope.system()):
                    paper = Paper.objects.get(pk=papers[start + turn % 60].pk)
                    assert paper.phone.startswith("1")
                with use(Scope.system()):
                    if turn % 2:
                        paper.phone = f"19{start:03}{turn:06}"
                        written[paper.pk] = paper.phone
                    paper.subject = f"改 {turn}"
                    paper.save()
                turn += 1
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=people, args=(start,)) for start in (0, 60)]
    for thread in threads:
        thread.start()
    resealed = sum(reseal(COLUMN, batch=20).resealed for _ in range(5))
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert resealed >= 60
    reseal(COLUMN)
    assert keys_in_use() == {2}
    with use(Scope.system()):
        for number, paper in enumerate(papers):
            assert Paper.objects.get(pk=paper.pk).phone == written.get(paper.pk, f"1380000{number:04}")


def meanwhile(monkeypatch, pk) -> None:
    """Have somebody give a paper another number after resealing has read it and before it is written."""
    anew = services._sealed_anew

    def clerk() -> None:
        with use(Scope.system()):
            paper = Paper.objects.get(pk=pk)
            paper.phone = "19900000000"
            paper.save()
        connection.close()

    def slowly(sealed, rows, done):
        fresh = list(anew(sealed, rows, done))
        monkeypatch.setattr(services, "_sealed_anew", anew)
        thread = threading.Thread(target=clerk)
        thread.start()
        thread.join()
        return fresh

    monkeypatch.setattr(services, "_sealed_anew", slowly)


def test_a_number_changed_meanwhile_stays(papers, monkeypatch):
    keyring.add_key()
    meanwhile(monkeypatch, papers[0].pk)
    reseal(COLUMN)
    with use(Scope.system()):
        assert Paper.objects.get(pk=papers[0].pk).phone == "19900000000"


def test_control_without_comparing_the_old_bytes_it_is_lost(papers, monkeypatch):
    def blindly(model, sealed, rows) -> int:
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE testing_paper SET phone = %s WHERE id = %s", [(new, pk) for pk, _old, new in rows]
            )
        return len(rows)

    keyring.add_key()
    meanwhile(monkeypatch, papers[0].pk)
    monkeypatch.setattr(services, "_replace", blindly)
    reseal(COLUMN)
    with use(Scope.system()):
        assert Paper.objects.get(pk=papers[0].pk).phone == "13800000000"


def test_what_does_not_open_is_named_and_the_rest_goes_on(papers):
    keyring.add_key()
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute("UPDATE testing_paper SET phone = phone || '\\x00' WHERE id = %s", [papers[7].pk])
    done = reseal(COLUMN)
    assert done.unopened == [f"testing_paper:{papers[7].pk}:phone"]
    assert done.resealed == 119
