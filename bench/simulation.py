"""How long a draft takes to be tried on everybody, against the page's limit of 15 seconds for a million people.

    python -m bench.simulation [runs [policy's key]]

On the region at hand: ``songhe demo --elders 1000000`` makes one, and ``SONGHE_VAR`` names another, such as the Wuhan
that ``bench.simulation_page`` makes (there the policy is ``wh-care-subsidy``), where the same is done in a browser.

Takes the policy named, or the one in force that gives money to most people, raises its amounts by a fifth in a draft,
tries it as the page does, stage by stage, and compares the amounts of a random sample with single decisions, to the
fen. Everything is undone afterwards. Prints a ratio to the limit by the clock, and the processor time of this process
and its database connection, which is what counts while others use the machine.
"""

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from songhe.rights.policy.models import PolicyVersion, Simulation

LIMIT_SECONDS_A_MILLION = 15
RAISED_PERCENT = 120
SAMPLE = 500


class _Undo(Exception):
    """Takes back what the bench wrote."""


def main(runs: int = 2, key: str = "") -> None:
    """Try a draft so many times (the first meets cold caches) and print what each took."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songhe.config.settings")
    from songhe.config import database

    if database.is_embedded():
        database.start_embedded()
    import django

    django.setup()
    from django.db import transaction

    from songhe.core.scope.services import Scope, use

    for number in range(runs):
        try:
            with use(Scope.system()), transaction.atomic():
                _measure("cold" if number == 0 else "warm", key)
                raise _Undo
        except _Undo:
            pass


def _measure(name: str, key: str) -> None:
    from songhe.core.calendar.services import today
    from songhe.registers.elders.models import Elder
    from songhe.rights.policy.models import Simulation
    from songhe.rights.policy.services import simulating

    draft = _draft(key)
    area = draft.policy.area
    simulation = Simulation.objects.create(policy_version=draft, digest=draft.digest, on=today(), area=area)
    stages: list[tuple[str, float]] = []

    def report(_percent: int, stage: str) -> None:
        if not stages or stages[-1][0] != stage:
            stages.append((stage, time.perf_counter()))

    with _timed() as spent:
        simulating._simulate(simulation.pk, report)
    stages.append(("", time.perf_counter()))
    simulation.refresh_from_db()
    people = int(simulation.results["total"]["people"])
    limit = LIMIT_SECONDS_A_MILLION * people / 1_000_000
    print(
        f"{name}: {draft.policy.name}, {people:,} of {Elder.objects.count():,} elders: {spent['wall']:.1f} s "
        f"(processor {spent['cpu']:.1f} s), limit {limit:.1f} s, ratio {spent['wall'] / max(limit, 1e-9):.2f}"
    )
    for (stage, start), (_next, end) in pairwise(stages):
        print(f"  {stage}: {end - start:.1f} s")
    _compare(simulation)


def _draft(key: str) -> "PolicyVersion":
    """Return a draft of the policy of that key, or of the one that gives most people money, its amounts raised."""
    from django.db.models import Count

    from songhe.core.calendar.services import today
    from songhe.rights.policy.models import Policy, PolicyVersion, VersionState
    from songhe.rights.policy.services import draft, edit

    found = (
        PolicyVersion.objects.filter(
            state=VersionState.IN_FORCE,
            policy__subject=Policy.Subject.ELDER,
            policy__form__in=[Policy.Form.CREDIT, Policy.Form.VOUCHER, Policy.Form.CASH],
            **({"policy__key": key} if key else {}),
        )
        .annotate(served=Count("policy__entitlements"))
        .order_by("-served")
        .first()
    )
    if found is None:
        sys.exit("此处没有给老人待遇的现行政策：先运行 songhe demo --elders 1000000")
    parameters = [
        {**row, "value": str(int(row["value"]) * RAISED_PERCENT // 100)} if row["unit"] == "分" else row
        for row in found.parameters
    ]
    made = draft(policy_version=found, note="测算用时", first=today(), user=None)
    return edit(policy_version=made, user=None, parameters=parameters)


def _compare(simulation: "Simulation") -> None:
    """Print whether a random sample's amounts are those of single decisions."""
    import polars as pl

    from songhe.registers.elders.selectors import facts_frame
    from songhe.rights.policy.population import answered, fen_of
    from songhe.rights.policy.selectors import rulebook_on

    rulebook = rulebook_on(simulation.on, instead=simulation.policy_version)
    pk = simulation.policy_version.policy_id
    frame = facts_frame(simulation.area, simulation.on)
    places = random.Random(simulation.on.toordinal()).sample(range(len(frame)), min(SAMPLE, len(frame)))
    sample = answered(rulebook, [pk], frame)[places]
    facts: list[dict[str, Any]] = sample.select(pl.exclude("elder_id", fen_of(pk))).to_dicts()
    single = sum(rulebook.judge(each, pk)[pk].monthly_fen for each in facts)
    total = int(sample[fen_of(pk)].sum())
    print(f"  {len(facts)} people by single decisions: {single} fen, by columns: {total} fen, equal: {single == total}")


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    spent: dict[str, float] = {}
    wall, cpu = time.perf_counter(), _processor()
    yield spent
    spent.update(wall=time.perf_counter() - wall, cpu=_processor() - cpu)


def _processor() -> float:
    """Return the processor seconds of this process and of the database's process that serves it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
    serving = psutil.Process(row[0]).cpu_times() if row else None
    return time.process_time() + (serving.user + serving.system if serving else 0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2, *sys.argv[2:3])
