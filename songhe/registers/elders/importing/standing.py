"""Who stands on a source's whole roll since when, and who no longer does."""

from datetime import date

from django.db import connection

from songhe.core.errors import Refused
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.models import Elder, ImportBatch, ImportSource, RollEntry

# Named on the roll, or perhaps named: whom a line waiting for a decision may be about has not vanished.
_NAMED = """
SELECT elder_id FROM elders_importrow WHERE batch_id = %(batch)s AND elder_id IS NOT NULL AND verdict <> 'left'
UNION
SELECT (one ->> 'elder')::uuid FROM elders_importrow, jsonb_array_elements(candidates) one
WHERE batch_id = %(batch)s AND verdict = 'conflict'
"""
# Against the named as a set: NOT IN would go through all of them for each entry once they outgrow the memory of a sort.
_VANISHED = f"""source_id = %(source)s AND closed_by_id IS NULL
AND NOT EXISTS (SELECT 1 FROM ({_NAMED}) named WHERE named.elder_id = elders_rollentry.elder_id)"""  # noqa: S608
_CLOSE = f"""
UPDATE elders_rollentry SET closed_by_id = %(batch)s, validity = daterange(lower(validity), %(day)s)
WHERE {_VANISHED}
"""  # noqa: S608
_OPEN = """
INSERT INTO elders_rollentry (id, source_id, elder_id, area_id, validity, said_on, opened_by_id)
SELECT gen_random_uuid(), %(source)s, elder.id, elder.area_id, daterange(%(day)s, NULL), named.said_on, %(batch)s
FROM (SELECT elder_id, max(said_on) AS said_on FROM elders_importrow
      WHERE batch_id = %(batch)s AND elder_id IS NOT NULL AND verdict IN ('new', 'changed', 'same')
      GROUP BY elder_id) named
JOIN elders_elder elder ON elder.id = named.elder_id
WHERE NOT EXISTS (SELECT 1 FROM elders_rollentry entry
                  WHERE entry.source_id = %(source)s AND entry.elder_id = elder.id AND entry.closed_by_id IS NULL)
"""


def latest(source: ImportSource) -> ImportBatch | None:
    """Return the roll of a source that was applied last and stands."""
    return source.batches.filter(applied_at__isnull=False, undone_at__isnull=True).order_by("-as_of", "-pk").first()


def refuse_out_of_order(batch: ImportBatch) -> None:
    """Refuse a whole roll that is no later than the last one applied."""
    last = latest(batch.source)
    if batch.source.is_whole and last is not None and batch.as_of <= last.as_of:
        raise Refused(
            f"{batch.source}已导入过 {last.as_of} 的全量名册，这一份的名册日期（{batch.as_of}）须晚于它；"
            "导错了的，请先撤销那一份。"
        )


def refuse_not_latest(batch: ImportBatch) -> None:
    """Refuse to undo a whole roll upon which later ones rest."""
    last = latest(batch.source)
    if batch.source.is_whole and last is not None and last.pk != batch.pk:
        raise Refused(f"此后又导入了 {last.as_of} 的名册，请先撤销那一份。")


def enter(batch: ImportBatch) -> None:
    """Note who stands on a whole roll from its day on, and who no longer does."""
    if batch.source.is_whole:
        _run(_CLOSE, batch, batch.as_of)
        _run(_OPEN, batch, batch.as_of)


def take_back(batch: ImportBatch) -> None:
    """Put the standing on a roll back to what it was before this one."""
    with use(Scope.system()):
        RollEntry.objects.filter(opened_by=batch).delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE elders_rollentry SET closed_by_id = NULL, validity = daterange(lower(validity), NULL) "
                "WHERE closed_by_id = %s",
                [batch.pk],
            )


def _run(statement: str, batch: ImportBatch, day: date) -> None:
    # Who moved to another division since stands on this source's roll all the same.
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute(statement, {"batch": batch.pk, "source": batch.source_id, "day": day})


def vanished(batch: ImportBatch, limit: int = 100) -> tuple[int, list[Elder]]:
    """Return how many stood on the source's roll and are not on this one, and the first of those in scope.

    After it was applied: whom it closed.
    """
    entries = RollEntry.objects.filter(source=batch.source)
    if batch.applied_at is not None:
        entries = entries.filter(closed_by=batch)
    elif batch.source.is_whole:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM elders_rollentry WHERE {_VANISHED}",  # noqa: S608
                {"batch": batch.pk, "source": batch.source_id},
            )
            entries = entries.filter(pk__in=[pk for (pk,) in cursor.fetchall()])
    else:
        entries = entries.none()
    rows = Elder.objects.filter(roll_entries__in=entries).select_related("area").order_by("area_id", "name")
    return entries.count(), list(rows[:limit])
