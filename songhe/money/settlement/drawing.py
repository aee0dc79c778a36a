"""Drawing one provider's month in the database itself; Python only makes the seals.

The visits due are priced into a temporary table, their facts are sealed in a stream, and one statement inserts the
lines: row-level security takes rows by INSERT only, and a million rows do not pass through Python as objects.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from songhe.care.visits.flow import VisitState
from songhe.core.calendar.services import month_of, now
from songhe.core.scope.services import Scope, use
from songhe.money.settlement.signing import SIGNED, Signer, facts_sql

ROWS_AT_A_TIME = 20_000

# OFFSET 0 keeps the planner from hashing all lines ever drawn for each provider; it looks each visit up instead.
_DUE = """
    FROM visits_visit v
    WHERE v.provider_id = {provider} AND v.state = %(verified)s AND v.verified_at < %(until)s AND v.credit_fen > 0
      AND NOT EXISTS (
          SELECT 1 FROM settlement_statementline l WHERE l.visit_id = v.id AND l.voided_at IS NULL OFFSET 0
      )
"""

# The narrowest contract that reaches the visit's community on its day gives the price.
_PRICE = """
    SELECT p.id, p.contract_id, p.price_fen, p.area_id
    FROM contracts_contractprice p JOIN areas_area reach ON reach.code = p.area_id
    WHERE p.provider_id = v.provider_id AND p.service_id = v.service_id AND p.validity @> v.served_on
      AND reach.code <= v.area_id AND v.area_id < reach.upper
    ORDER BY reach.code DESC, reach.upper, p.id LIMIT 1
"""

_VISITS = f"""
    CREATE TEMP TABLE drawn_visits ON COMMIT DROP AS
    SELECT gen_random_uuid() AS id, v.id AS visit_id, v.order_id, v.elder_id, v.area_id, v.provider_id, v.service_id,
           v.staff_id, v.served_on, v.verified_at, v.minutes, v.price_fen, v.credit_fen, v.own_fen, a.fund_id,
           price.price_fen AS contract_price_fen, least(v.credit_fen, price.price_fen) AS payable_fen,
           price.contract_id, price.id AS contract_price_id, price.area_id AS contract_area_id
    FROM (
        SELECT v.*, (v.check_in_at AT TIME ZONE %(zone)s)::date AS served_on {_DUE.format(provider="%(provider)s")}
    ) v
    JOIN orders_order o ON o.id = v.order_id
    JOIN policy_credit c ON c.id = o.credit_id
    JOIN ledger_account a ON a.id = c.account_id
    LEFT JOIN LATERAL ({_PRICE}) price ON true
"""  # noqa: S608
_AREAS = "SELECT contract_area_id, count(*) FROM drawn_visits GROUP BY contract_area_id ORDER BY contract_area_id"
_PLACED = """
    FROM drawn_visits d JOIN unnest(%(areas)s::bigint[], %(statements)s::uuid[]) AS s (area_id, statement_id)
    ON s.area_id = d.contract_area_id
"""
_FROM = {name: f"d.{name}" for name in SIGNED} | {"statement_id": "s.statement_id"}
_FACTS = f"SELECT d.id, {facts_sql(_FROM)} {_PLACED}"
_SEALS = "CREATE TEMP TABLE drawn_seals (id uuid, signature bytea) ON COMMIT DROP"
_LINES = f"""
    INSERT INTO settlement_statementline
        (id, version, created_at, signature, dispute, answer, {", ".join(SIGNED)})
    SELECT d.id, 1, %(now)s, seal.signature, '', '', {", ".join(_FROM.values())} {_PLACED}
    JOIN drawn_seals seal ON seal.id = d.id
"""

_UNPRICED = f"""
    SELECT p.name, s.name, count(*)
    FROM (
        SELECT v.*, (v.check_in_at AT TIME ZONE %(zone)s)::date AS served_on {_DUE.format(provider="v.provider_id")}
    ) v
    JOIN providers_provider p ON p.id = v.provider_id
    JOIN catalogue_service s ON s.id = v.service_id
    WHERE NOT EXISTS ({_PRICE})
    GROUP BY p.name, s.name ORDER BY count(*) DESC, p.name, s.name LIMIT %(most)s
"""  # noqa: S608


class Lines(NamedTuple):
    """How many lines were drawn, and how many visits were left because no contract prices them."""

    drawn: int
    unpriced: int


def _parameters(month: date, provider_id: UUID | None = None) -> dict[str, Any]:
    _first, next_first = month_of(month)
    return {
        "provider": provider_id,
        "verified": VisitState.VERIFIED,
        "until": timezone.make_aware(datetime.combine(next_first, time())),
        "zone": settings.TIME_ZONE,
    }


def providers_due(month: date) -> list[UUID]:
    """Return the providers with visits verified by the end of a month that are on no statement."""
    due = _DUE.format(provider="p.id")
    sql = f"SELECT p.id FROM providers_provider p WHERE EXISTS (SELECT 1 {due}) ORDER BY p.id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, _parameters(month))
        return [provider_id for (provider_id,) in cursor.fetchall()]


def unpriced(month: date, *, most: int = 50) -> list[tuple[str, str, int]]:
    """Return the verified visits up to a month that no contract prices: provider, service, how many."""
    with use(Scope.system()), connection.cursor() as cursor:
        cursor.execute(_UNPRICED, {**_parameters(month), "most": most})
        return list(cursor.fetchall())


def draw_lines(month: date, provider_id: UUID, statement_for: Callable[[int], UUID | None]) -> Lines:
    """Draw the lines of a provider's visits due; ``statement_for`` says where those of a contract's division go.

    Visits of a division without a statement (None) wait. Runs in the caller's transaction, under the system's scope.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS drawn_visits, drawn_seals")
        cursor.execute(_VISITS, _parameters(month, provider_id))
        cursor.execute(_AREAS)
        counts = dict(cursor.fetchall())
        placed = {area: statement for area in counts if area and (statement := statement_for(area))}
        if placed:
            parameters: dict[str, Any] = {"areas": list(placed), "statements": list(placed.values()), "now": now()}
            _seal(parameters)
            cursor.execute(_LINES, parameters)
    return Lines(sum(counts[area] for area in placed), counts.get(None, 0))


def _seal(parameters: dict[str, Any]) -> None:
    signer = Signer()
    with connection.cursor() as cursor, connection.chunked_cursor() as facts:
        cursor.execute(_SEALS)
        facts.execute(_FACTS, parameters)
        while rows := facts.fetchmany(ROWS_AT_A_TIME):
            with cursor.copy("COPY drawn_seals (id, signature) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["uuid", "bytea"])
                for line_id, text in rows:
                    copy.write_row((line_id, signer.sign(text)))


def broken_seals(statement_id: UUID | None = None) -> list[tuple[UUID, date]]:
    """Return the lines, of one statement or of all, that are no longer what was sealed: id and day of service."""
    signer, broken = Signer(), []
    where = "WHERE statement_id = %s" if statement_id else ""
    sql = f"SELECT id, served_on, signature, {facts_sql({})} FROM settlement_statementline {where}"  # noqa: S608
    with use(Scope.system()), connection.chunked_cursor() as cursor:
        cursor.execute(sql, [statement_id] if statement_id else [])
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            broken += [(line, day) for line, day, seal, text in rows if not signer.holds(text, seal)]
    return broken
