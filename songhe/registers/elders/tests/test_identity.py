from datetime import date

import pytest

from songhe.core.calendar.services import at
from songhe.core.errors import Refused
from songhe.registers.elders.identity import phone, read
from songhe.registers.elders.tests.people import number


def test_a_number_says_birth_date_and_sex():
    said = read(number(date(1948, 5, 6), 12))
    assert (said.birth_date, said.sex, said.was_old) == (date(1948, 5, 6), "female", False)
    assert read(number(date(1948, 5, 6), 13)).sex == "male"


def test_full_width_digits_spaces_and_a_small_x_are_read():
    good = next(text for order in range(1, 99) if (text := number(order=order)).endswith("X"))
    wide = " ".join(good.lower()).translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    assert read(wide).number == good


def test_an_old_number_is_carried_over():
    good = number(date(1928, 3, 1), 15)
    said = read(good[:6] + good[8:17])
    assert (said.number, said.was_old) == (good, True)


def test_a_county_abolished_long_ago_is_no_error():
    assert read(number(county="349999")).number


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda n: n[:-1] + ("1" if n[-1] != "1" else "2"), "校验位"),
        (lambda n: n[:5] + n[6] + n[5] + n[7:], "校验位"),
        (lambda n: n[:-1], "17 位"),
        (lambda n: n[:10] + "1345" + n[14:], "不是有效的日期"),
        (lambda n: "99" + n[2:], "省级代码"),
        (lambda n: n[:9] + "O" + n[10:], "应为数字"),
    ],
)
def test_what_is_wrong_is_named(spoil, sentence):
    with pytest.raises(Refused, match=sentence) as refused:
        read(spoil(number()))
    assert refused.value.field == "id_number"


def test_nobody_is_born_tomorrow():
    with at(date(2025, 3, 1)), pytest.raises(Refused, match="晚于今天"):
        read(number(date(2025, 3, 2)))


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("138 0013 8000", "13800138000"), ("+86-13800138000", "13800138000"), ("（0556）5512345", "05565512345")],
)
def test_phones_are_stored_as_digits(typed, stored):
    assert phone(typed) == stored


@pytest.mark.parametrize("typed", ["1380013800", "12349", "无", "138001380001"])
def test_what_is_no_phone_is_refused(typed):
    with pytest.raises(Refused):
        phone(typed)
