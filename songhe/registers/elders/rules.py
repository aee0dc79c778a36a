"""What is unusual about an elder's record but allowed: told, not refused."""

from datetime import date

from songhe.core.calendar.services import today
from songhe.registers.elders.models import Elder, ElderState, IdKind, age_on

OLD_AGE = 60
VERY_OLD = 110
ROUND_AGES = (60, 80, 90, 100)
"""The ages whose day is noted as an event; what each of them gives is the policies' to say."""


def age_warning(birth_date: date, day: date) -> str:
    """Return a sentence if somebody is no elder yet (老年人权益保障法 第二条: from 60), or older than people get."""
    age = age_on(birth_date, day)
    if age < OLD_AGE:
        return f"{day:%Y-%m-%d} 时 {age} 周岁，未满 {OLD_AGE} 周岁，请确认是否应列入老年人名册。"
    if age >= VERY_OLD:
        return f"年龄 {age} 周岁，请核对出生日期，并确认老人是否健在。"
    return ""


def warnings(elder: Elder) -> list[str]:
    """Return what a clerk should look at in a record, one sentence each."""
    if elder.state != ElderState.ACTIVE:
        return []
    found = [age_warning(elder.birth_date, today())]
    if elder.id_kind == IdKind.NONE:
        found.append("没有登记证件号码，无法与其他名册核对。")
    if elder.phone_index is None:
        found.append("没有登记联系电话，12349 来电时无法识别本人。")
    return [sentence for sentence in found if sentence]
