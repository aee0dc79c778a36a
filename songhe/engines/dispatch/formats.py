"""The public JSON format of home health care routing (Mankowska's and the Italian instances), and Songhe's of a plan.

An instance's patients are visits with soft windows, all from one office; the objective is a third of travel, total
lateness and greatest lateness together.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from songhe.engines.dispatch.problem import (
    Assignment,
    Carer,
    DispatchError,
    Need,
    Plan,
    Problem,
    RestTaken,
    Visit,
    Weights,
)

ALL_DAY = 1e7
THIRD = 1.0 / 3.0


def read_problem(path: Path) -> Problem:
    """Read an instance; a file that is not one is told with the place where it is wrong."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DispatchError(f"{path.name}：读不了 JSON：{error}") from error
    try:
        return _problem(document)
    except KeyError as error:
        raise DispatchError(f"{path.name}：缺少字段 {error}") from error
    except (TypeError, ValueError, IndexError) as error:
        raise DispatchError(f"{path.name}：内容不合格式：{error}") from error


def _problem(document: dict[str, Any]) -> Problem:
    durations = {each["id"]: float(each.get("default_duration", 0)) for each in document["services"]}
    matrix = np.array(document["distances"], dtype=np.float64)
    visits = []
    for at, patient in enumerate(document["patients"], start=1):
        needs = tuple(
            Need(float(each.get("duration", durations.get(each["service"], 0.0))), frozenset([each["service"]]))
            for each in patient["required_caregivers"]
        )
        opens, closes = patient["time_window"]
        between = patient.get("synchronization") or {}
        low, high = between.get("distance", (0, 0)) if between.get("type") == "sequential" else (0, 0)
        visits.append(
            Visit(patient["id"], at, needs, float(opens), float(closes), hard=False, gap=(float(low), float(high)))
        )
    carers = []
    for each in document["caregivers"]:
        begins, ends = each.get("working_shift") or (0.0, ALL_DAY)
        carers.append(Carer(each["id"], frozenset(each["abilities"]), float(begins), float(ends), 0, 0, mode="any"))
    weights = Weights(travel=THIRD, late=THIRD, latest=THIRD, overtime=0.0, unwished=0.0)
    return Problem(tuple(visits), tuple(carers), {"any": matrix}, weights)


def write_plan(path: Path, plan: Plan, *, cost: float) -> None:
    """Write a plan as routes, a carer each."""
    routes: dict[str, list[dict[str, object]]] = {}
    for each in plan.assignments:
        routes.setdefault(each.carer_id, []).append(
            {"patient": each.visit_id, "need": each.need, "start": each.start, "end": each.end}
        )
    document = {
        "cost": cost,
        "routes": [{"caregiver": carer, "visits": visits} for carer, visits in routes.items()],
        "rests": [{"caregiver": each.carer_id, "start": each.start, "end": each.end} for each in plan.rests],
        "unserved": list(plan.unserved),
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_plan(path: Path) -> Plan:
    """Read a plan that ``write_plan`` wrote."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        assignments = tuple(
            Assignment(
                str(visit["patient"]),
                int(visit["need"]),
                str(route["caregiver"]),
                float(visit["start"]),
                float(visit["end"]),
            )
            for route in document["routes"]
            for visit in route["visits"]
        )
        rests = tuple(
            RestTaken(str(each["caregiver"]), float(each["start"]), float(each["end"]))
            for each in document.get("rests", [])
        )
        return Plan(assignments, rests, tuple(map(str, document.get("unserved", []))))
    except KeyError as error:
        raise DispatchError(f"{path.name}：缺少字段 {error}") from error
    except (OSError, ValueError, TypeError) as error:
        raise DispatchError(f"{path.name}：读不了方案：{error}") from error


def read_best(path: Path) -> dict[str, float]:
    """Read the best published cost of each instance from a CSV with the columns instance and best_published."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["instance"]: float(row["best_published"]) for row in csv.DictReader(file)}
