"""The register of elders kept right: everybody in difficulty found, nobody twice, by the rolls of other offices."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Count
from django.urls import reverse

from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.ledger.audit import verify
from songhe.core.scope.services import Scope, use
from songhe.core.testing.dumps import rows_of_rooms
from songhe.registers.elders import merging
from songhe.registers.elders.importing.selectors import complaint
from songhe.registers.elders.models import Elder, ImportBatch, ImportSource
from songhe.registers.elders.tests.people import elder
from songhe.registers.elders.tests.sheets import xlsx
from songhe.registers.exchange.models import Finding
from songhe.registers.exchange.services import compare_all
from tests.people import Person


@pytest.mark.requirement("WZ-03")
def test_two_records_with_all_their_business_are_merged_and_parted_to_the_byte(anqing):
    """The two busiest elders of Anqing, with orders, visits, credits and assessments, are merged by mistake."""
    with use(Scope.system()):
        busy = Elder.objects.annotate(of=Count("orders")).filter(id_kind="resident")
        kept, dropped = busy.order_by("-of", "id")[:2]
        before = rows_of_rooms(without=("elders_merge",))
        orders = dropped.orders.count()
        assert orders > 0
        done = merging.merge(kept_id=kept.pk, dropped_id=dropped.pk, reason="误判为同一人")
        assert dropped.orders.count() < orders
        moved = {place.split(".")[0] for place in done.moved}
        assert {"orders_order", "visits_visit", "policy_credit"} <= moved
        assert verify().ok
        assert not doubled(kept)
        merging.part(merge_id=done.pk)
        assert verify().ok
        after = rows_of_rooms(without=("elders_merge",))
    # Every row is there again to the byte; that it was done and undone stays readable where people look for it.
    assert {table for table in before if not set(before[table]) <= set(after[table])} == set()
    # Who is merged or parted is decided anew: that stays on record, as does what either is due and does not get.
    history = {"elders_lifeevent", "elders_followup", "flow_todo"}
    anew = {"policy_decision", "policy_entitlement", "policy_finding", "policy_adjustment"}
    assert {table for table in before if before[table] != after[table]} <= history | anew


def doubled(person):
    """Return the months of which a person has more than one open credit of a policy."""
    opened = person.credits.filter(expired_on=None).values("entitlement__policy", "month")
    return list(opened.annotate(of=Count("pk")).filter(of__gt=1))


def _imports(clerk, source, day, rows):
    """Bring a roll in at the clerk's pages, from upload to confirmation."""
    file = SimpleUploadedFile(f"{day}.xlsx", xlsx(rows))
    page = clerk.sends(reverse("console:elders-import-create"), file=file, source=source, as_of=day.isoformat())
    with use(Scope.system()):
        batch = ImportBatch.objects.latest("id")
    mapping = {f"column-{column}": key for column, key in batch.mapping.items()}
    answer = clerk.client.post(reverse("console:elders-import-map", args=[batch.pk]), mapping)
    assert answer.status_code == 303, answer.content.decode()
    clerk.sends(reverse("console:elders-import-do", args=[batch.pk, "apply"]))
    assert "已导入" in clerk.opens(page)
    with use(Scope.system()):
        left_out = {
            row.number: (row.verdict, complaint(row)) for row in batch.rows.filter(applied=False, elder_id=None)
        }
    assert left_out == {}
    return batch


@pytest.mark.requirement("SS-10")
def test_nobody_in_difficulty_is_missing_and_nobody_of_eighty_is_forgotten(anqing):
    """A street sets up two offices' rolls, imports them, and follows up whom they miss until nobody is left."""
    with use(Scope.system()):
        clerk = Person("street")
        community = Area.objects.filter(parent=clerk.user.area).order_by("code").first()
        poor = [elder(community, name, order=order) for name, order in (("尤素芬", 12), ("万长河", 13), ("苗翠兰", 14))]
        born = {"濮桂英": date(1938, 3, 4), "臧德福": date(1939, 5, 6)}
        old = [elder(community, name, birth_date=day, order=21) for name, day in born.items()]
    sources = reverse("console:exchange-source-create")
    clerk.sends(
        sources, name="低收入名册", office="civil_affairs", subject="difficulty", kinds=["low_income"],
        cadence="monthly", is_whole="on", adds_people="on",
    )  # fmt: skip
    clerk.sends(
        sources, name="高龄津贴名册", office="civil_affairs", subject="benefit", cadence="monthly", is_whole="on",
        adds_people="on", from_age=80,
    )  # fmt: skip

    head = ["姓名", "身份证号", "社区"]
    lines = [[one.name, one.id_number, community.name] for one in poor]
    last_month, this_month = today() - timedelta(days=31), today()
    _imports(clerk, "低收入名册", last_month, [head, *lines])
    with use(Scope.system()):
        assert Elder.objects.filter(difficulties__kind="low_income", pk__in=[one.pk for one in poor]).count() == 3
    _imports(clerk, "低收入名册", this_month, [head, *lines[:2]])

    with use(Scope.system()):
        gone = Finding.objects.get(kind="vanished", elder__in=[one.pk for one in poor])
        assert gone.elder_id == poor[2].pk
    settle = reverse("console:exchange-finding-step", args=[gone.pk, "settle"])
    clerk.sends(settle, outcome="ended", on=this_month.isoformat(), reason="收入已超标准")
    with use(Scope.system()):
        ended = poor[2].difficulties.get(kind="low_income")
        assert ended.validity.upper == this_month + timedelta(days=1)

        compare_all()
        forgotten = Finding.objects.filter(kind="uncovered", state="open")
        assert {one.pk for one in old} <= set(forgotten.values_list("elder_id", flat=True))
        before = forgotten.count()
        helped = forgotten.get(elder=old[0])
        lines = [[old[1].name, old[1].id_number, community.name]]
        assert ImportSource.objects.filter(is_whole=True, name__in=["低收入名册", "高龄津贴名册"]).count() == 2
    assert "到龄未享受" in clerk.opens(reverse("console:exchange-source-month"))
    settle = reverse("console:exchange-finding-step", args=[helped.pk, "settle"])
    clerk.sends(settle, outcome="applied", reason="已代为申请")
    _imports(clerk, "高龄津贴名册", this_month, [head, *lines])
    with use(Scope.system()):
        helped.refresh_from_db()
        assert helped.outcome == "applied"
        # The one the roll now names is answered; an application is no benefit yet and is asked about again.
        assert not forgotten.filter(elder=old[1]).exists()
        assert forgotten.get(elder=old[0]).pk != helped.pk
        assert forgotten.count() == before - 1
