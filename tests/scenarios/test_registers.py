"""The register of elders kept right: two records of one person merged and parted without loss."""

import pytest
from django.db.models import Count

from songhe.core.ledger.audit import verify
from songhe.core.scope.services import Scope, use
from songhe.core.testing.dumps import rows_of_rooms
from songhe.registers.elders import merging
from songhe.registers.elders.models import Elder


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
        merging.part(merge_id=done.pk)
        after = rows_of_rooms(without=("elders_merge",))
    assert {table for table in before if before[table] != after[table]} == set()
