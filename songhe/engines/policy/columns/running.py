"""Compiling a model once, and running it over files and relations."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from songhe.engines.policy.columns.plan import Answer, Plan, build
from songhe.engines.policy.errors import PolicyError
from songhe.engines.policy.model import LIST, Model
from songhe.engines.policy.temporal import Months

BACKENDS = ("duckdb", "postgres", "pyspark")
POPULATION = "population"
_DECLARED: dict[str, dt.DataType] = {
    "string": dt.string,
    "boolean": dt.boolean,
    "date": dt.date,
    "dateTime": dt.timestamp,
    LIST: dt.Array(dt.string),
}
# Ibis keeps this choice for the whole process; only the writing of one statement may hold it.
_WRITING = threading.Lock()


@contextmanager
def _steps_kept_apart() -> Iterator[None]:
    """Have each step written as a query of its own: fused, what is shared would be computed once for each use."""
    with _WRITING:
        before = ibis.options.sql.fuse_selects
        ibis.options.sql.fuse_selects = False
        try:
            yield
        finally:
            ibis.options.sql.fuse_selects = before


@dataclass
class Compiled:
    """A model that columns can compute, with what is the same for everybody."""

    model: Model
    constants: Mapping[str, Any]
    decisions: tuple[str, ...]
    _plans: dict[Any, Plan] = field(default_factory=dict)

    def over(self, population: ir.Table, backend: str = "duckdb") -> Plan:
        """Return the model's answers as an Ibis expression over a population."""
        key = (backend, population.get_name(), population.schema())
        if key not in self._plans:
            self._plans[key] = build(self.model, population, self.constants, self.decisions, backend)
        return self._plans[key]

    def plan(self, schema: Mapping[str, Any], relation: str = POPULATION, backend: str = "duckdb") -> Plan:
        """Return the answers over a relation of that name and those column types (``int64``, ``decimal(12, 2)`` …)."""
        return self.over(ibis.table(dict(schema), name=relation), backend)

    def sql(
        self, backend: str, relation: str, schema: Mapping[str, Any], columns: tuple[str, ...] | None = None
    ) -> str:
        """Return one SELECT over a relation: its columns (or those named) and every answer's."""
        plan = self.plan(schema, relation, backend)
        shown = self.shown(plan, schema if columns is None else columns)
        with _steps_kept_apart():
            return str(ibis.to_sql(plan.table.select(*shown), dialect=backend))

    def shown(self, plan: Plan, columns: Iterable[str]) -> list[str]:
        """Return the names of a result's columns: these of the population's, and every answer's."""
        return list(dict.fromkeys([*columns, *_answer_columns(plan)]))

    def run_duckdb(self, connection: duckdb.DuckDBPyConnection, relation: str) -> duckdb.DuckDBPyRelation:
        """Return the answers over a table or view of a DuckDB connection, not yet computed."""
        schema = columns_of(connection, relation)
        return connection.sql(self.sql("duckdb", relation, schema))

    def run_parquet(self, source: Path, target: Path, memory: str = "1GB", threads: int | None = None) -> int:
        """Write the answers for a parquet file's people to another, a batch at a time; return how many there are.

        Raises:
            PolicyError: a column is of a type that no input can have, or a number outgrew its column.
        """
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit = '{memory}'")
            connection.execute("SET preserve_insertion_order = false")
            if threads:
                connection.execute(f"SET threads = {threads}")
            connection.read_parquet(str(source)).create_view(POPULATION)
            sql = self.sql("duckdb", POPULATION, columns_of(connection, POPULATION))
            try:
                written = connection.execute(f"COPY ({sql}) TO {quoted(target)} (FORMAT parquet)").fetchone()
            except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
                raise PolicyError(f"有数字超出了列的范围：{error}") from error
            return int(written[0]) if written else 0

    def answers(self, plan: Plan, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the decisions of one row of a result as the interpreter's values."""
        return {name: _answer(answer, row) for name, answer in plan.answers.items()}


def compile_model(
    model: Model, constants: Mapping[str, Any] | None = None, decisions: tuple[str, ...] = ()
) -> Compiled:
    """Return a model ready for populations, tried on columns of the types it declares.

    Raises:
        NotColumnar: a construct that columns cannot compute; decision, place and reason are named.
    """
    compiled = Compiled(model, dict(constants or {}), decisions)
    compiled.plan({n: _DECLARED.get(t, dt.int64) for n, t in model.inputs.items() if n not in compiled.constants})
    return compiled


def _answer(answer: Answer, row: Mapping[str, Any]) -> Any:
    found = {key: _value(row[column], kind) for key, (column, kind) in answer.columns.items()}
    if set(found) == {""}:
        return found[""]
    if any(isinstance(value, list) for value in found.values()):
        keys = list(found)
        rows = [dict(zip(keys, values, strict=True)) for values in zip(*found.values(), strict=True)]
        return rows or None
    return found if any(value is not None for value in found.values()) else None


def _value(value: Any, kind: str) -> Any:
    if kind.startswith("list "):
        return [_value(item, kind.removeprefix("list ")) for item in value] or None if value is not None else None
    if value is None or kind == "null":
        return None
    match kind:
        case "number":
            return Decimal(value)
        case "months":
            return Months(int(value))
        case "days":
            return timedelta(days=int(value))
        case "boolean":
            return bool(value)
    return value


def _answer_columns(plan: Plan) -> Iterator[str]:
    for answer in plan.answers.values():
        yield from (column for column, _kind in answer.columns.values())
        if answer.rules:
            yield answer.rules


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, dt.DataType]:
    """Return the columns of a DuckDB table or view with their types."""
    from ibis.backends.sql.datatypes import DuckDBType

    described = connection.execute(f'DESCRIBE "{relation}"').fetchall()
    return {name: DuckDBType.from_string(type_) for name, type_, *_rest in described}


def quoted(path: Path) -> str:
    """Return a path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
