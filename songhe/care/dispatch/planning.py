"""A provider's day as the records tell it, and the planning problem that is made of it.

``read_day`` looks the day up in a dozen queries however many visits it has; ``problem_of`` writes what can still be
planned as the engine's problem; ``placed_by`` reads the engine's plan back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from songhe.care.dispatch.models import CarerWish, Notice
from songhe.care.dispatch.routes import Person, Placed, Rules, Task, expected, follow, takes_lunch, ways_between
from songhe.care.orders.flow import OrderState
from songhe.care.orders.models import Complaint, Order
from songhe.care.visits.flow import VisitState
from songhe.care.visits.models import Visit
from songhe.care.visits.selectors import NOT_HELD
from songhe.core.calendar.services import now
from songhe.core.parameters.selectors import parameters_on
from songhe.engines.dispatch.live import SOONER
from songhe.engines.dispatch.problem import Assignment as Given
from songhe.engines.dispatch.problem import Carer, Need, Plan, Problem, Rest, Weights
from songhe.engines.dispatch.problem import Visit as Wanted
from songhe.registers.catalogue.models import Service
from songhe.registers.workforce.models import Absence, Staff
from songhe.registers.workforce.selectors import carers_for

DAY = 24 * 60
WAITING = [OrderState.DISPATCHED, OrderState.ASSIGNED]
BEGUN = [OrderState.IN_SERVICE, OrderState.SERVED, OrderState.CLOSED]
# An urgent order weighs as much as five others.
URGENT = 5.0
# Evens out the carers' days: of two plans with as much travel, the fairer one.
FAIRNESS = 0.0004
# Where the place says nothing: the minutes of way that giving a told visit to another carer has to save.
CHANGE = 60
# Where the place says nothing: how many minutes more a visit is expected to take whose minutes are over.
STILL = 15


@dataclass(frozen=True)
class Entry:
    """An order of the day with its task, and the visit planned for it, if one is."""

    task: Task
    order_id: UUID
    elder_id: UUID
    elder_name: str
    area_id: int
    place: str
    service: str
    visit_id: UUID | None = None
    visit_version: int | None = None
    visit_state: str = ""
    staff_id: str | None = None
    start: int | None = None
    end: int | None = None
    # While the carer is there: since when, and when they are expected to be free.
    under_way: tuple[int, int] | None = None

    @property
    def begun(self) -> bool:
        """Tell whether the visit has begun or is over: then nothing moves it."""
        return bool(self.visit_state) and self.visit_state != VisitState.PLANNED

    @property
    def placed(self) -> Placed | None:
        """The visit as it is planned, if it is."""
        if self.start is None or self.end is None:
            return None
        return self.placed_at(self.start)

    def placed_at(self, start: int) -> Placed:
        """The visit begun at a minute; one under way stands as it is under way."""
        if self.under_way is not None:
            return Placed(self.task, *self.under_way, frozen=True, under_way=True)
        return Placed(self.task, start, start + self.task.minutes, frozen=self.begun)


@dataclass(frozen=True)
class Day:
    """A provider's day: its carers, its orders, the place's rules; ``since`` is the minute before which all is past."""

    provider_id: UUID
    day: date
    midnight: datetime
    people: Mapping[str, Person]
    entries: Mapping[UUID, Entry]
    rules: Rules
    since: int
    stranger: int
    hours: int
    change: int
    absent: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def moment(self, minute: float) -> datetime:
        """Return the moment that a minute of this day is."""
        return self.midnight + timedelta(minutes=minute)

    def released(self, entry: Entry) -> bool:
        """Tell whether the carer of a planned visit will be away then, so that somebody else has to go."""
        if entry.staff_id is None or entry.start is None or entry.end is None or entry.begun:
            return False
        return any(gone < entry.end and entry.start < back for gone, back in self.absent.get(entry.staff_id, ()))

    def settled(self, entry: Entry) -> bool:
        """Tell whether a visit is beyond planning: it has begun, or its time came and it was not begun yet."""
        if entry.begun:
            return True
        return entry.start is not None and entry.start < self.since and not self.released(entry)


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day and of the next."""
    midnight = timezone.make_aware(datetime.combine(day, time()))
    return midnight, midnight + timedelta(days=1)


def rules_on(day: date) -> tuple[Rules, dict[str, int]]:
    """Return the place's rules of a day, and its figures of dispatch as whole numbers."""
    figures = {
        name.removeprefix("派单."): int(value) for name, value in parameters_on(day).items() if name.startswith("派单.")
    }
    rules = Rules(
        lunch_minutes=figures.get("午休时长", 0),
        lunch_earliest=figures.get("午休最早", 0),
        lunch_latest=figures.get("午休最晚", 0),
    )
    return rules, figures


def read_day(provider_id: UUID, day: date, *, orders: Collection[UUID] | None = None) -> Day:
    """Read a provider's day, or only these of its orders."""
    midnight, next_midnight = bounds(day)
    rules, figures = rules_on(day)
    clock = now()
    since = 0 if clock <= midnight else DAY if clock >= next_midnight else int((clock - midnight).total_seconds() / 60)
    rows = _order_rows(provider_id, midnight, next_midnight, orders)
    visits = _visits(provider_id, midnight, next_midnight, orders)
    people = people_of(provider_id, day, midnight, {visit["staff_id"] for visit in visits.values()})
    wishes = Wishes(provider_id, rows, people, day, figures)
    entries = {row["id"]: _entry(row, visits.get(row["id"]), midnight, wishes) for row in rows}
    if midnight < clock < next_midnight:
        entries |= _under_way(entries, visits, midnight, since, figures.get("超时续时", STILL))
    return Day(
        provider_id=provider_id,
        day=day,
        midnight=midnight,
        people=people,
        entries=entries,
        rules=rules,
        since=since,
        stranger=figures.get("生面孔折算", 0),
        change=figures.get("改派折算", CHANGE),
        hours=figures.get("每日工时", DAY),
        absent=_absent(provider_id, midnight, next_midnight),
    )


_ORDER = (
    "id", "elder_id", "area_id", "minutes", "urgent", "wanted_from", "wanted_to", "elder__name", "elder__latitude",
    "elder__longitude", "elder__address", "area__name", "service__name", "service__skills",
)  # fmt: skip


def _order_rows(
    provider_id: UUID, midnight: datetime, next_midnight: datetime, only: Collection[UUID] | None
) -> list[dict[str, Any]]:
    wanted = Order.objects.filter(provider_id=provider_id)
    if only is not None:
        return list(wanted.filter(pk__in=only).values(*_ORDER))
    planned = Visit.objects.filter(provider_id=provider_id, planned__overlap=(midnight, next_midnight)).exclude(
        state__in=NOT_HELD
    )
    # Orders without a visit by the day they are wished for, the others by the day their visit is planned for.
    with_visit = set(planned.values_list("order_id", flat=True))
    waiting = (
        wanted.filter(state__in=WAITING, wanted_from__gte=midnight, wanted_from__lt=next_midnight)
        .exclude(pk__in=with_visit)
        .exclude(Q(visits__isnull=False) & ~Q(visits__state__in=NOT_HELD))
    )
    ids = with_visit | set(waiting.values_list("pk", flat=True))
    return list(Order.objects.filter(pk__in=ids).order_by("id").values(*_ORDER))


def _visits(
    provider_id: UUID, midnight: datetime, next_midnight: datetime, only: Collection[UUID] | None
) -> dict[UUID, dict[str, Any]]:
    rows = Visit.objects.filter(provider_id=provider_id, planned__overlap=(midnight, next_midnight))
    if only is not None:
        rows = rows.filter(order_id__in=only)
    fields = ("id", "order_id", "version", "state", "staff_id", "planned", "check_in_at")
    return {row["order_id"]: row for row in rows.exclude(state__in=NOT_HELD).values(*fields)}


def people_of(provider_id: UUID, day: date, midnight: datetime, seen: set[UUID]) -> dict[str, Person]:
    """Return the carers in service, and those who left and still have visits of the day."""
    duty = {each.staff_id: each for each in carers_for(service=Service(), area=0, on=day, provider=provider_id)}
    rows = Staff.objects.filter(Q(provider_id=provider_id) & (Q(pk__in=duty) | Q(pk__in=seen)))
    found = {}
    for row in rows.order_by("name", "id"):
        on = duty.get(row.pk)
        shifts = tuple((minute_of(start, midnight), minute_of(end, midnight)) for start, end in on.shifts) if on else ()
        found[str(row.pk)] = Person(
            id=str(row.pk),
            name=row.name,
            skills=frozenset(on.skills if on else ()),
            shifts=tuple(shift for shift in shifts if shift[0] < shift[1]),
            latitude=row.latitude,
            longitude=row.longitude,
            mode=row.transport,
            sex=row.sex,
        )
    return found


def _absent(provider_id: UUID, midnight: datetime, next_midnight: datetime) -> dict[str, tuple[tuple[int, int], ...]]:
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    rows = Absence.objects.filter(staff__provider_id=provider_id, during__overlap=(midnight, next_midnight))
    for staff_id, during in rows.values_list("staff_id", "during"):
        found[str(staff_id)].append((minute_of(during.lower, midnight), minute_of(during.upper, midnight)))
    return {staff: tuple(spans) for staff, spans in found.items()}


def minute_of(moment: datetime, midnight: datetime) -> int:
    """Return which minute of the day a moment is, within the day."""
    return max(0, min(DAY, round((moment - midnight).total_seconds() / 60)))


class Wishes:
    """Whom the elders of a day want, do not want, and know: each looked up once for all of them."""

    def __init__(
        self,
        provider_id: UUID,
        rows: list[dict[str, Any]],
        people: Mapping[str, Person],
        day: date,
        figures: Mapping[str, int],
    ) -> None:
        elders = {row["elder_id"] for row in rows}
        self.barred: dict[UUID, dict[str, str]] = defaultdict(dict)
        self.wished: dict[UUID, set[str]] = defaultdict(set)
        self.familiar: dict[UUID, set[str]] = defaultdict(set)
        self.steady: dict[UUID, set[str]] = defaultdict(set)
        self.declined: dict[UUID, dict[str, str]] = defaultdict(dict)
        self._complaints(elders, day, figures)
        self._said(provider_id, elders, people)
        self._known(elders, day, figures)
        answers = Notice.objects.filter(visit__order_id__in=[row["id"] for row in rows], state=Notice.State.DECLINED)
        for order_id, staff_id, reason in answers.values_list("visit__order_id", "staff_id", "reason"):
            self.declined[order_id][str(staff_id)] = f"已答复不能去（{reason}）"

    def _said(self, provider_id: UUID, elders: set[UUID], people: Mapping[str, Person]) -> None:
        rows = CarerWish.objects.filter(provider_id=provider_id, elder_id__in=elders, ended_at__isnull=True)
        for row in rows:
            whom = [str(row.staff_id)] if row.staff_id else [each.id for each in people.values() if each.sex == row.sex]
            for staff in whom:
                if row.kind == CarerWish.Kind.STEADY:
                    self.familiar[row.elder_id].add(staff)
                    self.steady[row.elder_id].add(staff)
                elif row.kind == CarerWish.Kind.BARRED:
                    self.barred[row.elder_id][staff] = "老人不希望其上门" + (f"（{row.reason}）" if row.reason else "")
                else:
                    self.wished[row.elder_id].add(staff)

    def _complaints(self, elders: set[UUID], day: date, figures: Mapping[str, int]) -> None:
        since = bounds(day)[0] - timedelta(days=figures.get("投诉回避", 0))
        rows = Complaint.objects.filter(elder_id__in=elders, created_at__gte=since)
        for elder_id, staff_id in rows.values_list("elder_id", "order__visits__staff_id"):
            if staff_id is not None:
                self.barred[elder_id][str(staff_id)] = "老人投诉过"

    def _known(self, elders: set[UUID], day: date, figures: Mapping[str, int]) -> None:
        since = bounds(day)[0] - timedelta(days=figures.get("熟悉期限", 0))
        rows = Visit.objects.filter(elder_id__in=elders, state=VisitState.VERIFIED, verified_at__gte=since)
        for elder_id, staff_id in rows.order_by().values_list("elder_id", "staff_id").distinct():
            self.familiar[elder_id].add(str(staff_id))


def _entry(row: dict[str, Any], visit: dict[str, Any] | None, midnight: datetime, wishes: Wishes) -> Entry:
    elder = row["elder_id"]
    earliest = minute_of(row["wanted_from"], midnight)
    task = Task(
        id=str(row["id"]),
        name=row["elder__name"],
        minutes=row["minutes"],
        earliest=earliest,
        latest=max(earliest, minute_of(row["wanted_to"] - timedelta(minutes=row["minutes"]), midnight)),
        latitude=row["elder__latitude"],
        longitude=row["elder__longitude"],
        skills=frozenset(row["service__skills"]),
        wished=frozenset(wishes.wished.get(elder, ())),
        barred={**wishes.barred.get(elder, {}), **wishes.declined.get(row["id"], {})},
        familiar=frozenset(wishes.familiar.get(elder, ())),
        urgent=row["urgent"],
    )
    entry = Entry(
        task=task,
        order_id=row["id"],
        elder_id=elder,
        elder_name=row["elder__name"],
        area_id=row["area_id"],
        place=f"{row['area__name']} {row['elder__address']}".strip(),
        service=row["service__name"],
    )
    if visit is None:
        return entry
    return replace(
        entry,
        visit_id=visit["id"],
        visit_version=visit["version"],
        visit_state=visit["state"],
        staff_id=str(visit["staff_id"]),
        start=minute_of(visit["planned"].lower, midnight),
        end=minute_of(visit["planned"].upper, midnight),
    )


def _under_way(
    entries: Mapping[UUID, Entry], visits: Mapping[UUID, dict[str, Any]], midnight: datetime, since: int, still: int
) -> dict[UUID, Entry]:
    """Return the entries whose carer is there now: it takes its minutes from the check-in, or ``still`` from now.

    Who has checked in at another elder's since is no longer there, though nobody checked out.
    """
    begun = [visit for visit in visits.values() if visit["check_in_at"] is not None]
    latest = {visit["staff_id"]: visit for visit in sorted(begun, key=lambda each: each["check_in_at"])}
    found = {}
    for visit in latest.values():
        entry = entries.get(visit["order_id"])
        if entry is not None and visit["state"] == VisitState.STARTED:
            began = minute_of(visit["check_in_at"], midnight)
            ends = began + entry.task.minutes
            found[entry.order_id] = replace(entry, under_way=(began, ends if ends > since else since + still))
    return found


def task_of(order: Order, day: Day) -> Task:
    """Return an order as a task for a provider's carers, with whom its elder wants of them, of this day or not."""
    entry = day.entries.get(order.pk)
    if entry is not None:
        return entry.task
    row = Order.objects.values(*_ORDER).get(pk=order.pk)
    _rules, figures = rules_on(day.day)
    wishes = Wishes(day.provider_id, [row], day.people, day.day, figures)
    return _entry(row, None, day.midnight, wishes).task


@dataclass(frozen=True)
class Standing:
    """How an order stands in a draft: its carer and start, whether the carer is held, whether all of it is fixed."""

    staff_id: str | None = None
    start: int | None = None
    held: bool = False
    fixed: bool = False


@dataclass(frozen=True)
class Posed:
    """The engine's problem of a day, the plan to start from, and the orders it leaves as they are."""

    problem: Problem
    start: Plan
    fixed: frozenset[UUID]


def problem_of(day: Day, standings: Mapping[UUID, Standing]) -> Posed:
    """Write what can still be planned of a day as a problem for the engine.

    What is fixed shortens its carer's day instead of being part of the problem: visits in the past need not obey the
    ways that are reckoned with, and published ones were agreed. A carer works in the stretches left to them; what is
    fixed counts for their hours, of which each stretch has its part by length.
    """
    fixed = {order for order, standing in standings.items() if standing.fixed}
    open_entries = [entry for order, entry in day.entries.items() if order not in fixed]
    by_carer: dict[str, list[Placed]] = defaultdict(list)
    for order in fixed:
        standing, entry = standings[order], day.entries[order]
        if standing.staff_id is not None and standing.start is not None:
            by_carer[standing.staff_id].append(entry.placed_at(standing.start))
    points: list[tuple[float | None, float | None]] = []
    carers: list[Carer] = []
    for person in day.people.values():
        fixed_stops = expected(person, by_carer.get(person.id, []), day.rules)
        stretches = _stretches(person, fixed_stops, day)
        lunch = _lunch(person, fixed_stops, stretches, day)
        done = _done(person, fixed_stops, stretches, day)
        whole = sum(stretch.end - stretch.start for stretch in stretches)
        for number, stretch in enumerate(stretches):
            rests = (lunch[1],) if lunch is not None and lunch[0] == number else ()
            left = max(0.0, day.hours - done) * (stretch.end - stretch.start) / whole
            carers.append(_carer(person, number, stretch, points, rests, done, left))
    at = len(points)
    points += [(entry.task.latitude, entry.task.longitude) for entry in open_entries]
    visits = [
        _wanted(entry, at + index, standings.get(entry.order_id, Standing()), carers, day)
        for index, entry in enumerate(open_entries)
    ]
    ways = ways_between(points, {carer.mode for carer in carers} or {"ebike"}, day.rules.travel)
    weights = Weights(unfamiliar=float(day.stranger), fairness=FAIRNESS, change=float(day.change))
    problem = Problem(tuple(visits), tuple(carers), ways, weights)
    return Posed(problem, _start_plan(open_entries, standings, carers), frozenset(fixed))


@dataclass(frozen=True)
class _Stretch:
    start: int
    end: int
    start_point: tuple[float | None, float | None]
    end_point: tuple[float | None, float | None]


def _stretches(person: Person, fixed: list[Placed], day: Day) -> list[_Stretch]:
    """Return the stretches of a carer's shifts that are free of what is fixed, each from place to place."""
    base = (person.latitude, person.longitude)
    found: list[_Stretch] = []
    stops = sorted(fixed, key=lambda each: each.start)
    for shift_start, shift_end in person.shifts:
        free, place = max(shift_start, day.since), base
        for stop in stops:
            if stop.end <= free and stop.end > shift_start:
                place = (stop.task.latitude, stop.task.longitude)
            if stop.end <= free or stop.start >= shift_end:
                continue
            there = (stop.task.latitude, stop.task.longitude)
            if stop.start > free:
                found.append(_Stretch(free, min(stop.start, shift_end), place, there))
            free, place = max(free, stop.end), there
        if free < shift_end:
            found.append(_Stretch(free, shift_end, place, base))
    return found


def _done(person: Person, fixed: list[Placed], stretches: list[_Stretch], day: Day) -> float:
    """Return the minutes a carer works for what is fixed: the visits, and the ways that lie in no stretch."""
    if not fixed:
        return 0.0
    load = follow(person, fixed, day.rules).sums.load
    for stretch in stretches:
        load -= day.rules.travel.minutes(*stretch.start_point, *stretch.end_point, person.mode)
    return float(max(0, load))


def _lunch(person: Person, fixed: list[Placed], stretches: list[_Stretch], day: Day) -> tuple[int, Rest] | None:
    """Return the stretch in which a carer has room for lunch, and when; none where they had it or nothing is left."""
    rules = day.rules
    if not takes_lunch(person, rules) or _had_lunch(person, fixed, day):
        return None
    found: list[tuple[float, int, Rest]] = []
    for number, stretch in enumerate(stretches):
        way = rules.travel.minutes(*stretch.start_point, *stretch.end_point, person.mode)
        earliest = max(stretch.start, rules.lunch_earliest)
        latest = min(rules.lunch_latest, stretch.end - way - rules.lunch_minutes)
        if earliest <= latest:
            found.append((latest - earliest, -number, Rest(earliest, latest, rules.lunch_minutes)))
    if not found:
        return None
    _room, number, rest = max(found, key=lambda each: each[:2])
    return -number, rest


def _had_lunch(person: Person, fixed: list[Placed], day: Day) -> bool:
    """Tell whether a carer had the time of the lunch break to themselves before now."""
    rules = day.rules
    place, free = (person.latitude, person.longitude), min(start for start, _end in person.shifts)
    for stop in sorted(fixed, key=lambda each: each.start):
        if stop.start >= day.since:
            break
        there = (stop.task.latitude, stop.task.longitude)
        begins = max(free + rules.travel.minutes(*place, *there, person.mode), rules.lunch_earliest)
        if begins <= rules.lunch_latest and begins + rules.lunch_minutes <= stop.start:
            return True
        place, free = there, stop.end
    begins = max(free, rules.lunch_earliest)
    return begins <= rules.lunch_latest and begins + rules.lunch_minutes <= day.since


def _carer(
    person: Person,
    number: int,
    stretch: _Stretch,
    points: list[tuple[float | None, float | None]],
    rests: tuple[Rest, ...],
    done: float,
    left: float,
) -> Carer:
    points += [stretch.start_point, stretch.end_point]
    return Carer(
        id=f"{person.id}/{number}",
        skills=person.skills,
        start=float(stretch.start),
        end=float(stretch.end),
        start_place=len(points) - 2,
        end_place=len(points) - 1,
        mode=person.mode,
        rests=rests,
        contract=done + left,
        done=done,
    )


def person_of(carer_id: str) -> str:
    """Return whose stretch of a day an engine's carer is."""
    return carer_id.partition("/")[0]


def _wanted(entry: Entry, place: int, standing: Standing, carers: list[Carer], day: Day) -> Wanted:
    task = entry.task

    def those(people: Iterable[str]) -> frozenset[str]:
        chosen = set(people)
        return frozenset(carer.id for carer in carers if person_of(carer.id) in chosen)

    barred = set(task.barred)
    if standing.held and standing.staff_id is not None:
        barred |= {person for person in day.people if person != standing.staff_id}
    earliest = max(task.earliest, day.since)
    told = _told(entry, carers, day)
    if told and entry.start is not None and day.since > 0:
        # Who waits today was told a time.
        earliest = max(earliest, round(entry.start - SOONER))
    return Wanted(
        id=task.id,
        place=place,
        needs=(Need(float(task.minutes), task.skills),),
        earliest=float(earliest),
        latest=float(max(earliest, task.latest)),
        priority=URGENT if task.urgent else 1.0,
        wished=those(task.wished),
        barred=those(barred),
        familiar=those(task.familiar),
        published=told,
    )


def _told(entry: Entry, carers: list[Carer], day: Day) -> tuple[str, ...]:
    """Return the carer, as the engine knows them, who was told to make a visit and still can."""
    start = entry.start
    if entry.staff_id is None or start is None or day.released(entry):
        return ()
    return tuple(carer.id for carer in carers if person_of(carer.id) == entry.staff_id and start < carer.end)[:1]


def _start_plan(entries: list[Entry], standings: Mapping[UUID, Standing], carers: list[Carer]) -> Plan:
    given, left = [], []
    for entry in entries:
        standing = standings.get(entry.order_id, Standing())
        carer = None
        if standing.staff_id is not None and standing.start is not None:
            carer = next(
                (
                    each
                    for each in carers
                    if person_of(each.id) == standing.staff_id and each.start <= standing.start < each.end
                ),
                None,
            )
        if carer is None or standing.start is None:
            left.append(entry.task.id)
        else:
            end = float(standing.start + entry.task.minutes)
            given.append(Given(entry.task.id, 0, carer.id, float(standing.start), end))
    return Plan(tuple(given), (), tuple(left))


def placed_by(day: Day, posed: Posed, plan: Plan) -> dict[UUID, Standing]:
    """Read the engine's plan: for each order it was to plan, the carer and start, or none."""
    given = {each.visit_id: each for each in plan.assignments}
    found = {}
    for order in day.entries:
        if order in posed.fixed:
            continue
        each = given.get(str(order))
        found[order] = Standing() if each is None else Standing(person_of(each.carer_id), round(each.start))
    return found


def days_of(day: Day, standings: Mapping[UUID, Standing]) -> dict[str, list[Placed]]:
    """Return every carer's stops of a draft."""
    found: dict[str, list[Placed]] = defaultdict(list)
    for order, standing in standings.items():
        entry = day.entries.get(order)
        if entry is None or standing.staff_id is None or standing.start is None:
            continue
        found[standing.staff_id].append(entry.placed_at(standing.start))
    return dict(found)


def standing_of_records(day: Day) -> dict[UUID, Standing]:
    """Return how the visits of a day stand in the records, whatever any draft says."""
    return {
        order: Standing(entry.staff_id, entry.start)
        for order, entry in day.entries.items()
        if entry.staff_id is not None
    }


def sums_of(day: Day, days: Mapping[str, list[Placed]]) -> dict[str, dict[str, int]]:
    """Return what each carer's day comes to, for those who have any."""
    found = {}
    for staff, stops in days.items():
        person = day.people.get(staff)
        if person is not None and stops:
            walk = follow(person, stops, day.rules)
            found[staff] = {name: getattr(walk.sums, name) for name in walk.sums.__dataclass_fields__}
    return found
