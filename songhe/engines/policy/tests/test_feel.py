"""FEEL as people write it in policies: values, three-valued logic, names with spaces, and what is no FEEL."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songhe.engines.policy.errors import FeelSyntaxError
from songhe.engines.policy.interpreter import evaluate_node, passes, plain
from songhe.engines.policy.parser import parse_expression, parse_unary_tests
from songhe.engines.policy.temporal import Months


def feel(text: str, **names: Any) -> Any:
    given_names = {name.replace("_", " "): plain(value) for name, value in names.items()}
    return evaluate_node(parse_expression(text, given_names), given_names)


def cell_takes(text: str, value: Any, **names: Any) -> Any:
    given_names = {name: plain(each) for name, each in names.items()}
    return passes(parse_unary_tests(text, given_names), plain(value), given_names)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", Decimal(7)),
        ("(1 + 2) * 3", Decimal(9)),
        ("10 - 4 - 3", Decimal(3)),
        ("2 ** 3 ** 2", Decimal(64)),
        ("-2 ** 2", Decimal(4)),
        ("0.1 + 0.2", Decimal("0.3")),
        ("1 / 3 * 3", Decimal("0.9999999999999999999999999999999999")),
        ("1 / 0", None),
        ("9e6144 * 9e6144 * 0", None),
        ("1 + null", None),
        ("string(1 / 3)", "0.3333333333333333333333333333333333"),
        ('abs(duration("-P1Y"))', Months(12)),
        ('-duration("P1Y")', Months(-12)),
        ('"安" + "庆"', "安庆"),
        ('"a" + 1', None),
        ('"say \\"好\\" \\u4eae"', 'say "好" 亮'),
        ("if 3 > 2 then 1 else 0", Decimal(1)),
        ("if null then 1 else 0", Decimal(0)),
        ("5 between 5 and 7", True),
        ("5 in [1..5)", False),
        ("5 in (1, 3, >= 5)", True),
        ("[1, 2, 3][2]", Decimal(2)),
        ("[1, 2, 3][-1]", Decimal(3)),
        ("[1, 2, 3][item >= 2]", [Decimal(2), Decimal(3)]),
        ("[{岁: 61}, {岁: 80}][岁 > 70].岁", [Decimal(80)]),
        ("{a: 1, b: a + 1}.b", Decimal(2)),
        ("for x in [1, 2] return x * 10", [Decimal(10), Decimal(20)]),
        ("for x in 3..1 return x", [Decimal(3), Decimal(2), Decimal(1)]),
        ("some x in [1, 2] satisfies x > 1", True),
        ("every x in [1, 2] satisfies x > 1", False),
        ("/* 附注 */ 1 // 到此为止", Decimal(1)),
    ],
)
def test_an_expression_has_its_value(text: str, value: Any) -> None:
    assert feel(text) == value
    assert type(feel(text)) is type(value)


TRUTH = {True: "true", False: "false", None: "null"}


@pytest.mark.parametrize("left", TRUTH)
@pytest.mark.parametrize("right", TRUTH)
def test_logic_has_three_values(left: bool | None, right: bool | None) -> None:
    both = False if False in (left, right) else None if None in (left, right) else True
    either = True if True in (left, right) else None if None in (left, right) else False
    assert feel(f"{TRUTH[left]} and {TRUTH[right]}") is both
    assert feel(f"{TRUTH[left]} or {TRUTH[right]}") is either


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true = 1", None),
        ('1 = "1"', None),
        ("null = null", True),
        ("null != 1", True),
        ("null < 1", None),
        ("true < false", None),
        ('date("2026-01-01") = date and time("2026-01-01T00:00:00")', None),
        ('@"2026-01-01T08:00:00Z" < @"2026-01-01T09:00:00"', None),
    ],
)
def test_unlike_things_do_not_compare(text: str, value: Any) -> None:
    assert feel(text) is value


def test_names_may_hold_spaces_and_chinese() -> None:
    assert feel("月 收入 - 支出", 月_收入=3266, 支出=266) == 3000
    assert feel("Monthly Fee + Monthly", Monthly_Fee=5, Monthly=1) == 6
    assert feel("income in [1..3]", income=2) is True
    assert feel("参数.最低年龄 + 1", 参数={"最低年龄": 60}) == 61
    assert feel("无人提供") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("min([3, 1, 2])", 1),
        ("max(3, null)", None),
        ("sum([])", None),
        ("count([])", 0),
        ("mean(1, 2)", Decimal("1.5")),
        ("median([3, 1, 2, 10])", Decimal("2.5")),
        ("floor(-1.5)", -2),
        ("ceiling(1.23, 1)", Decimal("1.3")),
        ("decimal(2.5, 0)", 2),
        ("round half up(2.5, 0)", 3),
        ("modulo(-7, 3)", 2),
        ("modulo(7, 0)", None),
        ('number("1,234.5", ",", ".")', Decimal("1234.5")),
        ('number("NaN")', None),
        ('number("１２")', None),
        ('string length("安庆市")', 3),
        ('substring("安庆市民", 2, 2)', "庆市"),
        ('substring("安庆", -1)', "庆"),
        ('upper case("abc")', "ABC"),
        ('contains("安庆市", "庆")', True),
        ("contains(1, 2)", None),
        ('substring before("a-b", "-")', "a"),
        ("list contains([1, null], null)", True),
        ("list contains([1], true)", False),
        ('list contains(null, "x")', None),
        ("distinct values([1, 2, 1])", [1, 2]),
        ("flatten([[1], [[2]]])", [1, 2]),
        ('string join(["低保", "独居"], "、")', "低保、独居"),
        ("index of([5, 6, 5], 5)", [1, 3]),
        ("sublist([1, 2, 3], 2)", [2, 3]),
        ('get value({费: 3}, "费")', 3),
        ("not(null)", None),
        ("all([true, null])", None),
        ("any([null, true])", True),
        ("abs(-3)", 3),
        ("string(1.50)", "1.5"),
        ('substring(start position: 2, string: "安庆")', "庆"),
        ('substring(begin: 2, string: "安庆")', None),
        ("abs()", None),
    ],
)
def test_a_built_in_function_answers(text: str, value: Any) -> None:
    assert feel(text) == plain(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('date("2026-02-28") + duration("P1D")', date(2026, 3, 1)),
        ('date("2026-01-31") + duration("P1M")', date(2026, 2, 28)),
        ('date("2026-02-30")', None),
        ("date(2026, 11, 24)", date(2026, 11, 24)),
        ('date("2026-11-24") - date("2026-11-01")', timedelta(days=23)),
        ('years and months duration(date("1946-12-31"), date("2026-12-30"))', Months(80 * 12 - 1)),
        ('years and months duration(date("1946-12-31"), date("2026-12-31")).years', Decimal(80)),
        ('date and time("2026-11-24T08:30:00").hour', Decimal(8)),
        ('date and time(date("2026-11-24"), time("08:30:00"))', datetime(2026, 11, 24, 8, 30)),  # noqa: DTZ001
        ('time("23:30:00") + duration("PT1H")', time(0, 30)),
        ('time("08:00:00+08:00").time offset', timedelta(hours=8)),
        ('@"PT90M" * 2', timedelta(hours=3)),
        ('@"P1Y" / @"P6M"', Decimal(2)),
        ('string(@"P1DT90M")', "P1DT1H30M"),
        ('string(@"-P14M")', "-P1Y2M"),
        ('duration("P1Y2D")', None),
        ('date("2026-11-24").weekday', Decimal(2)),
        ('day of week(date("2026-11-24"))', "Tuesday"),
        ('@"2026-01-01" < @"2026-01-02"', True),
        ('@"P1M" < @"P31D"', None),
    ],
)
def test_dates_times_and_durations(text: str, value: Any) -> None:
    assert feel(text) == value


@pytest.mark.parametrize(
    ("cell", "value", "passed"),
    [
        ("-", None, True),
        ("", 3, True),
        ("60", 60, True),
        ('"低保", "特困"', "特困", True),
        ('not("低保", "特困")', "特困", False),
        ('not("低保")', None, True),
        ("not(true)", None, True),
        ("< 60", 59, True),
        ("< 60", 60, False),
        ("< 60", None, None),
        ("null", None, True),
        ("[60..80)", 79, True),
        ("[60..80)", 80, False),
        ("]60..80[", 60, False),
        ("< 18, >= 60", 60, True),
        ("not(< 60)", 60, True),
        ("? > 60 and ? < 80", 70, True),
        ('list contains(?, "alone")', ["alone"], True),
        ("[1, 2]", 2, True),
        ("1", True, None),
        ("-5", -5, True),
        ("true", True, True),
        ("false", True, False),
        ("60", [60], True),
        ("60", [60, 61], None),
    ],
)
def test_a_cell_takes_what_it_says(cell: str, value: Any, passed: bool | None) -> None:
    assert cell_takes(cell, value) is passed


def test_a_cell_may_be_equal_to_another_fact_even_when_that_is_a_truth() -> None:
    assert cell_takes("参数.开关", False, 参数={"开关": False}) is True
    assert cell_takes("参数.开关", True, 参数={"开关": False}) is False


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("1 +", 4, "表达式"),
        ("if a then 1", 12, "else"),
        ("[1, 2", 6, "]"),
        ("a b", 3, "结尾"),
        ('@"昨天"', 2, "日期"),
        ("1 2", 3, "结尾"),
    ],
)
def test_what_is_no_feel_is_told_by_place(text: str, position: int, expected: str) -> None:
    with pytest.raises(FeelSyntaxError, match=expected) as caught:
        parse_expression(text)
    assert f"第 {position} 个字符" in str(caught.value)


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(-200, 200), st.booleans(), st.booleans())
def test_an_interval_is_the_two_comparisons_it_stands_for(
    value: int, low: int, high: int, low_closed: bool, high_closed: bool
) -> None:
    cell = f"{'[' if low_closed else '('}{low}..{high}{']' if high_closed else ')'}"
    after = value >= low if low_closed else value > low
    before = value <= high if high_closed else value < high
    assert cell_takes(cell, value) is (after and before)


@given(st.decimals(-(10**9), 10**9, places=4), st.decimals(-(10**9), 10**9, places=4))
def test_decimals_lose_nothing(left: Decimal, right: Decimal) -> None:
    assert feel(f"({left:f}) + ({right:f}) - ({right:f})") == left


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(0, 1500))
def test_months_added_are_the_months_between(day: date, count: int) -> None:
    later = feel("日 + 期", 日=day, 期=Months(count))
    between = feel("years and months duration(日, 后)", 日=day, 后=later)
    # The 31st and a month make the 30th, which is a day short of a month.
    assert between.count == count or (between.count == count - 1 and later.day < day.day)
