"""Asking policies about a whole population: each answer a column, as the interpreter would say it person by person.

Whoever shares all facts that the policies ask for shares the answers, so each distinct set of facts is asked once.
"""

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
_KEY = "facts key"
_BETWEEN = "|"


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
    asked = rulebook.concerned(policies)
    keyed, facts = _distinct(people, _asked_for(rulebook, asked, people.columns))
    said = _said(rulebook, policies, asked, facts, reasons)
    return keyed.join(said, on=_KEY, how="left").drop(_KEY)


def _asked_for(rulebook: Rulebook, asked: Sequence[UUID], columns: list[str]) -> list[str]:
    """Return the facts, of those at hand, that the policies ask for, and the rules between them."""
    versions = [rulebook.versions[pk] for pk in asked]
    if rulebook.coordination is not None:
        versions.append(rulebook.coordination)
    inputs = {name for version in versions for name in read_model(version.model_xml).inputs}
    return [name for name in columns if name in inputs]


def _distinct(people: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the people with a key, and one row for each key with its facts."""
    import polars as pl

    if not names:
        keyed = people.with_columns(pl.lit(0, dtype=pl.UInt32).alias(_KEY))
        return keyed, keyed.select(_KEY).head(1)
    # Lists are compared as texts, which is a great deal faster.
    lists = [name for name in names if people.schema[name] == pl.List(pl.String)]
    texts = people.select(
        *(name for name in names if name not in lists), *(pl.col(name).list.join(_BETWEEN) for name in lists)
    )
    keys = texts.unique(maintain_order=False).with_row_index(_KEY)
    key = texts.join(keys, on=names, how="left", nulls_equal=True, maintain_order="left")[_KEY]
    keyed = people.with_columns(key)
    return keyed, keyed.unique(_KEY, maintain_order=False).select(*names, _KEY)


def _said(
    rulebook: Rulebook, policies: Sequence[UUID], asked: list[UUID], facts: pl.DataFrame, reasons: bool
) -> pl.DataFrame:
    """Return the key of each set of facts with the answers of the policies asked for."""
    import duckdb

    from songhe.engines.policy import PolicyError

    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET threads = {THREADS}")
        connection.register(ROLL, facts.to_arrow())
        try:
            relation = ROLL
            for pk in asked:
                relation = _asked(connection, relation, rulebook, pk, reasons and pk in policies)
            if rulebook.coordination is not None:
                relation = _settled(connection, relation, rulebook, asked, policies if reasons else ())
            columns = [_KEY, *(fen_of(pk) for pk in policies)]
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
