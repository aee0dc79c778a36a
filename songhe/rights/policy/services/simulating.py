"""Trying a version on everybody before it is decreed: what it costs, who gains and who loses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import now
from songhe.core.events.services import defer
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.models import AbilityLevel, DifficultyKind
from songhe.registers.elders.selectors import facts_frame
from songhe.registers.funds.selectors import budget_line_for, status_of
from songhe.rights.policy.models import PolicyVersion, SimulatedChange, Simulation
from songhe.rights.policy.population import answers, asked_of, distinct
from songhe.rights.policy.selectors import rulebook_on

if TYPE_CHECKING:
    import polars as pl

MONTHS = 12
BATCH = 5000
AGE_BANDS = ((0, 59, "不满60岁"), (60, 69, "60–69岁"), (70, 79, "70–79岁"), (80, 89, "80–89岁"), (90, 200, "90岁以上"))
UNKNOWN = "未评估"
NO_KIND = "无困难类别"

Progress = Callable[[int, str], None]


@transaction.atomic
def ask_simulation(*, policy_version: PolicyVersion, area: Area, on: date, user: User | None) -> Simulation:
    """Queue a simulation of a version on an area's roll as of a day, and return it."""
    from songhe.rights.policy.jobs import run_simulation

    simulation = save(
        Simulation(policy_version=policy_version, digest=policy_version.digest, on=on, area=area, asked_by=user)
    )
    simulation.job = defer(run_simulation, simulation_id=simulation.pk)
    return save(simulation)


def simulate(*, simulation_id: UUID) -> None:
    """Carry a simulation out, in transactions of its own so that its progress is seen; running it again starts anew."""

    def report(percent: int, stage: str) -> None:
        with use(Scope.system()):
            Simulation.objects.filter(pk=simulation_id).update(progress=min(percent, 99), stage=stage)

    report(2, "读取档案快照")
    with use(Scope.system()):
        simulation = Simulation.objects.select_related("policy_version__policy", "area").get(pk=simulation_id)
        frame = facts_frame(simulation.area, simulation.on)
    people = _tried(simulation, frame, report)
    report(85, "汇总")
    with use(Scope.system()):
        results = _results(simulation, people)
        SimulatedChange.objects.filter(simulation=simulation).delete()
        SimulatedChange.objects.bulk_create(_changes(simulation, people), batch_size=BATCH)
        Simulation.objects.filter(pk=simulation_id).update(
            results=results, progress=100, stage="完成", finished_at=now(), failure=""
        )


def _tried(simulation: Simulation, frame: pl.DataFrame, report: Progress) -> pl.DataFrame:
    """Return the people with what they get a month, in fen: by the law in force (``was``), by the version (``now``)."""
    import polars as pl

    version = simulation.policy_version
    with use(Scope.system()):
        law = rulebook_on(simulation.on)
        draft = rulebook_on(simulation.on, instead=version)
    pk = version.policy_id
    names = list(dict.fromkeys(asked_of(draft, [pk], frame.columns)))
    if pk in law.versions:
        names = [name for name in frame.columns if name in {*names, *asked_of(law, [pk], frame.columns)}]
    keyed, facts = distinct(frame, names)
    now_fen = [
        answer.fen
        for answer in answers(draft, [pk], facts, names, lambda percent: report(5 + percent * 45 // 100, "按草案认定"))[
            pk
        ]
    ]
    was_fen = [0] * len(facts)
    if pk in law.versions:
        said = answers(law, [pk], facts, names, lambda percent: report(50 + percent * 35 // 100, "按现行政策认定"))
        was_fen = [answer.fen for answer in said[pk]]
    amounts = pl.DataFrame(
        {"facts_key": facts["facts_key"], "was": was_fen, "now": now_fen},
        schema_overrides={"was": pl.Int64, "now": pl.Int64},
    )
    return keyed.join(amounts, on="facts_key", how="left")


def _results(simulation: Simulation, people: pl.DataFrame) -> dict[str, Any]:
    import polars as pl

    bands = pl.coalesce(
        *(pl.when(pl.col("年龄").is_between(low, high)).then(pl.lit(label)) for low, high, label in AGE_BANDS)
    )
    levels = pl.col("能力等级").cast(pl.Int64).replace_strict(dict(AbilityLevel.choices), default=UNKNOWN)
    kinds = dict(DifficultyKind.choices)
    by_kind = people.with_columns(pl.col("困难类别").list.eval(pl.element().replace_strict(kinds, default=None)))
    by_kind = by_kind.explode("困难类别").with_columns(pl.col("困难类别").fill_null(NO_KIND))
    below = _below(simulation.area)
    span = below[0].upper - below[0].code if below else 1
    areas = {area.code // span: area.name for area in below}
    part = (pl.col("居住区划") // span).replace_strict(areas, default="其他", return_dtype=pl.String)
    order = [label for _low, _high, label in AGE_BANDS]
    return {
        "total": _sums(people),
        "by_area": _groups(people, part, list(areas.values())),
        "by_kind": _groups(by_kind, pl.col("困难类别"), [*kinds.values(), NO_KIND]),
        "by_age": _groups(people, bands, order),
        "by_level": _groups(people, levels, [*(str(label) for label in AbilityLevel.labels), UNKNOWN]),
        "budget": _budget(simulation),
    }


def _below(area: Area) -> list[Area]:
    return list(Area.objects.filter(parent=area, statistical_only=False).order_by("code")) or [area]


def _measures() -> list[pl.Expr]:
    import polars as pl

    difference = pl.col("now") - pl.col("was")
    return [
        pl.len().alias("people"),
        (pl.col("was") > 0).sum().alias("was_people"),
        (pl.col("now") > 0).sum().alias("now_people"),
        pl.col("was").sum().alias("was_fen"),
        pl.col("now").sum().alias("now_fen"),
        (difference > 0).sum().alias("winners"),
        (difference < 0).sum().alias("losers"),
    ]


def _sums(people: pl.DataFrame) -> dict[str, int]:
    row = people.select(_measures()).row(0, named=True)
    return {name: int(value or 0) for name, value in row.items()}


def _groups(people: pl.DataFrame, by: pl.Expr, order: list[str]) -> list[dict[str, Any]]:
    rows = people.group_by(by.alias("label")).agg(_measures()).to_dicts()
    place = {label: number for number, label in enumerate(order)}
    return sorted(rows, key=lambda row: place.get(row["label"], len(place)))


def _budget(simulation: Simulation) -> dict[str, Any] | None:
    policy = simulation.policy_version.policy
    line = budget_line_for(purpose=policy.budget_purpose, area=policy.area_id, on=simulation.on)
    if line is None:
        return None
    status = status_of([line])[0]
    return {"name": str(line), "planned_fen": status.planned, "free_fen": status.free, "year": line.year}


def _changes(simulation: Simulation, people: pl.DataFrame) -> list[SimulatedChange]:
    import polars as pl

    changed = people.filter(pl.col("was") != pl.col("now")).select("elder_id", "居住区划", "was", "now")
    return [
        SimulatedChange(simulation=simulation, elder_id=UUID(elder), area_id=area, was_fen=was, now_fen=now_fen)
        for elder, area, was, now_fen in changed.iter_rows()
    ]
