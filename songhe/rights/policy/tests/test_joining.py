"""Two records of one person merged: due once, each month once; taken apart, each has their own again."""

from datetime import date, timedelta

import pytest

from songhe.core.calendar.services import at, today
from songhe.core.ledger import credits as ledger_credits
from songhe.core.ledger.audit import verify
from songhe.core.ledger.services import balance
from songhe.core.testing.dumps import rows_of_rooms
from songhe.core.validity import last_day
from songhe.registers.elders import merging
from songhe.registers.elders.models import FollowUp, LifeEvent
from songhe.registers.elders.services import end_difficulty, record_death, record_difficulty
from songhe.rights.policy import services
from songhe.rights.policy.models import Adjustment, Credit, Entitlement, Policy

MONTH = date(2026, 11, 1)
WHEN = date(2026, 11, 10)

HISTORY = {"elders_lifeevent", "elders_merge", "elders_followup", "flow_todo"}
"""Where a merging taken back stays readable; elsewhere nothing is left of it."""


@pytest.fixture
def city(anqing_city):
    with at(WHEN):
        yield anqing_city


def entitled(city, month=MONTH, **more):
    person = city.poor(**more)
    services.decide(elder_id=person.pk, policy=city.policy, on=month, user=None)
    return person


@pytest.fixture
def two(city):
    """One person entered twice, with this month's credit on both records."""
    kept, dropped = entitled(city), entitled(city)
    services.open_month(month=MONTH, policy=city.policy)
    return kept, dropped


def merge(kept, dropped):
    return merging.merge(kept_id=kept.pk, dropped_id=dropped.pk, reason="入户核实为同一人")


def spend(person, fen, key):
    credit = Credit.objects.get(elder=person)
    ledger_credits.reserve(credit.account, fen, source=person, key=key)


def free(person):
    return sum(balance(credit.account_id) for credit in Credit.objects.filter(elder=person, expired_on=None))


def left(kind):
    return [(row.amount_fen, row.elder_id) for row in FollowUp.objects.filter(kind=kind, state="open")]


def test_of_two_credits_of_a_month_one_is_left_and_the_other_goes_back(city, two):
    kept, dropped = two
    line = balance(city.line.account)
    merge(kept, dropped)
    assert {credit.expired_on for credit in Credit.objects.filter(elder=kept)} == {None, WHEN}
    assert free(kept) == 20000 and balance(city.line.account) == line + 20000
    present = Entitlement.objects.filter(validity__contains=today())
    assert [row.elder_id for row in present] == [kept.pk]
    assert last_day(Entitlement.objects.get(elder=dropped).validity) == WHEN - timedelta(days=1)
    event = kept.life_events.get(kind="merged")
    assert {effect.what: effect.amount_fen for effect in event.effects.all()} == {
        f"终止并入档案的待遇：{city.policy}": 20000,
        f"收回重复的{city.policy}2026年11月额度未用部分": 20000,
    }
    assert not left("take_back") and verify().ok
    with at(date(2026, 12, 1)):
        assert services.open_month(month=date(2026, 12, 1), policy=city.policy) == 1


@pytest.mark.parametrize(
    ("of_kept", "of_dropped", "still_free", "taken_back"),
    [(0, 5000, 15000, []), (5000, 0, 15000, []), (3000, 8000, 9000, []), (20000, 0, 0, []), (15000, 12000, 0, [7000])],
)
def test_what_was_used_of_both_counts_against_one_month(city, two, of_kept, of_dropped, still_free, taken_back):
    kept, dropped = two
    for person, fen, key in ((kept, of_kept, "t-kept"), (dropped, of_dropped, "t-dropped")):
        if fen:
            spend(person, fen, key)
    line = balance(city.line.account)
    merge(kept, dropped)
    assert free(kept) == still_free
    assert left("take_back") == [(fen, kept.pk) for fen in taken_back]
    # Nothing is lost on the way: what nobody may use any more lies on the budget line.
    assert balance(city.line.account) - line == 40000 - of_kept - of_dropped - still_free
    assert verify().ok


def test_taken_apart_each_has_their_own_credit_again_to_the_byte(city, two):
    kept, dropped = two
    spend(dropped, 8000, "t-dropped")
    spend(kept, 3000, "t-kept")
    line = balance(city.line.account)
    before = rows_of_rooms()
    done = merge(kept, dropped)
    merging.part(merge_id=done.pk)
    after = rows_of_rooms()
    assert {table for table in before if not set(before[table]) <= set(after[table])} == set()
    assert {table for table in before if before[table] != after[table]} <= HISTORY
    assert (free(kept), free(dropped), balance(city.line.account)) == (17000, 12000, line)
    assert LifeEvent.objects.get(kind="merged").retracted_by.kind == "corrected"
    assert verify().ok
    merge(kept, dropped)
    assert free(kept) == 9000


def test_a_past_month_used_on_both_records_is_listed_and_nothing_is_opened(city, two):
    kept, dropped = two
    spend(kept, 18000, "t-kept")
    spend(dropped, 9000, "t-dropped")
    with at(date(2026, 12, 2)):
        services.close_month(month=MONTH, on=today())
        done = merge(kept, dropped)
        assert left("take_back") == [(7000, kept.pk)]
        assert not Credit.objects.filter(expired_on=None).exists()
        merging.part(merge_id=done.pk)
        assert not left("take_back")


def test_cash_due_on_both_records_is_listed_by_its_months(city):
    Policy.objects.filter(pk=city.policy.pk).update(form=Policy.Form.CASH)
    kept, dropped = entitled(city, month=date(2026, 8, 15)), entitled(city, month=date(2026, 10, 1))
    merge(kept, dropped)
    # October and November, of which the person gets one each.
    assert left("take_back") == [(2 * 20000, kept.pk)]


def test_what_only_the_other_record_was_due_comes_along(city):
    kept, dropped = city.poor(None), entitled(city)
    services.open_month(month=MONTH, policy=city.policy)
    line = balance(city.line.account)
    merge(kept, dropped)
    assert (free(kept), balance(city.line.account)) == (20000, line)
    assert [row.elder_id for row in Entitlement.objects.filter(validity__contains=today())] == [kept.pk]


def test_the_law_is_asked_anew_and_what_it_then_gave_is_withdrawn_when_taken_apart(city):
    kept, dropped = entitled(city), city.poor(None)
    services.open_month(month=MONTH, policy=city.policy)
    former = Entitlement.objects.get(elder=kept)
    end_difficulty(difficulty_id=kept.difficulties.get().pk, last_day=WHEN - timedelta(days=1), reason="收入已超标准")
    done = merge(kept, dropped)
    assert not Entitlement.objects.filter(elder=kept, validity__contains=today()).exists()
    proposed = Adjustment.objects.get(elder=kept)
    assert (proposed.state, proposed.difference_fen) == ("proposed", -20000)
    record_difficulty(elder_id=kept.pk, kind="minimum_living", first=WHEN)
    merging.part(merge_id=done.pk)
    proposed.refresh_from_db()
    assert proposed.state == "dismissed"
    assert Entitlement.objects.get(elder=kept, validity__contains=today()) == former
    assert not FollowUp.objects.filter(state="open").exists()


def test_into_a_record_of_somebody_dead_nothing_stays_due(city, two):
    kept, dropped = two
    record_death(elder_id=kept.pk, on=WHEN)
    merge(kept, dropped)
    assert free(kept) == 0
    assert not Entitlement.objects.filter(validity__contains=today() + timedelta(days=1)).exists()
    assert verify().ok


def test_a_dead_record_merged_into_a_living_one_is_to_be_checked(city, two):
    kept, dropped = two
    record_death(elder_id=dropped.pk, on=WHEN)
    merge(kept, dropped)
    assert "去世" in FollowUp.objects.get(kind="check", elder=kept, event__kind="merged").what
    assert free(kept) == 20000
