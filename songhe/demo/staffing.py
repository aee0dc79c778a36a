"""A place without a demo region: an account for each thing that somebody does there, and a roll of any length."""

from collections.abc import Iterator
from random import Random
from typing import Any

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.scope.services import Scope, use
from songhe.demo.bulk import copy_rows, loading
from songhe.demo.geo import Community
from songhe.demo.people import Person, draw
from songhe.demo.records import DIFFICULTY, ELDER, difficulty_rows, elder_row
from songhe.packs.loader import load_pack
from songhe.registers.elders.models import AbilityLevel, Difficulty, Elder

STAFF = (
    ("street", "孙街道", Role.STREET_CLERK),
    ("county", "周区县", Role.COUNTY_CLERK),
    ("policy", "蒋政策", Role.POLICY_OFFICER),
    ("policy2", "陶复核", Role.POLICY_OFFICER),
    ("operator", "吴坐席", Role.OPERATOR),
    ("assessor1", "郑评估", Role.ASSESSOR),
    ("assessor2", "冯评估", Role.ASSESSOR),
    ("checker", "沈审核", Role.FINANCE_CHECKER),
    ("approver", "韩审批", Role.FINANCE_APPROVER),
    ("inspector", "朱监管", Role.INSPECTOR),
    ("leader", "尤局长", Role.LEADER),
)


def staff_place(pack: str) -> dict[str, User]:
    """Make the accounts of a place, all responsible for the whole of it, and return them by user name."""
    made = {}
    with use(Scope.system()):
        area = Area.objects.get(code=load_pack(pack).areas[0])
        for username, name, role in STAFF:
            user = User(username=username, display_name=name, role=role, area=area, is_demo=True)
            user.set_unusable_password()
            user.save(force_insert=True)
            made[username] = user
    return made


# The demo region's shares serve every place: what is drawn here stands for nobody.
MARGINS = "anqing"
# Of ten, so many were assessed, with levels in these proportions from the ablest on; in difficulty, everybody was.
ASSESSED_OF_TEN = 3
LEVEL_WEIGHTS = (5, 3, 2, 1, 1)
SEED = 20260301
MIDDLE, REACH = (30.5, 114.3), 0.006


def enroll_place(pack: str, elders: int, *, seed: int = SEED) -> None:
    """Fill the empty roll of a place with so many synthetic elders over its communities, as the tables' owner.

    They have difficulties and levels of ability, which policies ask for; all live in the middle of the place.
    """
    random, day = Random(seed), today()
    with use(Scope.system()):
        area = Area.objects.get(code=load_pack(pack).areas[0])
        homes = Area.objects.filter(code__gte=area.code, code__lt=area.upper, level=Area.Level.VILLAGE)
        communities = {
            code: Community(*MIDDLE, REACH)
            for code in homes.filter(statistical_only=False).values_list("code", flat=True)
        }
    difficulties: list[tuple[Any, ...]] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        margins = load_pack(MARGINS).demo
        for person in draw(elders, seed=seed, today=day, margins=margins, communities=communities):
            row = elder_row(person)
            difficulties.extend(difficulty_rows(person, row[0]))
            level = _level(random, person)
            yield (*row, level, None if level is None else day)

    with loading(Elder, Difficulty):
        columns = (*ELDER, "ability_level", "ability_assessed_on")
        copy_rows(Elder, columns, rows(), ethnicity="汉族", state=Elder.State.ACTIVE, registered_on=day)
        copy_rows(Difficulty, DIFFICULTY, difficulties, source="示例认定单位", validity=f"[{day},)", end_reason="")


def _level(random: Random, person: Person) -> int | None:
    if not person.difficulties and random.randrange(10) >= ASSESSED_OF_TEN:
        return None
    return random.choices(AbilityLevel.values, LEVEL_WEIGHTS)[0]
