"""Rolls handed in by another system: read and looked over as at the page; a person decides and applies them there."""

from datetime import date
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.errors import Refused
from songhe.registers.elders.importing import running, selectors, services
from songhe.registers.elders.importing.console import stage_of
from songhe.registers.elders.models import ImportBatch, ImportSource, Verdict

WRONG_LINES = 500


@transaction.atomic
def hand_in(*, source: ImportSource, file: "UploadedFile[Any]", as_of: date | None, user: User) -> ImportBatch:
    """Stage a source's roll and have it looked over by the columns as they were told before; nothing is applied.

    Raises:
        Refused: the source is not the account's own, the file cannot be read, or holds the lines of one applied before.
    """
    if user.area is None or source.area_id != user.area_id:
        raise Refused("这个名册来源属于其他区划，请用该区划的账号报送。")
    batch = services.stage(
        data=file.read(), file_name=file.name or "", area=user.area, source=source.name, as_of=as_of, user=user
    )
    if (twin := selectors.twin_of(batch)) is not None:
        raise Refused(f"内容相同的名册已于 {twin.applied_at:%Y-%m-%d %H:%M} 导入，不用再报。", field="file")
    mapping = {int(column): key for column, key in batch.mapping.items()}
    try:
        batch = services.map_columns(batch_id=batch.pk, mapping=mapping)
        return running.start(batch=batch, deed="look_over", user=user)
    except Refused as refused:
        # Read, but not understood: kept for a person to say at the page which column is what.
        batch.refusal = refused.message[:300]
        batch.save(update_fields=["refusal"])
        return batch


def standing(batch: ImportBatch) -> dict[str, Any]:
    """Return how a roll fares: lines by verdict, and what is wrong with which line."""
    counts = selectors.counts(batch)
    wrong = batch.rows.filter(verdict=Verdict.WRONG).order_by("number").values_list("number", "errors")[:WRONG_LINES]
    return {
        "id": str(batch.pk),
        "stage": stage_of(batch)[0],
        "job": running.job_state(batch),
        "refusal": batch.refusal,
        "as_of": batch.as_of.isoformat(),
        "rows_read": batch.rows_read,
        "rows_skipped": batch.rows_skipped,
        "verdicts": {str(verdict): counts[verdict] for verdict in Verdict.values if verdict},
        "applied": counts["applied"],
        "wrong": [{"line": number, "errors": errors} for number, errors in wrong],
    }
