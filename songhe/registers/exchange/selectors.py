"""Reads of the exchange: how sources stand, what a month brought."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Count, Max, Q, QuerySet

from songhe.core.calendar.services import months_after, today
from songhe.core.console.display import Column, label_of, text_of
from songhe.registers.elders import merging
from songhe.registers.elders.models import Cadence, Elder, ImportBatch, ImportRow, ImportSource
from songhe.registers.elders.selectors import within_scope
from songhe.registers.exchange.flow import FindingState
from songhe.registers.exchange.models import Finding, FindingKind

MONTHS = {Cadence.MONTHLY: 1, Cadence.QUARTERLY: 3, Cadence.YEARLY: 12}
STANDS = Q(batches__applied_at__isnull=False, batches__undone_at__isnull=True)


def sources() -> QuerySet[ImportSource]:
    """Return the sources in scope, each with the day of its last roll (``last_as_of``) and how many stand."""
    rows: QuerySet[ImportSource] = within_scope(ImportSource.objects.all())
    return rows.annotate(last_as_of=Max("batches__as_of", filter=STANDS), rolls=Count("batches", filter=STANDS))


def due_on(source: ImportSource) -> date | None:
    """Return by when the next roll should come; None where it comes when it comes, or none ever came."""
    months = MONTHS.get(Cadence(source.cadence))
    last: date | None = getattr(source, "last_as_of", None)
    return months_after(last, months) if months and last else None


def overdue(source: ImportSource) -> bool:
    """Tell whether a roll is missing."""
    due = due_on(source)
    return due is not None and due < today()


@dataclass
class MonthLine:
    """What a source's rolls brought in a month: lines by verdict, people who came and went, findings by kind."""

    source: ImportSource
    rolls: list[ImportBatch] = field(default_factory=list)
    lines: Counter[str] = field(default_factory=Counter)
    came: int = 0
    went: int = 0
    findings: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Month:
    """A month of exchange: a line for each source, and findings by kind: new, settled, still open."""

    first: date
    lines: list[MonthLine]
    totals: list[tuple[str, str, int, int, int]]


def month(first: date, next_first: date) -> Month:
    """Return what the rolls of a month brought, in a handful of statements."""
    found = {source.pk: MonthLine(source) for source in sources().order_by("office", "name")}
    batches = within_scope(ImportBatch.objects.all()).filter(
        as_of__gte=first, as_of__lt=next_first, applied_at__isnull=False, undone_at__isnull=True
    )
    by_batch = {}
    for batch in batches.annotate(came=Count("opened", distinct=True), went=Count("closed", distinct=True)):
        if batch.source_id in found:
            line = by_batch[batch.pk] = found[batch.source_id]
            line.rolls.append(batch)
            line.came += batch.came
            line.went += batch.went
    tallies = ImportRow.objects.filter(batch__in=by_batch).order_by().values_list("batch", "verdict")
    for batch_id, verdict, count in tallies.annotate(Count("id")):
        by_batch[batch_id].lines[verdict] += count
    rows = within_scope(Finding.objects.all())
    new = rows.filter(found_on__gte=first, found_on__lt=next_first)
    for source_id, kind, count in new.order_by().values_list("source", "kind").annotate(Count("id")):
        if source_id in found:
            found[source_id].findings[kind] += count
    return Month(first, list(found.values()), _totals(rows, first, next_first))


def _totals(rows: QuerySet[Finding], first: date, next_first: date) -> list[tuple[str, str, int, int, int]]:
    during = Q(found_on__gte=first, found_on__lt=next_first)
    settled = Q(state=FindingState.SETTLED, settled_on__gte=first, settled_on__lt=next_first)
    counted: dict[str, tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    tallies = rows.order_by().values_list("kind")
    for kind, new, done, still in tallies.annotate(
        new=Count("id", filter=during),
        done=Count("id", filter=settled),
        still=Count("id", filter=Q(state=FindingState.OPEN)),
    ):
        counted[kind] = (new, done, still)
    return [(kind, label, *counted[kind]) for kind, label in FindingKind.choices]


# --- two records side by side ---


@dataclass(frozen=True)
class Compared:
    """One particular of two records; ``differs`` where both are known and not equal."""

    label: str
    first: str
    second: str
    differs: bool


SIDE_BY_SIDE = (
    "name", "sex", "birth_date", "id_number", "phone", "ethnicity", "area", "address", "registered_area",
    "registered_address", "living_situation", "ability_level", "state", "registered_on", "remarks",
)  # fmt: skip


def side_by_side(first: Elder, second: Elder) -> tuple[list[Compared], list[Compared]]:
    """Return the particulars of two records, and how many rows of each thing hang on either."""
    particulars = []
    for name in SIDE_BY_SIDE:
        column = Column(name)
        one, other = text_of(first, column), text_of(second, column)
        raw = getattr(first, name), getattr(second, name)
        differs = raw[0] != raw[1] and all(value not in (None, "") for value in raw)
        particulars.append(Compared(label_of(Elder, column), one, other, differs))
    counts = dict(merging.count_of(first.pk)), dict(merging.count_of(second.pk))
    nouns = sorted(counts[0] | counts[1])
    hanging = [Compared(noun, str(counts[0].get(noun, 0)), str(counts[1].get(noun, 0)), False) for noun in nouns]
    return particulars, hanging
