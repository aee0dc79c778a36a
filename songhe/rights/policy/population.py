"""Asking policies about a whole population: each distinct set of facts once, however many people share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from songhe.packs.policies import read_model
from songhe.rights.policy.rules import Rulebook

if TYPE_CHECKING:
    import polars as pl

KINDS = "困难类别"
BETWEEN = "|"
# Facts that differ from person to person and that no model has asked about would leave no two people alike.
_KEY = "facts_key"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Answer:
    """What a policy says of a set of facts: whether, how much a month in fen, why."""

    entitled: bool
    fen: int
    reason: str


def asked_of(rulebook: Rulebook, policies: list[UUID], columns: list[str]) -> list[str]:
    """Return the facts, of those at hand, that the policies (and those they are weighed against) ask for."""
    weighed = any(rulebook.coordinates(pk) for pk in policies)
    versions = list(rulebook.versions.values()) if weighed else [rulebook.versions[pk] for pk in policies]
    if weighed and rulebook.coordination is not None:
        versions.append(rulebook.coordination)
    inputs = {name for version in versions for name in read_model(version.model_xml).inputs}
    return [name for name in columns if name in inputs]


def distinct(frame: pl.DataFrame, names: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the frame with a column ``facts_key``, and one row for each key with its facts."""
    import polars as pl

    plain = frame.with_columns(pl.col(KINDS).list.sort().list.join(BETWEEN).alias("kinds_text"))
    by = ["kinds_text" if name == KINDS else name for name in names]
    if not by:
        return plain.with_columns(pl.lit(0, dtype=pl.UInt32).alias(_KEY)), plain.head(1).with_columns(
            pl.lit(0, dtype=pl.UInt32).alias(_KEY)
        )
    keyed = plain.with_columns((pl.struct(by).rank("dense") - 1).cast(pl.UInt32).alias(_KEY))
    return keyed, keyed.unique(_KEY, maintain_order=False).sort(_KEY)


def answers(
    rulebook: Rulebook, policies: list[UUID], facts: pl.DataFrame, names: list[str], progress: Progress | None = None
) -> dict[UUID, list[Answer]]:
    """Return each policy's answer to every row of distinct facts, in the rows' order."""
    found: dict[UUID, list[Answer]] = {pk: [] for pk in policies}
    total = len(facts)
    for number, row in enumerate(_rows(facts, names)):
        judged = rulebook.judge(row, *policies)
        for pk in policies:
            judgement = judged[pk]
            found[pk].append(Answer(judgement.entitled, judgement.monthly_fen, judgement.reason))
        if progress and number % 500 == 0:
            progress(100 * number // max(total, 1))
    return found


def _rows(facts: pl.DataFrame, names: list[str]) -> Iterator[dict[str, Any]]:
    for row in facts.iter_rows(named=True):
        yield {name: row[name] for name in names}
