"""Accounts: given by the security administrator and by nobody else; three administrators, none all-powerful."""

from uuid import uuid4

import pytest
from django.db import connection, transaction

from songhe.core.accounts import selectors, services
from songhe.core.accounts.models import Acting, User
from songhe.core.accounts.roles import ADMINISTRATORS, PERMISSIONS, Role, role_may, roles_with
from songhe.core.errors import Changed, Refused
from songhe.core.journal.selectors import history
from songhe.core.scope.services import Scope, use

PASSWORD = "松鹤-Evening-77"


@pytest.fixture
def keeper(system):
    return services.create_user(by=None, username="keeper", display_name="安全员", role=Role.SECURITY_ADMIN)


def clerk(keeper, street, **changes):
    details = {"username": "clerk", "display_name": "张敏", "role": Role.STREET_CLERK, "area": street, **changes}
    return services.create_user(by=keeper, password=PASSWORD, **details)


def test_the_security_administrator_gives_accounts(keeper, street):
    user = clerk(keeper, street)
    assert user.check_password(PASSWORD)
    assert user.must_change_password
    assert user.scope() == Scope.area(street.code, street.upper).seen_by(user.pk)
    moved = services.set_role(by=keeper, user=user, role=Role.CARER, provider_id=(provider := uuid4()))
    assert moved.scope() == Scope.of_provider(provider).seen_by(moved.pk)
    closed = services.deactivate(by=keeper, user=user)
    assert not closed.may("visits.view")
    assert services.reactivate(by=keeper, user=user).may("visits.view")
    role, area, _provider = history(user)[2].changes
    assert (str(role), str(area)) == ("角色：街道经办人 → 护理员", f"负责区划：{street} → （空）")


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.SECURITY_ADMIN])
def test_nobody_else_changes_accounts(keeper, street, role):
    place = {"provider_id": uuid4()} if role in (Role.CARER, Role.PROVIDER_MANAGER) else {}
    if role not in ADMINISTRATORS and not place:
        place = {"area": street}
    other = services.create_user(by=None, username="other", display_name="他", role=role, **place)
    for act in (
        lambda: clerk(other, street),
        lambda: services.set_role(by=other, user=keeper, role=Role.LEADER, area=street),
        lambda: services.deactivate(by=other, user=keeper),
        lambda: services.reset_password(by=other, user=keeper),
        lambda: services.reset_second_factor(by=other, user=keeper),
    ):
        with pytest.raises(Refused, match="不能管理账号"):
            act()


def test_nobody_writes_accounts_past_the_services(keeper, street):
    user = clerk(keeper, street)
    for scope in (
        Scope.area(street.code, street.upper),
        Scope.area(0, 10**12, read_only=True),
        Scope.of_provider(uuid4()),
        Scope.of_persons([uuid4()]),
    ):
        for statement in (
            "UPDATE accounts_user SET role = 'security_admin'",
            "UPDATE accounts_user SET password = 'x'",
            "DELETE FROM accounts_user",
            "INSERT INTO accounts_acting (id, version, created_at, user_id, elder_id, relation) "
            f"VALUES (gen_random_uuid(), 1, now(), '{user.pk}', gen_random_uuid(), '子女')",
            "SELECT * FROM mfa_authenticator",
            "SELECT * FROM django_session",
            "UPDATE procrastinate_jobs SET args = '{}'",
        ):
            with use(scope), pytest.raises(Exception, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)
        with use(scope), connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_administrators_check_one_another(keeper, street):
    with pytest.raises(Refused, match="不能修改自己的账号"):
        services.set_role(by=keeper, user=keeper, role=Role.COUNTY_CLERK, area=street)
    second = services.create_user(by=keeper, username="second", display_name="二", role=Role.SECURITY_ADMIN)
    services.deactivate(by=keeper, user=second)
    with pytest.raises(Refused, match="最后一位安全管理员"):
        services.deactivate(by=second, user=keeper)


def test_no_role_is_all_powerful():
    watched = {"accounts.edit", "journal.view", "system.backup", "elders.view", "payments.pay", "settlement.approve"}
    for role in PERMISSIONS:
        assert {permission for permission in watched if role_may(role, permission)} != watched
    assert roles_with("accounts.edit") == [Role.SECURITY_ADMIN]
    assert Role.SECURITY_ADMIN not in roles_with("journal.view")
    for role in ADMINISTRATORS:
        assert not role_may(role, "elders.view")
    for permission in ("settlement.check", "settlement.approve", "payments.pay"):
        assert len(roles_with(permission)) == 1
    assert len({roles_with(each)[0] for each in ("settlement.check", "settlement.approve", "payments.pay")}) == 3


def test_administrators_see_no_elders_area(keeper):
    assert keeper.scope() == Scope.area(0, 0).seen_by(keeper.pk)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"role": Role.CARER}, "provider_id"),
        ({"provider_id": uuid4()}, "provider_id"),
        ({"area": None}, "area"),
        ({"role": "king"}, "role"),
        ({"username": " KEEPER "}, "username"),
        ({"display_name": " "}, "display_name"),
    ],
)
def test_accounts_that_make_no_sense_are_refused(keeper, street, changes, field):
    with pytest.raises(Refused) as refusal:
        clerk(keeper, street, **changes)
    assert refusal.value.field == field


def test_weak_passwords_are_refused(keeper, street):
    with pytest.raises(Refused, match="密码") as refusal:
        services.create_user(
            by=keeper, username="a", display_name="a", role=Role.LEADER, area=street, password="1234567890"
        )
    assert refusal.value.field == "password"


def test_two_administrators_on_one_account(keeper, street):
    user = clerk(keeper, street)
    services.set_role(by=keeper, user=user, role=Role.COMMUNITY_CLERK, area=street, version=user.version)
    with pytest.raises(Changed):
        services.deactivate(by=keeper, user=user, version=user.version)


def test_families_act_for_the_elders_they_are_linked_to(keeper, street):
    staff = clerk(keeper, street)
    daughter = services.create_user(by=keeper, username="daughter", display_name="女儿", role=Role.FAMILY)
    elder = uuid4()
    acting = services.link_family(by=staff, user=daughter, elder_id=elder, relation="女儿")
    assert daughter.scope() == Scope.of_persons([elder]).seen_by(daughter.pk)
    with pytest.raises(Refused, match="已经可以"):
        services.link_family(by=staff, user=daughter, elder_id=elder, relation="女儿")
    with pytest.raises(Refused, match="只有老人与家属"):
        services.link_family(by=staff, user=staff, elder_id=elder, relation="同事")
    with use(Scope.of_persons([uuid4()])):
        assert not Acting.objects.exists()
        assert not User.objects.filter(role=Role.FAMILY).exists()
        assert User.objects.filter(pk=staff.pk).exists()
    with use(Scope.of_persons([elder])):
        assert [each.user for each in selectors.actings_for(elder)] == [daughter]
    services.unlink_family(by=staff, acting=acting)
    assert daughter.scope() == Scope.of_persons([]).seen_by(daughter.pk)


def test_accounts_nobody_uses_are_found(keeper, street):
    from songhe.core.calendar.services import at, today

    user = clerk(keeper, street)
    assert not selectors.stale_users().exists()
    with at(today().replace(year=today().year + 1)):
        assert user in selectors.stale_users()
