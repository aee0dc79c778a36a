"""A roll's lines as they came and as they were read, sealed some hundred at a time.

Sealing each line by itself would be most of what it costs to take in a roll.
"""

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from songhe.core.crypto.sealing import sealer
from songhe.core.ids import uuid7
from songhe.registers.elders.importing import bulk
from songhe.registers.elders.importing.judging import dump
from songhe.registers.elders.models import ImportBatch, ImportPart, ImportRow

SIZE = 200
AT_ONCE = 25

Cells = list[str]
_CELLS, _VALUES = ImportPart._meta.get_field("cells"), ImportPart._meta.get_field("values")


class Part(NamedTuple):
    """Some lines of a roll with their numbers, as they came."""

    pk: UUID
    lines: list[tuple[int, Cells]]


def keep(batch: ImportBatch, lines: Iterable[tuple[int, Cells]]) -> None:
    """Keep a roll's lines as they came."""
    bulk.insert_values(ImportPart, ["id", "first", "last", "cells"], _sealed(lines), batch=batch.pk)


def _sealed(lines: Iterable[tuple[int, Cells]]) -> Iterator[tuple[Any, ...]]:
    seal = sealer().seal
    left = iter(lines)
    while part := list(islice(left, SIZE)):
        pk = uuid7()
        yield pk, part[0][0], part[-1][0], seal(dump(part), context=_CELLS.context(pk))


def each(batch: ImportBatch) -> Iterator[list[Part]]:
    """Yield a roll's lines in order, some thousand at a time."""
    unseal = sealer().unseal
    last = -1
    kept = batch.parts.order_by("first").values_list("first", "pk", "cells")
    while found := list(kept.filter(first__gt=last)[:AT_ONCE]):
        last = found[-1][0]
        yield [Part(pk, json.loads(unseal(bytes(cells), context=_CELLS.context(pk)))) for _first, pk, cells in found]


def first(batch: ImportBatch) -> list[Cells]:
    """Return some of a roll's first lines."""
    return [cells for some in islice(each(batch), 1) for _number, cells in some[0].lines]


def note_read(read: Iterable[tuple[UUID, list[tuple[int, dict[str, Any]]]]]) -> None:
    """Keep what was read of the lines that may be written, by part and number, if there are any."""
    seal = sealer().seal
    sealed = ((pk, seal(dump(values), context=_VALUES.context(pk)) if values else None) for pk, values in read)
    bulk.update_values(ImportPart, ["values"], sealed)


def cells_of(rows: Collection[ImportRow]) -> dict[int, Cells]:
    """Return the lines of one roll as they came, by number."""
    own = {row.number: json.loads(row.cells) for row in rows if row.cells}
    return own | (_kept(next(iter(rows)).batch, "cells", {row.number for row in rows} - own.keys()) if rows else {})


def values_of(rows: Collection[ImportRow]) -> dict[int, dict[str, Any]]:
    """Return what was read of lines of one roll that may be written, by number."""
    own = {row.number: json.loads(row.values) for row in rows if row.values}
    return own | (read(next(iter(rows)).batch, {row.number for row in rows} - own.keys()) if rows else {})


def read(batch: ImportBatch, numbers: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return what was read of a roll's lines at the look-over; lines decided upon later have it on their own row."""
    return _kept(batch, "values", numbers)


def _kept(batch: ImportBatch, column: str, numbers: Collection[int]) -> dict[int, Any]:
    if not numbers:
        return {}
    context = (_CELLS if column == "cells" else _VALUES).context
    firsts = list(batch.parts.order_by("first").values_list("first", flat=True))
    meant = {firsts[at - 1] for number in numbers if (at := bisect_right(firsts, number))}
    parts = batch.parts.filter(first__in=meant, **{f"{column}__isnull": False}).values_list("pk", column)
    unseal, wanted = sealer().unseal, set(numbers)
    return {
        number: said
        for pk, sealed in parts.iterator()
        for number, said in json.loads(unseal(bytes(sealed), context=context(pk)))
        if number in wanted
    }
