"""The staff of a place without a demo region: one account for each thing that somebody does there."""

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.scope.services import Scope, use
from songhe.packs.loader import load_pack

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
