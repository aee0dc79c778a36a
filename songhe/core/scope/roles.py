"""How the rows of a table are shared out among the kinds of people who may see them."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["area", "inspect", "provider", "person", "system"]

KINDS: tuple[Kind, ...] = ("area", "inspect", "provider", "person", "system")

HERE_OR_ABOVE = (
    "({area} OR EXISTS (SELECT 1 FROM areas_area above WHERE above.code = area_id "
    "AND above.code <= {lo} AND above.upper >= {hi}))"
)
"""An ``area_sql`` for rows that staff also read of the divisions above theirs: a county draws on its city's budget."""


@dataclass(frozen=True)
class RowScope:
    """Who sees a table's rows; every model of ours declares one as ``row_scope``.

    ``area``, ``provider`` and ``elder`` name the columns that hold a division code, a provider's id and an elder's id;
    each kind of person sees the rows whose column lies in their scope, and none when the column is not named.
    ``via`` names a foreign key: rows are seen by whoever sees the row it points to.
    ``shared`` rows (lists, norms, prices) are read by every kind that no named column bounds.
    ``own`` names the column that holds an account: rows are seen and written by that account alone, whatever its kind.
    ``lent_sql`` is a test of ``own`` rows that others may read too; ``{account}`` stands for who looks.
    ``area_sql``, ``provider_sql`` and ``person_sql`` replace the column test of that kind where it takes more: the
    parameters ``{area}`` (the column test itself), ``{lo}``, ``{hi}``, ``{provider}`` and ``{persons}`` stand for the
    scope's own values.
    ``writers`` may insert and update, ``deleters`` may delete; the system always may, save on ``append_only`` tables.
    ``reporters`` may insert only (a call noted by an inspector, a complaint by a family).
    """

    area: str | None = None
    provider: str | None = None
    elder: str | None = None
    via: str | None = None
    shared: bool = False
    own: str | None = None
    lent_sql: str | None = None
    area_sql: str | None = None
    provider_sql: str | None = None
    person_sql: str | None = None
    writers: tuple[Kind, ...] = ("area",)
    reporters: tuple[Kind, ...] = ()
    deleters: tuple[Kind, ...] = ()
    append_only: bool = False
    hidden_from: tuple[Kind, ...] = field(default=())
