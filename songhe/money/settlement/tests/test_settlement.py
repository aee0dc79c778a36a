"""From verified visits to money that is payable: each of the people does their own part, and only that."""

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from songhe.core.calendar.services import at
from songhe.core.errors import Refused
from songhe.core.flow.services import fire
from songhe.core.ids import uuid7
from songhe.core.ledger import audit, credits
from songhe.core.ledger.services import balance
from songhe.core.scope.services import Scope, use
from songhe.core.testing.tables import owner_connection
from songhe.money.settlement import drawing, selectors, services
from songhe.money.settlement.models import Statement, StatementLine
from songhe.money.settlement.tests.world import CODES, MONTH, NEXT, World


def draw(world, month=MONTH, on=NEXT):
    with world.acting("clerk", on) as clerk:
        return services.draw(month=month, user=clerk)


def step(world, who, statement, name, **more):
    with world.acting(who) as user:
        return fire(statement, name, user=user, **more)


def confirmed(world):
    """Return the month's statement, agreed by the provider."""
    draw(world)
    statement = Statement.objects.get(provider=world.provider)
    step(world, "clerk", statement, "send")
    return step(world, "manager", statement, "confirm")


def checked(world):
    statement = confirmed(world)
    with world.acting("checker") as checker:
        return services.check(statement=statement, user=checker)


def approved(world):
    statement = checked(world)
    with world.acting("approver") as approver:
        return services.approve(statement=statement, user=approver)


def test_the_month_is_drawn_at_contract_prices(world):
    credit = world.new_credit()
    visits = [world.visit(credit, day) for day in (2, 3)]
    world.visit(credit, 4, credit_fen=3000)
    world.visit(credit, 5, credit_fen=0)
    drawn = draw(world)
    assert (drawn.statements, drawn.visits, drawn.unpriced) == (1, 3, 0)
    statement = selectors.with_totals(Statement.objects.all()).get()
    assert (statement.visits, statement.credit_fen, statement.payable_fen, statement.own_fen) == (3, 13000, 13000, 2000)
    assert (statement.provider, statement.area, statement.month) == (world.provider, world.county, MONTH)
    line = statement.lines.get(visit=visits[0])
    assert (line.minutes, line.contract_id, line.fund_id) == (60, world.contract.pk, world.line.account_id)
    assert line.served_on == date(2026, 3, 2)


def test_drawing_again_adds_only_what_is_new(world):
    credit = world.new_credit()
    world.visit(credit, 2)
    assert draw(world).visits == 1
    assert draw(world).visits == 0
    world.visit(credit, 3)
    assert draw(world).visits == 1
    assert Statement.objects.count() == 1
    step(world, "clerk", Statement.objects.get(), "send")
    world.visit(credit, 4)
    assert draw(world).visits == 0, "a statement that was sent takes nothing more"
    assert draw(world, date(2026, 4, 1), date(2026, 5, 1)).visits == 1
    assert Statement.objects.count() == 2


def test_a_visit_verified_after_the_month_waits_for_the_next(world):
    credit = world.new_credit()
    world.visit(credit, 31, verified_on=NEXT)
    assert draw(world).visits == 0
    assert draw(world, date(2026, 4, 1), date(2026, 5, 1)).visits == 1


def test_a_month_under_way_is_not_drawn(world):
    with pytest.raises(Refused, match="2026年03月还没有结束"):
        draw(world, on=date(2026, 3, 31))


def test_a_visit_without_contract_price_is_left_and_named(world):
    credit = world.new_credit()
    other, staff = world.new_provider("无合同", CODES[1])
    world.visit(credit, 2, provider=other, staff=staff)
    assert draw(world).unpriced == 1
    assert not Statement.objects.exists()
    assert drawing.unpriced(MONTH) == [("无合同", "助浴", 1)]


def test_the_narrowest_contract_prices_the_visit(world):
    world.sign(world.provider, "T-9", 4500, area=world.community)
    world.visit(world.new_credit(), 2)
    draw(world)
    assert StatementLine.objects.get().contract_price_fen == 4500


def test_what_the_contract_does_not_allow_goes_back_to_the_budget(system):
    world = World(price_fen=5000, contract_fen=4000)
    world.visit(world.new_credit(), 2)
    before = balance(world.line.account)
    statement = approved(world)
    assert balance(world.line.account) == before + 1000
    assert balance(credits.payable(world.line.account, world.provider.pk)) == 4000
    assert balance(credits.accrued(world.line.account, world.provider.pk)) == 0
    assert selectors.payable_by_fund(statement) == {world.line.account_id: (5000, 4000)}
    assert audit.verify().ok


def test_a_visit_is_never_on_two_lines(world):
    visit = world.visit(world.new_credit(), 2)
    draw(world)
    line = StatementLine.objects.get(visit=visit)
    copy = StatementLine.objects.get(pk=line.pk)
    copy.pk, copy._state.adding = uuid7(), True
    with pytest.raises(IntegrityError, match="statement_line_visit_once"), transaction.atomic():
        copy.save(force_insert=True)


def test_facts_of_a_line_stay(world):
    world.visit(world.new_credit(), 2)
    draw(world)
    for change in ("payable_fen = 1", "minutes = 1", "signature = ''", "visit_id = order_id"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE settlement_statementline SET {change}")
    with pytest.raises(DatabaseError), transaction.atomic():
        StatementLine.objects.all()._raw_delete("default")


def test_an_altered_line_stops_the_statement(transactional_db):
    with use(Scope.system()):
        world = World()
        world.visit(world.new_credit(), 2)
        statement = confirmed(world)
    owner = owner_connection()
    try:
        with owner.cursor() as cursor:
            cursor.execute("ALTER TABLE settlement_statementline NO FORCE ROW LEVEL SECURITY")
            cursor.execute("ALTER TABLE settlement_statementline DISABLE TRIGGER USER")
            cursor.execute("UPDATE settlement_statementline SET minutes = 600")
    finally:
        owner.close()
    with world.acting("checker") as checker, pytest.raises(Refused, match="有 1 条明细与签章不符"):
        services.check(statement=statement, user=checker)
    assert "与签章不符" in str(audit.verify())


def test_the_whole_way_with_four_people(world):
    world.visit(world.new_credit(), 2)
    statement = approved(world)
    assert statement.state == "approved"
    assert balance(credits.payable(world.line.account, world.provider.pk)) == 5000
    report = audit.verify()
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("who", "verb", "complaint"),
    [
        ("manager", services.check, "不能办理“审核通过”"),
        ("clerk", services.approve, "不能办理“审批通过”"),
        ("checker", services.approve, "不能办理“审批通过”"),
    ],
)
def test_each_does_only_their_own_part(world, who, verb, complaint):
    world.visit(world.new_credit(), 2)
    statement = confirmed(world) if verb is services.check else checked(world)
    with world.acting(who) as user, pytest.raises(Refused, match=complaint):
        verb(statement=statement, user=user)


def test_whoever_drew_or_checked_may_not_approve_even_with_the_right_role(world):
    world.visit(world.new_credit(), 2)
    statement = checked(world)
    for name in ("clerk", "checker"):
        person = world.people[name]
        person.role = "finance_approver"
        person.save()
        with world.acting(name) as user, pytest.raises(Refused, match="不相容岗位分离"):
            services.approve(statement=statement, user=user)
    assert balance(credits.payable(world.line.account, world.provider.pk)) == 0


def test_a_contested_line_is_taken_out_and_drawn_again_next_month(world):
    credit = world.new_credit()
    world.visit(credit, 2), world.visit(credit, 3)
    draw(world)
    statement = Statement.objects.get()
    step(world, "clerk", statement, "send")
    contested, kept = statement.lines.order_by("served_on")
    with world.acting("manager") as manager:
        with pytest.raises(Refused, match="请选择有异议的明细"):
            services.dispute(statement=statement, line_ids=[], reason="不对", user=manager)
        with pytest.raises(Refused, match="不都属于这份结算单"):
            services.dispute(statement=statement, line_ids=[uuid7()], reason="不对", user=manager)
        services.dispute(statement=statement, line_ids=[contested.pk, kept.pk], reason="时长记错", user=manager)
        with pytest.raises(Refused, match="不能处理结算异议"):
            services.answer(line=contested, keep=True, answer="同意", user=manager)
    with world.acting("clerk") as clerk:
        services.answer(line=contested, keep=False, answer="重新核验", user=clerk)
        with pytest.raises(Refused, match="还有 1 条"):
            fire(statement, "resolve", user=clerk)
        services.answer(line=kept, keep=True, answer="核对无误", user=clerk)
        with pytest.raises(Refused, match="没有待处理的异议"):
            services.answer(line=kept, keep=False, answer="再来", user=clerk)
        statement = fire(statement, "resolve", user=clerk)
    with world.acting("checker") as checker:
        services.check(statement=statement, user=checker)
    with world.acting("approver") as approver:
        services.approve(statement=statement, user=approver)
    assert balance(credits.payable(world.line.account, world.provider.pk)) == 5000
    assert draw(world, NEXT, date(2026, 5, 1)).visits == 1
    assert contested.visit.statement_lines.filter(voided_at__isnull=True).get().statement.month == NEXT


def test_a_provider_sees_its_own_statements_only(world):
    other, staff = world.new_provider("另一家", CODES[1])
    world.sign(other, "T-2", 5000)
    credit = world.new_credit()
    world.visit(credit, 2), world.visit(credit, 3, provider=other, staff=staff)
    draw(world)
    assert Statement.objects.count() == 2
    with world.acting("manager"):
        assert Statement.objects.get().provider_id == world.provider.pk
        assert StatementLine.objects.get().provider_id == world.provider.pk
        with pytest.raises(DatabaseError), transaction.atomic():
            StatementLine.objects.update(voided_at=None)


def test_a_statement_costs_a_fixed_number_of_queries(world, django_assert_max_num_queries):
    credit = world.new_credit(10**6)
    for day in range(1, 29):
        world.visit(credit, day)
    with django_assert_max_num_queries(40), at(NEXT):
        services.draw(month=MONTH, user=world.people["clerk"])
    statement = Statement.objects.get()
    with django_assert_max_num_queries(3):
        lines = selectors.lines_of(statement)
        assert [line.elder_name for line in lines] == ["测试1"] * 28
