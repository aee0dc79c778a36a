"""Resident identity numbers (GB 11643-1999) and telephone numbers: what is right, and what they say."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric

from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.registers.elders.models import Sex

# The first two digits: provinces, regions and (81–83) residence permits of Hong Kong, Macao and Taiwan residents. The
# county part is not checked, for it may be a code abolished since the number was given.
PROVINCES = frozenset(
    str(code)
    for low, high in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83), (91, 91))
    for code in range(low, high + 1)
)


_PLAIN = re.compile(r"[0-9]+X?")
_WHOLE = re.compile(r"[0-9]{17}[0-9X]")


@dataclass(frozen=True)
class Identity:
    """A number in its 18-character form, and the birth date and sex that it says."""

    number: str
    birth_date: date
    sex: str
    was_old: bool = False


def plain(text: str) -> str:
    """Return a number without what people type around it: full-width digits, spaces, dashes, a leading quote."""
    if _PLAIN.fullmatch(text):
        return text
    folded = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\s\-'‘’`\u200b\ufeff]", "", folded).upper()


def read(text: str, *, field: str = "id_number", on: date | None = None) -> Identity:
    """Check a number and return what it says; a 15-digit number of before 1999 is carried over to 18 characters.

    ``on`` is today, where the caller knows it. Raises Refused, naming what is wrong and what to do.
    """
    number = plain(text)
    if len(number) == 15 and number.isdigit():
        number = _from_old(number)
        was_old = True
    else:
        was_old = False
    if len(number) != 18:
        raise Refused(f"身份证号应为 18 位，这里有 {len(number)} 位，请核对是否漏录或多录。", field=field)
    if not _WHOLE.fullmatch(number):
        raise Refused("身份证号的前 17 位应为数字，最后一位为数字或 X，请核对。", field=field)
    if number[:2] not in PROVINCES:
        raise Refused(f"身份证号开头的“{number[:2]}”不是省级代码，请核对前两位。", field=field)
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise Refused(f"身份证号第 7–14 位“{number[6:14]}”不是有效的日期，请核对。", field=field) from error
    if number[-1] != ric.calc_check_digit(number):
        raise Refused("身份证号校验位不符，通常是某一位录错，请对照证件逐位核对。", field=field)
    if birth_date > (on or today()):
        raise Refused(f"身份证号中的出生日期 {birth_date} 晚于今天，请核对。", field=field)
    return Identity(number, birth_date, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE, was_old)


def _from_old(number: str) -> str:
    """Carry a 15-digit number over: the century is the 20th, but order 996–999 marked centenarians of the 19th."""
    century = "18" if number[12:] in {"996", "997", "998", "999"} else "19"
    body = number[:6] + century + number[6:]
    return body + ric.calc_check_digit(body + "0")


def phone(text: str, *, field: str = "phone") -> str:
    """Return a telephone number as digits (mobile, or land line with its area code); Refused if it cannot be one."""
    number = plain(text).removeprefix("+86")
    number = re.sub(r"[()（）]", "", number)
    if len(number) == 13 and number.startswith("86"):
        number = number[2:]
    if not number.isdigit():
        raise Refused("电话只能包含数字，请核对。", field=field)
    if (
        re.fullmatch(r"1[3-9]\d{9}", number)
        or re.fullmatch(r"0\d{9,11}", number)
        or re.fullmatch(r"[2-9]\d{6,7}", number)
    ):
        return number
    if number.startswith("1") and not number.startswith(("10", "12")):
        raise Refused(f"手机号应为 11 位，这里有 {len(number)} 位，请核对。", field=field)
    raise Refused("电话不正确：手机号为 11 位，固定电话请带区号。", field=field)
