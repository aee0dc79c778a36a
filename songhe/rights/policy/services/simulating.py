"""Trying a version on everybody before it is decreed: what it costs, who gains and who loses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.events.services import defer
from songhe.core.ids import uuid7
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.core.scope.services import Scope, use
from songhe.registers.elders.models import AbilityLevel, DifficultyKind
from songhe.registers.elders.selectors import facts_frame
from songhe.registers.funds.selectors import budget_line_for, status_of
from songhe.rights.policy.models import Policy, PolicyVersion, SimulatedChange, Simulation
from songhe.rights.policy.population import answered, fen_of
from songhe.rights.policy.rules import Rulebook
from songhe.rights.policy.selectors import rulebook_on

if TYPE_CHECKING:
    import polars as pl

MONTHS = 12
YEARS = 3
BATCH = 20_000
# More different changes than this are no table that anybody reads.
CHANGES_SHOWN = 100
AGE_BANDS = ((0, 59, "不满60岁"), (60, 69, "60–69岁"), (70, 79, "70–79岁"), (80, 89, "80–89岁"), (90, 200, "90岁以上"))
UNKNOWN = "未评估"
NO_KIND = "无困难类别"

Progress = Callable[[int, str], None]


class Stopped(Exception):
    """Somebody stopped the simulation while it ran."""


@transaction.atomic
def ask_simulation(*, policy_version: PolicyVersion, area: Area, on: date, user: User | None) -> Simulation:
    """Queue a simulation of a version on an area's roll as of a day, and return it."""
    from songhe.rights.policy.jobs import run_simulation

    simulation = save(
        Simulation(policy_version=policy_version, digest=policy_version.digest, on=on, area=area, asked_by=user)
    )
    simulation.job = defer(run_simulation, simulation_id=simulation.pk)
    return save(simulation)


@transaction.atomic
def stop_simulation(*, simulation: Simulation) -> Simulation:
    """Stop a simulation that waits or runs; what it found so far is thrown away.

    Raises:
        Refused: it is over already.
    """
    row = locked(Simulation.objects.filter(pk=simulation.pk))
    if row.is_over:
        raise Refused(f"测算已经{row.stage}，不能停止。")
    row.stopped_at, row.stage = now(), "已停止"
    return save(row)


def simulate(*, simulation_id: UUID) -> None:
    """Carry a simulation out, in transactions of its own so that its progress is seen.

    One that was cut short starts anew; one that is finished or was stopped stays as it is.
    """
    with use(Scope.system()):
        if Simulation.objects.get(pk=simulation_id).is_over:
            return

    def report(percent: int, stage: str) -> None:
        with use(Scope.system()):
            going = Simulation.objects.filter(pk=simulation_id, stopped_at__isnull=True)
            if not going.update(progress=min(percent, 99), stage=stage):
                raise Stopped

    try:
        _simulate(simulation_id, report)
    except Stopped:
        _forget_changes(simulation_id)


def _simulate(simulation_id: UUID, report: Progress) -> None:
    report(2, "读取档案快照")
    with use(Scope.system()):
        simulation = Simulation.objects.select_related("policy_version__policy", "area").get(pk=simulation_id)
        frame = facts_frame(simulation.area, simulation.on)
    people, others = _tried(simulation, frame, report)
    report(70, "汇总")
    with use(Scope.system()):
        results = _results(simulation, people) | {"others": others}
    _forget_changes(simulation_id)
    _keep_changes(simulation, people, lambda done: report(75 + 24 * done // 100, "记录增减人员"))
    with use(Scope.system()):
        finished = Simulation.objects.filter(pk=simulation_id, stopped_at__isnull=True)
        if not finished.update(results=results, progress=100, stage="完成", finished_at=now(), failure=""):
            raise Stopped


def _tried(simulation: Simulation, frame: pl.DataFrame, report: Progress) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Return the people with what they get a month, in fen: by the law in force (``was``), by the version (``now``);
    and what becomes of other benefits that the rules between them set against this one.
    """
    version = simulation.policy_version
    with use(Scope.system()):
        law = rulebook_on(simulation.on)
        draft = rulebook_on(simulation.on, instead=version)
    pk = version.policy_id
    touched = [other for other in draft.concerned([pk]) if draft.versions[other].policy.form != Policy.Form.SERVICE]
    report(30, "按草案认定")
    people = _renamed(answered(draft, touched, frame), touched, "now")
    report(50, "按现行政策认定")
    before = [other for other in touched if other in law.versions]
    people = _renamed(answered(law, before, people), before, "was")
    return _with_own(people, pk), _others(people, [other for other in before if other != pk], draft)


def _renamed(people: pl.DataFrame, policies: list[UUID], when: str) -> pl.DataFrame:
    return people.rename({fen_of(pk): f"{when}:{pk}" for pk in policies})


def _with_own(people: pl.DataFrame, pk: UUID) -> pl.DataFrame:
    import polars as pl

    was = pl.col(f"was:{pk}") if f"was:{pk}" in people.columns else pl.lit(0, dtype=pl.Int64)
    return people.with_columns(was.alias("was"), pl.col(f"now:{pk}").alias("now"))


def _others(people: pl.DataFrame, policies: list[UUID], rulebook: Rulebook) -> list[dict[str, Any]]:
    """Return the sums of the other benefits that would change."""
    import polars as pl

    found = []
    for pk in policies:
        sums = _sums(people.with_columns(pl.col(f"was:{pk}").alias("was"), pl.col(f"now:{pk}").alias("now")))
        if sums["winners"] or sums["losers"]:
            found.append({"label": rulebook.versions[pk].policy.name, **sums})
    return found


def _results(simulation: Simulation, people: pl.DataFrame) -> dict[str, Any]:
    import polars as pl

    bands = pl.coalesce(
        *(pl.when(pl.col("年龄").is_between(low, high)).then(pl.lit(label)) for low, high, label in AGE_BANDS)
    )
    levels = pl.col("能力等级").cast(pl.Int64).replace_strict(dict(AbilityLevel.choices), default=UNKNOWN)
    kinds = dict(DifficultyKind.choices)
    by_kind = people.with_columns(pl.col("困难类别").list.eval(pl.element().replace_strict(kinds, default=None)))
    by_kind = by_kind.explode("困难类别", empty_as_null=True).with_columns(pl.col("困难类别").fill_null(NO_KIND))
    below = _below(simulation.area)
    span = below[0].upper - below[0].code if below else 1
    areas = {area.code // span: area.name for area in below}
    part = (pl.col("居住区划") // span).replace_strict(areas, default="其他", return_dtype=pl.String)
    order = [label for _low, _high, label in AGE_BANDS]
    total = _sums(people)
    return {
        "total": total,
        "by_year": _years(simulation, total),
        "by_area": _groups(people, part, list(areas.values())),
        "by_kind": _groups(by_kind, pl.col("困难类别"), [*kinds.values(), NO_KIND]),
        "by_age": _groups(people, bands, order),
        "by_level": _groups(people, levels, [*(str(label) for label in AbilityLevel.labels), UNKNOWN]),
        "by_change": _by_change(people),
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


def _years(simulation: Simulation, total: dict[str, int]) -> list[dict[str, int]]:
    """Return what the law of today and the version cost in the version's first years, on the roll as it is."""
    first = max(simulation.policy_version.validity.lower, simulation.on)
    rows = []
    for year in range(first.year, first.year + YEARS):
        months = MONTHS - first.month + 1 if year == first.year else MONTHS
        was, now_ = total["was_fen"] * MONTHS, total["was_fen"] * (MONTHS - months) + total["now_fen"] * months
        rows.append({"year": year, "months": months, "was_fen": was, "now_fen": now_, "difference_fen": now_ - was})
    return rows


def _by_change(people: pl.DataFrame) -> list[dict[str, int]]:
    """Return how many go from which amount a month to which, those who lose most first."""
    import polars as pl

    changed = people.filter(pl.col("was") != pl.col("now")).group_by("was", "now").agg(pl.len().alias("people"))
    changed = changed.with_columns((pl.col("now") - pl.col("was")).alias("difference"))
    most = changed.sort("people", descending=True).head(CHANGES_SHOWN).sort("difference", "was")
    return [
        {"was_fen": was, "now_fen": now_, "people": count, "difference_fen": difference}
        for was, now_, count, difference in most.select("was", "now", "people", "difference").iter_rows()
    ]


def _budget(simulation: Simulation) -> dict[str, Any] | None:
    policy = simulation.policy_version.policy
    line = budget_line_for(purpose=policy.budget_purpose, area=policy.area_id, on=simulation.on)
    if line is None:
        return None
    status = status_of([line])[0]
    return {"name": str(line), "planned_fen": status.planned, "free_fen": status.free, "year": line.year}


_KEEP = """
INSERT INTO policy_simulatedchange (id, version, created_at, simulation_id, elder_id, area_id, was_fen, now_fen)
SELECT id, 1, now(), %(simulation)s, elder, area, was, now
FROM unnest(%(ids)s::uuid[], %(elders)s::uuid[], %(areas)s::bigint[], %(was)s::bigint[], %(now)s::bigint[])
     AS changed(id, elder, area, was, now)
"""


def _keep_changes(simulation: Simulation, people: pl.DataFrame, report: Callable[[int], None]) -> None:
    import polars as pl

    changed = people.filter(pl.col("was") != pl.col("now")).select("elder_id", "居住区划", "was", "now")
    for start in range(0, len(changed), BATCH):
        report(100 * start // len(changed))
        batch = changed.slice(start, BATCH)
        with use(Scope.system()), connection.cursor() as cursor:
            cursor.execute(
                _KEEP,
                {
                    "simulation": simulation.pk,
                    "ids": [str(uuid7()) for _row in range(len(batch))],
                    "elders": batch["elder_id"].to_list(),
                    "areas": batch["居住区划"].to_list(),
                    "was": batch["was"].to_list(),
                    "now": batch["now"].to_list(),
                },
            )


def _forget_changes(simulation_id: UUID) -> None:
    with use(Scope.system()):
        SimulatedChange.objects.filter(simulation=simulation_id).delete()
