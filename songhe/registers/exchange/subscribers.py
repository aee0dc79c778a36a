"""What follows for findings when rolls come in and elders move."""

from songhe.core.events.services import defer, subscribe
from songhe.registers.elders.events import ElderGone, ElderMoved, EldersParted, RollApplied, RollUndone
from songhe.registers.elders.importing.running import AT_ONCE
from songhe.registers.elders.models import ImportBatch
from songhe.registers.exchange import duplicates, services
from songhe.registers.exchange.jobs import compare_roll


@subscribe(RollApplied)
def compare_what_came(event: RollApplied) -> None:
    """Compare a whole roll with the others: a small one at once, a large one as a job of the same transaction."""
    batch = ImportBatch.objects.select_related("source").get(pk=event.batch_id)
    if not batch.source.is_whole:
        return
    if batch.rows_read <= AT_ONCE:
        services.compare(source_id=batch.source_id, batch_id=batch.pk)
    else:
        defer(compare_roll, source_id=batch.source_id, batch_id=batch.pk)


@subscribe(RollUndone)
def forget_what_came(event: RollUndone) -> None:
    """What an undone roll brought up is no longer to be looked into."""
    services.forget_roll(batch_id=event.batch_id)


@subscribe(ElderMoved)
def hand_over(event: ElderMoved) -> None:
    """Open findings go with the elder."""
    services.follow_move(elder_id=event.elder_id, area_id=event.to_area)


@subscribe(ElderGone)
def nothing_more_to_find(event: ElderGone) -> None:
    """Who died or left is not to be looked into any more."""
    services.clear_findings(elder_id=event.elder_id)


@subscribe(EldersParted)
def look_again(event: EldersParted) -> None:
    """Records taken apart are looked at again."""
    duplicates.ask_again(kept_id=event.kept_id, dropped_id=event.dropped_id)
