"""The people of a Songhe and what each may do: a permission is ``<room>.<verb>``, and ``*`` stands for any verb."""

from fnmatch import fnmatchcase
from functools import cache

from django.db import models


class Role(models.TextChoices):
    COMMUNITY_CLERK = "community_clerk", "社区网格员"
    STREET_CLERK = "street_clerk", "街道经办人"
    COUNTY_CLERK = "county_clerk", "区县经办人"
    OPERATOR = "operator", "12349坐席"
    ASSESSOR = "assessor", "评估员"
    CARER = "carer", "护理员"
    ADVISER = "adviser", "养老顾问"
    PROVIDER_MANAGER = "provider_manager", "服务商管理员"
    FAMILY = "family", "老人与家属"
    POLICY_OFFICER = "policy_officer", "政策管理员"
    FINANCE_CHECKER = "finance_checker", "财务审核"
    FINANCE_APPROVER = "finance_approver", "财务审批"
    CASHIER = "cashier", "出纳"
    INSPECTOR = "inspector", "监管人员"
    AUDITOR = "auditor", "审计人员"
    LEADER = "leader", "局领导"
    SYSTEM_ADMIN = "system_admin", "系统管理员"
    SECURITY_ADMIN = "security_admin", "安全管理员"
    AUDIT_ADMIN = "audit_admin", "审计管理员"


READ_ONLY = frozenset({Role.INSPECTOR, Role.AUDITOR, Role.LEADER})
PROVIDER_SIDE = frozenset({Role.CARER, Role.PROVIDER_MANAGER})
# Three administrators share out what one all-powerful role would hold (GB/T 22239-2019, 8.1.4.2); none sees elders.
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})

_REGISTERS = {"areas.view", "elders.view", "providers.view", "workforce.view", "facilities.view", "catalogue.view"}
_CARE_VIEW = {
    "assessment.view",
    "policy.view",
    "careplans.view",
    "orders.view",
    "dispatch.view",
    "visits.view",
    "outreach.view",
}
_MONEY_VIEW = {"funds.view", "contracts.view", "settlement.view", "payments.view", "ledger.view"}
# To connect a system that reads as they do.
_CONNECT = {"api.view", "api.make", "api.revoke"}
_OVERSIGHT = {"indicators.view", "screen.view", "supervision.view"}

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.COMMUNITY_CLERK: frozenset(
        _REGISTERS
        | _CARE_VIEW
        | {"elders.edit", "elders.import", "elders.export", "assessment.apply", "orders.place", "careplans.edit"}
        | {"outreach.visit", "field.use"}
    ),
    Role.STREET_CLERK: frozenset(
        _REGISTERS
        | _CARE_VIEW
        | _OVERSIGHT
        | {
            "elders.*",
            "assessment.apply",
            "assessment.assign",
            "assessment.accept",
            "policy.decide",
            "orders.*",
            "visits.judge",
            "careplans.edit",
            "outreach.*",
            "facilities.enter",
            "field.use",
        }
    ),
    Role.COUNTY_CLERK: frozenset(
        _REGISTERS
        | _CARE_VIEW
        | _MONEY_VIEW
        | _OVERSIGHT
        | {
            "elders.*",
            "providers.*",
            "workforce.*",
            "facilities.*",
            "catalogue.*",
            "contracts.*",
            "assessment.apply",
            "assessment.assign",
            "assessment.accept",
            "assessment.publish",
            "policy.decide",
            "policy.adjust",
        }
        | {"outreach.view", "outreach.handle"}
        | {"orders.*", "dispatch.*", "visits.judge", "visits.verify", "settlement.draw", "funds.edit"}
        | _CONNECT
    ),
    Role.OPERATOR: frozenset(
        _REGISTERS | _CARE_VIEW | {"hotline.use", "orders.*", "dispatch.*", "elders.reveal", "careplans.edit"}
    ),
    Role.ASSESSOR: frozenset({"elders.view", "assessment.view", "assessment.assess", "field.use"}),
    Role.ADVISER: frozenset(
        {"elders.view", "assessment.view", "policy.view", "careplans.*"}
        | {"orders.place", "orders.view", "catalogue.view", "field.use"}
        | {"outreach.view", "outreach.visit"}
    ),
    Role.CARER: frozenset({"visits.view", "visits.carry_out", "orders.view", "field.use"}),
    Role.PROVIDER_MANAGER: frozenset(
        {
            "orders.view",
            "orders.accept",
            "dispatch.*",
            "visits.view",
            "workforce.view",
            "workforce.edit",
            "settlement.view",
            "settlement.confirm",
        }
        | {"providers.view", "providers.report", "catalogue.view", "catalogue.publish"}
        | {"facilities.view", "facilities.house", "contracts.view", "areas.lookup", "elders.lookup"}
        | _CONNECT
    ),
    Role.FAMILY: frozenset({"family.use"}),
    Role.POLICY_OFFICER: frozenset(
        _REGISTERS | _CONNECT | {"policy.*", "indicators.*", "screen.view", "catalogue.edit", "assessment.view"}
    ),
    Role.FINANCE_CHECKER: frozenset(_MONEY_VIEW | {"settlement.check", "visits.view", "orders.view", "providers.view"}),
    Role.FINANCE_APPROVER: frozenset(
        _MONEY_VIEW | {"settlement.approve", "visits.view", "orders.view", "providers.view", "funds.edit"}
    ),
    Role.CASHIER: frozenset(_MONEY_VIEW | _CONNECT | {"payments.pay", "providers.view"}),
    Role.INSPECTOR: frozenset(_REGISTERS | _CARE_VIEW | _MONEY_VIEW | _OVERSIGHT | _CONNECT | {"elders.export"}),
    Role.AUDITOR: frozenset(_REGISTERS | _CARE_VIEW | _MONEY_VIEW | _OVERSIGHT | {"journal.view"}),
    Role.LEADER: frozenset(_REGISTERS | _CARE_VIEW | _MONEY_VIEW | _OVERSIGHT),
    Role.SYSTEM_ADMIN: frozenset({"system.*", "areas.view", "packs.*", "catalogue.view"}),
    Role.SECURITY_ADMIN: frozenset(
        {"accounts.*", "areas.view", "providers.lookup", "api.view", "api.revoke", "api.oversee"}
    ),
    Role.AUDIT_ADMIN: frozenset({"journal.*", "accounts.view", "api.view", "api.oversee"}),
}


@cache
def role_may(role: str, permission: str) -> bool:
    """Tell whether a role holds a permission such as ``elders.edit``."""
    return any(fnmatchcase(permission, pattern) for pattern in PERMISSIONS.get(role, frozenset()))


def roles_with(permission: str) -> list[str]:
    """Return the roles that hold a permission, for to-do lists and explanations."""
    return [role for role in PERMISSIONS if role_may(role, permission)]
