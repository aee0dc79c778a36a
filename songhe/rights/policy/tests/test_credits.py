"""The turn of the month: what is left of old credits goes back, everyone due gets the new one."""

from datetime import date

import pytest

from songhe.core.calendar.services import at
from songhe.core.errors import Refused
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.registers.funds.models import BudgetLine
from songhe.rights.policy import services
from songhe.rights.policy.jobs import turn_month
from songhe.rights.policy.models import Credit

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


@pytest.fixture
def elder(anqing_city):
    with at(OCTOBER):
        found = anqing_city.poor()
        services.decide(elder_id=found.pk, policy=anqing_city.policy, on=OCTOBER, user=None)
        turn_month()
    return found


def test_the_old_month_is_closed_and_the_new_one_opened_once(elder, anqing_city):
    before = balance(anqing_city.line.account)
    for day in (1, 2):
        with at(NOVEMBER.replace(day=day)):
            turn_month()
    old, new = Credit.objects.filter(elder=elder).order_by("month")
    assert (old.month, old.expired_on, balance(old.account)) == (OCTOBER, NOVEMBER, 0)
    assert (new.month, new.expired_on, balance(new.account)) == (NOVEMBER, None, new.amount_fen)
    assert balance(anqing_city.line.account) == before
    assert verify().ok


def test_a_policy_without_a_budget_is_named_and_holds_nothing_else_up(elder):
    BudgetLine.objects.update(purpose="别的用途")
    with at(NOVEMBER), pytest.raises(Refused, match="没有用途为“居家养老服务"):
        turn_month()
    assert Credit.objects.get(elder=elder).expired_on == NOVEMBER
