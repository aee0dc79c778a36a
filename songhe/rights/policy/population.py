"""Asking policies about a whole population: each answer a column, as the interpreter would say it person by person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from songhe.core.errors import Refused
from songhe.packs.policies import ALLOWED, ENTITLED, MAY, PARAMETERS, REASON, amount_of, figures, read_model
from songhe.rights.policy.rules import Rulebook

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from songhe.engines.policy import Model

MEMORY = "1GB"
THREADS = 2
ROLL = "roll"


def fen_of(policy: UUID) -> str:
    """Return the name of the column that says what a policy gives a month, in fen; 0 where nothing."""
    return f"fen:{policy}"


def reason_of(policy: UUID) -> str:
    """Return the name of the column that says why."""
    return f"why:{policy}"


def _yes(policy: UUID) -> str:
    return f"yes:{policy}"


def answered(
    rulebook: Rulebook, policies: Sequence[UUID], people: pl.DataFrame, *, reasons: bool = False
) -> pl.DataFrame:
    """Return the people, a row each, with a column ``fen_of(policy)`` for each policy, and ``reason_of`` if wanted.

    Raises:
        Refused: a policy has something that columns cannot compute, or a number outgrows its column; it is named.
    """
    import duckdb

    from songhe.engines.policy import PolicyError

    asked = rulebook.concerned(policies)
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET threads = {THREADS}")
        connection.register(ROLL, people.to_arrow())
        try:
            relation = ROLL
            for pk in asked:
                relation = _asked(connection, relation, rulebook, pk, reasons and pk in policies)
            if rulebook.coordination is not None:
                relation = _settled(connection, relation, rulebook, asked, policies if reasons else ())
            columns = [*people.columns, *(fen_of(pk) for pk in policies)]
            columns += [reason_of(pk) for pk in policies if reasons]
            answers: pl.DataFrame = connection.sql(f"SELECT {_names(columns)} FROM {_name(relation)}").pl()  # noqa: S608 – all quoted
            return answers
        except (PolicyError, duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            raise Refused(f"不能对全部在册老人测算：{error}") from error


def _asked(connection: duckdb.DuckDBPyConnection, relation: str, rulebook: Rulebook, pk: UUID, reasons: bool) -> str:
    """Make a view with what one policy says by itself."""
    version = rulebook.versions[pk]
    model = read_model(version.model_xml)
    amount = amount_of(model)
    wanted = [name for name in (ENTITLED, amount, REASON) if name in model.decisions and (reasons or name != REASON)]
    sql, kept = _computed(connection, relation, model, figures(version.parameters, rulebook.on), wanted)
    entitled = f"COALESCE({_name(ENTITLED)}, false)" if ENTITLED in wanted else "false"
    fen = f"COALESCE(CAST(trunc({_name(amount)}) AS BIGINT), 0)" if amount in wanted else "0"
    added = [(_yes(pk), entitled), (fen_of(pk), f"CASE WHEN {entitled} THEN {fen} ELSE 0 END")]
    if reasons:
        added.append((reason_of(pk), f"COALESCE({_name(REASON)}, '')" if REASON in wanted else "''"))
    return _viewed(connection, f"said:{pk}", f"SELECT {_names(kept)}, {_aliased(added)} FROM ({sql})")  # noqa: S608


def _settled(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rulebook: Rulebook,
    asked: list[UUID],
    explained: Sequence[UUID],
) -> str:
    """Make a view in which benefits that the rules between them take away are gone."""
    between = rulebook.coordination
    assert between is not None
    model = read_model(between.model_xml)
    settles = {pk: f"{MAY}{rulebook.versions[pk].policy.name}" for pk in asked if rulebook.coordinates(pk)}
    if not settles:
        return relation
    weights = [
        (
            rulebook.versions[pk].policy.name,
            f"CASE WHEN NOT {_name(_yes(pk))} THEN 0 WHEN {_name(fen_of(pk))} = 0 THEN 1 ELSE {_name(fen_of(pk))} END",
        )
        for pk in asked
    ]
    weighed = _viewed(connection, "weighed", f"SELECT *, {_aliased(weights)} FROM {_name(relation)}")  # noqa: S608
    sql, kept = _computed(
        connection, weighed, model, figures(between.parameters, rulebook.on), list(dict.fromkeys(settles.values()))
    )
    replaced = {}
    for pk, answer in settles.items():
        stays = f"COALESCE({_name(answer)} = '{ALLOWED}', false)"
        replaced[fen_of(pk)] = f"CASE WHEN {stays} THEN {_name(fen_of(pk))} ELSE 0 END"
        if pk in explained:
            own = f"NOT {_name(_yes(pk))} OR {stays}"
            replaced[reason_of(pk)] = (
                f"CASE WHEN {own} THEN {_name(reason_of(pk))} ELSE COALESCE({_name(answer)}, '') END"
            )
    columns = _aliased([(name, replaced.get(name, _name(name))) for name in kept])
    return _viewed(connection, "settled", f"SELECT {columns} FROM ({sql})")  # noqa: S608


def _computed(
    connection: duckdb.DuckDBPyConnection, relation: str, model: Model, parameters: object, wanted: list[str]
) -> tuple[str, list[str]]:
    """Return a SELECT that adds a model's decisions to a relation, and the relation's own columns."""
    from songhe.engines.policy.columns import columns_of, compile_model

    schema = columns_of(connection, relation)
    compiled = compile_model(model, {PARAMETERS: parameters}, tuple(wanted))
    return compiled.sql("duckdb", relation, schema), list(schema)


def _viewed(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> str:
    connection.execute(f"CREATE VIEW {_name(name)} AS {sql}")
    return name


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names))


def _aliased(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{expression} AS {_name(name)}" for name, expression in columns)
