"""Finding records that are likely of one person, and what a person decides about them."""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection, transaction

from songhe.core.accounts.models import User
from songhe.core.areas.codes import smallest_around
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.flow.services import fire, start_many
from songhe.core.locks import locked
from songhe.core.scope.services import Scope, use
from songhe.registers.elders import merging
from songhe.registers.elders.importing.judging import describe
from songhe.registers.elders.importing.matching import ASKED_FROM, weigh
from songhe.registers.elders.models import Elder, Merge
from songhe.registers.exchange.flow import DuplicateState
from songhe.registers.exchange.models import Duplicate

CHUNK = 2000

# Nobody compares everybody with everybody: two records are weighed that share a birth date and a name or its sound, or
# a telephone and one of these. A telephone alone is an institution's.
_PAIRS = """
SELECT a.id, b.id FROM elders_elder a JOIN elders_elder b
  ON b.birth_date = a.birth_date AND b.name_pinyin = a.name_pinyin AND b.id > a.id
WHERE {within}
UNION
SELECT a.id, b.id FROM elders_elder a JOIN elders_elder b
  ON b.phone_index = a.phone_index AND b.id > a.id
 AND (b.name_pinyin = a.name_pinyin OR b.birth_date = a.birth_date)
WHERE {within}
"""
_WITHIN = """
    a.state <> 'merged' AND b.state <> 'merged' AND a.area_id >= %(lo)s AND a.area_id < %(hi)s
    AND b.area_id >= %(lo)s AND b.area_id < %(hi)s
    AND NOT EXISTS (SELECT 1 FROM exchange_duplicate known WHERE known.first_id = a.id AND known.second_id = b.id)
"""


@transaction.atomic
def find(*, area: Area) -> int:
    """Look through an area's records for those likely of one person; return how many pairs are new."""
    with use(Scope.system()):
        count = 0
        among = Elder.objects.filter(area_id__gte=area.code, area_id__lt=area.upper).count()
        for pairs in _chunks(_pairs(area)):
            elders = Elder.objects.in_bulk({pk for pair in pairs for pk in pair})
            found = []
            for one, other in pairs:
                first, second = elders[one], elders[other]
                weighed = weigh(describe(first), describe(second), among=among)
                if weighed.probability >= ASKED_FROM:
                    found.append(
                        Duplicate(
                            first=first,
                            second=second,
                            # Whoever is answerable for only one of the two could not compare them.
                            area_id=smallest_around(first.area_id, second.area_id),
                            chance=weighed.probability,
                            reasons="、".join(weighed.reasons)[:200],
                        )
                    )
            Duplicate.objects.bulk_create(found, batch_size=CHUNK)
            start_many(found)
            count += len(found)
    return count


def _pairs(area: Area) -> list[tuple[UUID, UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS.format(within=_WITHIN), {"lo": area.code, "hi": area.upper})
        return list(cursor.fetchall())


def _chunks(pairs: list[tuple[UUID, UUID]]) -> Iterator[list[tuple[UUID, UUID]]]:
    for start in range(0, len(pairs), CHUNK):
        yield pairs[start : start + CHUNK]


@transaction.atomic
def merge(*, duplicate: Duplicate, keep: str, reason: str, user: User | None, version: int | None = None) -> Merge:
    """Bring the two records together; ``keep`` is the id of the one that stays."""
    duplicate = locked(Duplicate.objects.filter(pk=duplicate.pk), version=version)
    both = {str(duplicate.first_id): duplicate.second_id, str(duplicate.second_id): duplicate.first_id}
    if keep not in both:
        raise Refused("请选择保留哪一份档案。", field="keep")
    fire(duplicate, "merge", user=user, reason=reason)
    return merging.merge(kept_id=UUID(keep), dropped_id=both[keep], reason=reason, user=user)


@transaction.atomic
def ask_again(*, kept_id: UUID, dropped_id: UUID) -> None:
    """Put a pair whose merging was taken back before somebody again."""
    first, second = sorted((kept_id, dropped_id))
    with use(Scope.system()):
        for pair in Duplicate.objects.filter(first_id=first, second_id=second, state=DuplicateState.MERGED):
            fire(pair, "reopen", user=None)
