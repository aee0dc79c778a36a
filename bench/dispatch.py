"""A city's day planned by Songhe and by its peers in the same time, a region's day, and orders that come in live.

    python -m bench.dispatch city [--seconds 60] [--only songhe,vroom,pyvrp,ortools]
    python -m bench.dispatch region [--seconds 300]
    python -m bench.dispatch live [--orders 30]

The day has a morning peak, clusters, pairs, skills and rests. Peers plan it without pairs and rests, which not all of
them know, in processes of their own; each plan is timed and checked by the same check. Peers that are not installed
are left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
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
    ways = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2)) * MINUTES_A_KM
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


def vroom(problem: Problem, seconds: float) -> Routes:
    """Plan with VROOM by way of pyvroom, at its greatest exploration."""
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
    level = 5 if seconds >= 300 else 1
    solution = day.solve(exploration_level=level, nb_threads=2, timeout=timedelta(seconds=seconds))
    routes: Routes = {}
    for row in solution.routes.to_dict("records"):
        if row["type"] == "job":
            routes.setdefault(f"c{row['vehicle_id']}", []).append(f"v{row['id']}")
    return routes


def pyvrp(problem: Problem, seconds: float) -> Routes:
    """Plan with PyVRP: a profile of ways for each set of skills, where who may not come comes never."""
    import pyvrp as peer
    from pyvrp.stop import MaxRuntime

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
                prize=100_000,
                required=False,
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
    result = peer.solve(data, MaxRuntime(seconds), seed=1, collect_stats=False)
    routes: Routes = {}
    for route in result.best.routes():
        clients = [f"v{each.idx}" for each in route if each.is_client()]
        routes[f"c{route.vehicle_type()}"] = clients
    return routes


def ortools(problem: Problem, seconds: float) -> Routes:
    """Plan with OR-Tools from VROOM's quick plan: its own first descent takes longer than the limit."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    begun = time.monotonic()
    first = vroom(problem, seconds / 3)
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
    parameters.time_limit.FromMilliseconds(max(1000, int(1000 * (seconds - (time.monotonic() - begun)))))
    model.CloseModelWithParameters(parameters)
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


def songhe(problem: Problem, seconds: float, *, threads: int = 2) -> Plan:
    """Plan with Songhe."""
    from songhe.engines.dispatch.regions import solve_wide
    from songhe.engines.dispatch.solver import Budget

    return solve_wide(problem, budget=Budget(seconds=seconds, threads=threads), seed=1).plan


PEERS: dict[str, Callable[[Problem, float], Routes]] = {"vroom": vroom, "pyvrp": pyvrp, "ortools": ortools}


def run_one(name: str, visits: int, carers: int, seconds: float, output: Path) -> None:
    """Plan one day with one planner, in this process, and write its figures."""
    problem = city(visits, carers)
    if name != "songhe_pairs":
        problem = plain(problem)
    if name.startswith("songhe"):
        from songhe.engines.dispatch.solver import warm_up

        warm_up()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    clock, cpu = time.perf_counter(), time.process_time()
    plan = songhe(problem, seconds) if name.startswith("songhe") else timed(problem, PEERS[name](problem, seconds))
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    verdict = check(problem, plan)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures = {
        "unserved": verdict.unserved,
        "travel": verdict.travel / 60,
        "breaches": len(verdict.breaches),
        "seconds": clock,
        "cpu": cpu,
        "memory": (memory - held) / 1024,
        "first": next(iter(verdict.breaches), ""),
    }
    output.write_text(json.dumps(figures), encoding="utf-8")


def compare(names: list[str], visits: int, carers: int, seconds: float, python: str) -> None:
    """Run planners one after the other and print a row each."""
    print(f"{visits} visits, {carers} carers, {seconds:.0f} s")
    print(
        f"{'planner':<14}{'unserved':>9}{'travel h':>10}{'breaches':>9}{'seconds':>9}{'cpu s':>8}{'MB':>7}", flush=True
    )
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "figures.json"
            size = [name, str(visits), str(carers), str(seconds), str(output)]
            interpreter = sys.executable if name.startswith("songhe") else python
            command = [interpreter, "-m", "bench.dispatch", "one", *size]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not output.exists():
                print(f"{name:<14}  {(done.stderr.strip().splitlines() or ['no answer'])[-1]}", flush=True)
                continue
            row = json.loads(output.read_text(encoding="utf-8"))
        figures = f"{row['unserved']:>9}{row['travel']:>10.1f}{row['breaches']:>9}"
        print(
            f"{name:<14}{figures}{row['seconds']:>9.1f}{row['cpu']:>8.1f}{row['memory']:>7.0f}  {row['first']}",
            flush=True,
        )


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


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["city", "region", "live", "one"])
    parser.add_argument("one", nargs="*")
    parser.add_argument("--visits", type=int)
    parser.add_argument("--carers", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--orders", type=int, default=30)
    parser.add_argument("--only", default="songhe,songhe_pairs,vroom,pyvrp,ortools")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the peers")
    given = parser.parse_args()
    if given.what == "one":
        name, visits, carers, seconds, output = given.one
        run_one(name, int(visits), int(carers), float(seconds), Path(output))
    elif given.what == "city":
        size = given.visits or 2000, given.carers or 160
        compare(given.only.split(","), *size, given.seconds or 60.0, given.python)
    elif given.what == "region":
        compare(["songhe_pairs"], given.visits or 10_000, given.carers or 800, given.seconds or 300.0, given.python)
    else:
        live(given.visits or 2000, given.carers or 160, given.orders)


if __name__ == "__main__":
    main()
