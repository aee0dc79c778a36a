"""Working days against the State Council's own notices, and the clock that tests may set."""

import logging
from datetime import UTC, date, datetime

import pytest
from django.db import connection

from songhe.core.calendar import working_days
from songhe.core.calendar.services import (
    WorkingDays,
    add_working_days,
    at,
    is_working_day,
    month_of,
    now,
    today,
    working_days_between,
)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2025, 10, 1), False),  # National Day
        (date(2025, 10, 11), True),  # a Saturday worked to make up for it
        (date(2025, 10, 12), False),  # an ordinary Sunday
        (date(2025, 10, 13), True),  # an ordinary Monday
    ],
)
def test_holidays_and_make_up_days(day, works):
    assert is_working_day(day) is works


def test_a_limit_steps_over_the_long_holiday():
    assert add_working_days(date(2025, 9, 30), 1) == date(2025, 10, 9)
    assert add_working_days(date(2025, 10, 9), -1) == date(2025, 9, 30)
    assert WorkingDays(3).after(date(2025, 9, 30)) == date(2025, 10, 11)
    assert working_days_between(date(2025, 9, 30), date(2025, 10, 11)) == 3
    assert working_days_between(date(2025, 10, 11), date(2025, 9, 30)) == -3


def test_a_year_without_notice_counts_monday_to_friday_and_says_so_once(caplog):
    working_days._warn_unknown.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert is_working_day(date(2099, 10, 1))
        assert not is_working_day(date(2099, 10, 3))
    assert [record.getMessage() for record in caplog.records] == [
        "工作日历没有 2099 年的放假安排，暂按周一至周五为工作日计算。"
    ]


def test_months_are_half_open():
    assert month_of(date(2026, 1, 31)) == (date(2026, 1, 1), date(2026, 2, 1))
    assert month_of(date(2025, 12, 2)) == (date(2025, 12, 1), date(2026, 1, 1))


def test_the_clock_is_set_for_a_block_only():
    with at(datetime(2025, 5, 31, 15, 59, tzinfo=UTC)), at(date(2025, 6, 1)):
        assert today() == date(2025, 6, 1)
        assert now().utcoffset().total_seconds() == 8 * 3600
    assert today() > date(2026, 1, 1)


@pytest.mark.django_db
def test_the_database_counts_days_as_the_region_does() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('TimeZone'), (now() AT TIME ZONE 'Asia/Shanghai')::date = CURRENT_DATE")
        assert cursor.fetchone() == ("Asia/Shanghai", True)
