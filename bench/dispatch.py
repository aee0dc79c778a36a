"""A city's day planned by Songhe and by its peers in the same time, a region's day, and orders that come in live.

    python -m bench.dispatch city [--seconds 120] [--only songhe,vroom,pyvrp,pyvrp_all,ortools] [--python PYTHON]
    python -m bench.dispatch region [--seconds 600] [--longer 2]
    python -m bench.dispatch live [--orders 30]
    python -m bench.dispatch week [--visits 300] [--carers 45]    (bench/dispatch_week.py; --visits counts elders)
    python -m bench.dispatch all

The day has a morning peak, clusters, pairs, skills and rests. Peers plan it without pairs and rests, which not all of
them know, in processes of their own; each plan is checked by the same check. Peers that are not installed are left out.
Seconds are those of the processor, all threads together, so that other work on the machine changes nothing; with
``--clock`` they are those of the clock, which says the same on an idle machine of two cores where they are half.
VROOM knows no limit by the processor and runs until nothing is left at its quickest level.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np

from songhe.engines.dispatch.checking import check
from songhe.engines.dispatch.problem import Assignment, Carer, Need, Plan, Problem, Rest, Visit, may

MINUTES_A_KM = 60 / 18 * 1.3
SKILLS = ("bath", "nursing", "rehab")
SKILLED = (0.6, 0.35, 0.25)
ASKED = (0.2, 0.1, 0.06)
MISSED = 1_000_000
Routes = dict[str, list[str]]

# The least that the best peer's way is to be above Songhe's, minutes for a region, seconds for an order.
LESS_WAY, REGION_MINUTES, ORDER_SECONDS = 0.05, 5, 2.0


@dataclass
class Limit:
    """How long a planner may plan, from when this is made: of the processor, or of the clock."""

    seconds: float
    by_clock: bool = False

    def __post_init__(self) -> None:
        self.begun = self.now()

    def now(self) -> float:
        """Return the time by which the seconds are counted."""
        return time.perf_counter() if self.by_clock else time.process_time()

    def over(self) -> bool:
        """Tell whether the time is up."""
        return self.now() - self.begun > self.seconds


def city(visits: int, carers: int, *, seed: int = 1) -> Problem:
    """Make a day: clusters over a town whose side grows with the visits, half of them wanted in the morning."""
    random = np.random.default_rng(seed)
    side = 14.0 * (visits / 2000) ** 0.5
    centres = random.uniform(0.1 * side, 0.9 * side, (max(3, visits // 130), 2))
    spread = random.uniform(0.3, 1.2, len(centres))
    at = random.integers(0, len(centres), visits)
    points = np.clip(centres[at] + random.normal(0, 1, (visits, 2)) * spread[at, None], 0, side)
    homes = centres[random.integers(0, len(centres), carers)] + random.normal(0, 1.5, (carers, 2))
    places = np.concatenate([points, homes])
    # Row by row: the differences of all places at once would take thrice the memory of the ways.
    ways = np.stack([np.sqrt(((place - places) ** 2).sum(axis=1)) for place in places])
    ways *= MINUTES_A_KM
    staff = []
    for k in range(carers):
        early = k % 2 == 0
        begins, ends = (390.0, 930.0) if early else (480.0, 1080.0)
        skills = frozenset(name for name, share in zip(SKILLS, SKILLED, strict=True) if random.random() < share)
        rest = Rest(660.0, 810.0, 40.0)
        staff.append(Carer(f"c{k}", skills, begins, ends, visits + k, visits + k, rests=(rest,)))
    wanted = []
    for k in range(visits):
        morning = random.random() < 0.5
        opens = random.triangular(400, 480, 640) if morning else random.uniform(600, 900)
        width = float(random.choice([45.0, 90.0, 180.0], p=[0.35, 0.4, 0.25]))
        asked = str(random.choice(["", *SKILLS], p=[1.0 - sum(ASKED), *ASKED]))
        skills = frozenset([asked] if asked else [])
        minutes = float(random.choice([15.0, 30.0, 45.0, 60.0], p=[0.35, 0.4, 0.15, 0.1]))
        needs = (Need(minutes, skills), Need(minutes)) if random.random() < 0.15 else (Need(minutes, skills),)
        wanted.append(Visit(f"v{k}", k, needs, round(opens), round(opens) + width))
    return Problem(tuple(wanted), tuple(staff), {"ebike": ways})


def plain(problem: Problem) -> Problem:
    """Leave out what peers do not know: the second carer of a pair, and rests."""
    visits = tuple(replace(visit, needs=visit.needs[:1]) for visit in problem.visits)
    return replace(problem, visits=visits, carers=tuple(replace(carer, rests=()) for carer in problem.carers))


def timed(problem: Problem, routes: Routes) -> Plan:
    """Time routes forwards, each visit as early as it can be."""
    visits = {visit.id: visit for visit in problem.visits}
    found, served = [], set()
    for carer in problem.carers:
        t, place = carer.start, carer.start_place
        for name in routes.get(carer.id, []):
            visit = visits[name]
            t = max(t + problem.ways[carer.mode][place, visit.place], visit.earliest)
            found.append(Assignment(name, 0, carer.id, t, t + visit.needs[0].minutes))
            t, place = t + visit.needs[0].minutes, visit.place
            served.add(name)
    return Plan(tuple(found), (), tuple(name for name in visits if name not in served))


def _seconds(problem: Problem) -> np.ndarray:
    # Rounded up, so that what a peer holds feasible is so.
    return np.ceil(problem.ways["ebike"] * 60).astype(np.int64)


def vroom(problem: Problem, limit: Limit, _: Routes) -> Routes:
    """Plan with VROOM by way of pyvroom at its quickest level, for which a city's limit hardly suffices."""
    import vroom as peer

    names = {name: k for k, name in enumerate(SKILLS)}
    day = peer.Input()
    day.set_durations_matrix("car", _seconds(problem).astype(np.uint32))
    for k, carer in enumerate(problem.carers):
        window = peer.TimeWindow(int(carer.start * 60), int(carer.end * 60))
        able = {names[skill] for skill in carer.skills}
        day.add_vehicle(peer.Vehicle(k, carer.start_place, carer.end_place, time_window=window, skills=able))
    for k, visit in enumerate(problem.visits):
        need = visit.needs[0]
        window = peer.TimeWindow(int(visit.earliest * 60), int(visit.latest * 60))
        asked = {names[skill] for skill in need.skills}
        day.add_job(peer.Job(k, visit.place, 0, int(need.minutes * 60), skills=asked, time_windows=[window]))
    timeout = timedelta(seconds=limit.seconds) if limit.by_clock else None
    solution = day.solve(exploration_level=0, nb_threads=2, timeout=timeout)
    routes: Routes = {}
    for row in solution.routes.to_dict("records"):
        if row["type"] == "job":
            routes.setdefault(f"c{row['vehicle_id']}", []).append(f"v{row['id']}")
    return routes


def pyvrp(problem: Problem, limit: Limit, _: Routes, *, required: bool = False) -> Routes:
    """Plan with PyVRP: a profile of ways for each set of skills, where who may not come comes never.

    Visits are worth a prize, or ``required``: then a plan that keeps no windows may be the best it has.
    """
    import pyvrp as peer

    base = _seconds(problem)
    sets = sorted({carer.skills for carer in problem.carers}, key=sorted)
    matrices = []
    for skills in sets:
        matrix = base.copy()
        for visit in problem.visits:
            if not visit.needs[0].skills <= skills:
                matrix[:, visit.place] = MISSED
        np.fill_diagonal(matrix, 0)
        matrices.append(matrix)
    places = len(base)
    data = peer.ProblemData(
        [peer.Location(0, 0) for _ in range(places)],
        [
            peer.Client(
                visit.place,
                service_duration=int(visit.needs[0].minutes * 60),
                tw_early=int(visit.earliest * 60),
                tw_late=int(visit.latest * 60),
                prize=0 if required else 100_000,
                required=required,
            )
            for visit in problem.visits
        ],
        [peer.Depot(carer.start_place) for carer in problem.carers],
        [
            peer.VehicleType(
                1,
                start_depot=k,
                end_depot=k,
                tw_early=int(carer.start * 60),
                tw_late=int(carer.end * 60),
                profile=sets.index(carer.skills),
            )
            for k, carer in enumerate(problem.carers)
        ],
        matrices,
        matrices,
    )

    result = peer.solve(data, lambda _: limit.over(), seed=1, collect_stats=False)
    routes: Routes = {}
    for route in result.best.routes():
        clients = [f"v{each.idx}" for each in route if each.is_client()]
        routes[f"c{route.vehicle_type()}"] = clients
    return routes


def ortools(problem: Problem, limit: Limit, first: Routes) -> Routes:
    """Plan with OR-Tools from VROOM's plan, which it has for nothing: its own first descent takes beyond the limit."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    ways = _seconds(problem)
    starts = [carer.start_place for carer in problem.carers]
    manager = pywrapcp.RoutingIndexManager(len(ways), len(problem.carers), starts, starts)
    model = pywrapcp.RoutingModel(manager)
    minutes = np.zeros(len(ways), dtype=np.int64)
    for visit in problem.visits:
        minutes[visit.place] = int(visit.needs[0].minutes * 60)
    way = model.RegisterTransitMatrix(ways.tolist())
    spent = model.RegisterTransitMatrix((ways + minutes[:, None]).tolist())
    model.SetArcCostEvaluatorOfAllVehicles(way)
    model.AddDimension(spent, 86_400, 86_400, False, "time")
    clock = model.GetDimensionOrDie("time")
    for visit in problem.visits:
        index = manager.NodeToIndex(visit.place)
        clock.CumulVar(index).SetRange(int(visit.earliest * 60), int(visit.latest * 60))
        able = [k for k, carer in enumerate(problem.carers) if may(visit, 0, carer)]
        model.VehicleVar(index).SetValues([-1, *able])
        model.AddDisjunction([index], MISSED)
    for k, carer in enumerate(problem.carers):
        clock.CumulVar(model.Start(k)).SetRange(int(carer.start * 60), int(carer.end * 60))
        clock.CumulVar(model.End(k)).SetRange(int(carer.start * 60), int(carer.end * 60))
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    parameters.time_limit.FromSeconds(int(20 * limit.seconds))
    model.CloseModelWithParameters(parameters)
    model.AddSearchMonitor(model.solver().CustomLimit(limit.over))
    given = [[manager.NodeToIndex(int(name[1:])) for name in first.get(carer.id, [])] for carer in problem.carers]
    solution = model.SolveFromAssignmentWithParameters(model.ReadAssignmentFromRoutes(given, True), parameters)
    if solution is None:
        return {}
    routes: Routes = {}
    for k, carer in enumerate(problem.carers):
        index = solution.Value(model.NextVar(model.Start(k)))
        while not model.IsEnd(index):
            routes.setdefault(carer.id, []).append(f"v{manager.IndexToNode(index)}")
            index = solution.Value(model.NextVar(index))
    return routes


def songhe(problem: Problem, limit: Limit, *, threads: int = 2) -> Plan:
    """Plan with Songhe."""
    from songhe.engines.dispatch.regions import solve_wide
    from songhe.engines.dispatch.solver import Budget

    budget = Budget(seconds=limit.seconds, threads=threads, processor=not limit.by_clock)
    return solve_wide(problem, budget=budget, seed=1).plan


PEERS: dict[str, Callable[[Problem, Limit, Routes], Routes]] = {
    "vroom": vroom,
    "pyvrp": pyvrp,
    "pyvrp_all": partial(pyvrp, required=True),
    "ortools": ortools,
}


def least_way(problem: Problem, plan: Plan) -> float:
    """Return minutes of way that no plan of the same visits does without, a weak bound.

    Each carer of a visit comes from home, or from a visit that can end before, and goes home at last.
    """
    ways = problem.ways["ebike"]
    places = np.array([visit.place for visit in problem.visits])
    earliest = np.array([visit.earliest for visit in problem.visits])
    shortest = np.array([min(need.minutes for need in visit.needs) for visit in problem.visits])
    homes = np.array([carer.start_place for carer in problem.carers])
    left_out = set(plan.unserved)
    bound = 0.0
    for k, visit in enumerate(problem.visits):
        if visit.id not in left_out:
            way = ways[places, visit.place]
            before = earliest + shortest + way <= visit.latest
            before[k] = False
            least = min(float(way[before].min(initial=np.inf)), float(ways[homes, visit.place].min()))
            bound += least * len(visit.needs)
    used = {each.carer_id for each in plan.assignments}
    return bound + sum(float(ways[places, carer.end_place].min()) for carer in problem.carers if carer.id in used)


def _memory(name: str) -> float:
    """Return megabytes of this process: VmRSS, held now, or VmHWM, the peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def run_one(name: str, size: tuple[int, int], limit: Limit, files: tuple[Path, Path]) -> None:
    """Plan one day with one planner, in this process; read VROOM's routes from a file, write figures to another."""
    problem = city(*size)
    if name != "songhe_pairs":
        problem = plain(problem)
    if name.startswith("songhe"):
        from songhe.engines.dispatch.solver import warm_up

        warm_up()
    first, output = files
    given: Routes = json.loads(first.read_text(encoding="utf-8")) if first.exists() else {}
    # The peak of making the problem is not the planner's.
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    held = _memory("VmRSS")
    clock, cpu = time.perf_counter(), time.process_time()
    limit = replace(limit)
    if name.startswith("songhe"):
        plan = songhe(problem, limit)
    else:
        routes = PEERS[name](problem, limit, given)
        plan = timed(problem, routes)
        if name == "vroom":
            first.write_text(json.dumps(routes), encoding="utf-8")
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    memory = _memory("VmHWM")
    verdict = check(problem, plan)
    figures = {
        "unserved": verdict.unserved,
        "travel": verdict.travel / 60,
        "least": least_way(problem, plan) / 60,
        "breaches": len(verdict.breaches),
        "seconds": clock,
        "cpu": cpu,
        "memory": memory - held,
        "whole": memory,
        "first": next(iter(verdict.breaches), ""),
    }
    output.write_text(json.dumps(figures), encoding="utf-8")


def compare(names: list[str], visits: int, carers: int, limit: Limit, python: str) -> dict[str, dict[str, float]]:
    """Run planners one after the other, print a row each, and return their figures.

    ``MB`` is what planning adds to the problem at its peak, ``whole`` the process's peak, ``least h`` what
    ``least_way`` says.
    """
    print(
        f"{visits} visits, {carers} carers, {limit.seconds:.0f} s of the {'clock' if limit.by_clock else 'processor'}"
    )
    columns = (
        f"{'unserved':>9}{'travel h':>10}{'least h':>9}{'breaches':>9}{'seconds':>9}{'cpu s':>8}{'MB':>7}{'whole':>7}"
    )
    print(f"{'planner':<14}{columns}", flush=True)
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "first-routes.json"
        for name in names:
            output = Path(folder) / f"{name}.json"
            size = ["--visits", str(visits), "--carers", str(carers), "--seconds", str(limit.seconds)]
            interpreter = sys.executable if name.startswith("songhe") else python
            command = [interpreter, "-m", "bench.dispatch", "one", name, str(first), str(output), *size]
            command += ["--clock"] if limit.by_clock else []
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not output.exists():
                print(f"{name:<14}  {(done.stderr.strip().splitlines() or ['no answer'])[-1]}", flush=True)
                continue
            row = found[name] = json.loads(output.read_text(encoding="utf-8"))
            figures = f"{row['unserved']:>9}{row['travel']:>10.1f}{row['least']:>9.1f}{row['breaches']:>9}"
            used = f"{row['seconds']:>9.1f}{row['cpu']:>8.1f}{row['memory']:>7.0f}{row['whole']:>7.0f}"
            print(f"{name:<14}{figures}{used}  {row['first']}", flush=True)
    return found


def day(names: list[str], visits: int, carers: int, limit: Limit, python: str) -> None:
    """Compare on a city's day and say how bar 2 stands: nobody unserved, and less way than the best peer."""
    found = compare(names, visits, carers, limit, python)
    own = found.get("songhe")
    peers = {name: row for name, row in found.items() if not name.startswith("songhe") and not row["breaches"]}
    if own is None or not peers:
        return
    best = min(peers, key=lambda name: (peers[name]["unserved"], peers[name]["travel"]))
    less = 1 - own["travel"] / peers[best]["travel"]
    met = own["unserved"] == 0 and less >= LESS_WAY
    print(
        f"bar 2: {own['unserved']} unserved (aim 0), {100 * less:.1f} % less way than {best}, who leaves "
        f"{peers[best]['unserved']} (aim {100 * LESS_WAY:.0f} %): {'met' if met else 'missed'}",
        flush=True,
    )


def region(visits: int, carers: int, limit: Limit, longer: float) -> None:
    """Plan a region's day and say how bar 3 stands, against a longer run if one is asked for."""
    own = compare(["songhe_pairs"], visits, carers, limit, sys.executable).get("songhe_pairs")
    if own is None:
        return
    line = (
        f"bar 3: {own['unserved']} unserved of {visits}, {own['seconds'] / 60:.1f} min of the clock, {own['cpu']:.0f} s"
    )
    line += f" of the processor (limit {REGION_MINUTES} min on two cores of one's own), {own['whole']:.0f} MB"
    if longer > 1:
        long = compare(["songhe_pairs"], visits, carers, Limit(longer * limit.seconds, limit.by_clock), sys.executable)
        if (more := long.get("songhe_pairs")) is not None:
            line += f"; with {longer:g} times as long {more['unserved']} unserved, {more['travel']:.1f} h"
    # A limit of time is kept within a second.
    met = own["seconds"] <= 60 * REGION_MINUTES + 1
    print(f"{line}: {'met' if met else 'missed'} by the clock", flush=True)


def live(visits: int, carers: int, orders: int) -> None:
    """Let orders come in one by one over a planned day, each at another time, and print how long each takes."""
    from songhe.engines.dispatch.live import replan
    from songhe.engines.dispatch.solver import Budget, solve

    whole = city(visits + orders, carers)
    problem = replace(whole, visits=whole.visits[:visits])
    plan = solve(problem, budget=Budget(seconds=30, threads=2), seed=1).plan
    took, used, told, unserved = [], [], [], 0
    for k, order in enumerate(whole.visits[visits:]):
        now = 420.0 + 400.0 * k / orders
        order = replace(order, earliest=max(order.earliest, now + 30), latest=max(order.latest, now + 120))
        problem = replace(problem, visits=(*problem.visits, order))
        clock, cpu = time.perf_counter(), time.process_time()
        again = replan(problem, plan, now=now, budget=Budget(seconds=0.5))
        took.append(time.perf_counter() - clock)
        used.append(time.process_time() - cpu)
        told.append(sum(change.carers_differ and change.visit_id != order.id for change in again.changes))
        unserved += order.id in again.solved.plan.unserved
        plan = again.solved.plan
    print(f"{orders} orders into {visits} visits, {carers} carers, {len(plan.unserved)} unserved at the end")
    for name, figures in (("clock", sorted(took)), ("cpu", sorted(used))):
        p95 = figures[min(len(figures) - 1, int(0.95 * len(figures)))]
        print(f"{name}: p50 {figures[len(figures) // 2]:.2f} s, p95 {p95:.2f} s")
    print(f"orders unserved {unserved}; other visits with other carers: {sum(told) / len(told):.1f} an order")
    p95 = sorted(took)[min(len(took) - 1, int(0.95 * len(took)))]
    stands = "met" if p95 <= ORDER_SECONDS else "missed"
    print(f"bar 4: p95 {p95:.2f} s of the clock (limit {ORDER_SECONDS:.0f} s): {stands}", flush=True)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["city", "region", "live", "week", "all", "one"])
    parser.add_argument("one", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--visits", type=int)
    parser.add_argument("--carers", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--clock", action="store_true", help="count seconds by the clock")
    parser.add_argument("--longer", type=float, default=1.0, help="plan the region again so many times as long")
    parser.add_argument("--orders", type=int, default=30)
    parser.add_argument("--only", default="songhe,songhe_pairs,vroom,pyvrp,pyvrp_all,ortools")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    given = parser.parse_args()
    # Of the processor, both cores' seconds count.
    cores = 1 if given.clock else 2
    if given.what == "one":
        name, first, output = given.one
        limit = Limit(given.seconds, given.clock)
        run_one(name, (given.visits, given.carers), limit, (Path(first), Path(output)))
    if given.what in {"city", "all"}:
        limit = Limit(given.seconds or 60.0 * cores, given.clock)
        day(given.only.split(","), given.visits or 2000, given.carers or 160, limit, given.python)
    if given.what in {"region", "all"}:
        limit = Limit(given.seconds or 60.0 * REGION_MINUTES * cores, given.clock)
        region(given.visits or 10_000, given.carers or 800, limit, given.longer)
    if given.what in {"week", "all"}:
        from bench.dispatch_week import week

        week(given.visits or 300, given.carers or 45)
    if given.what in {"live", "all"}:
        live(given.visits or 2000, given.carers or 160, given.orders)


if __name__ == "__main__":
    main()
