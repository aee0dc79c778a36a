"""How likely two descriptions are of one person: Fellegi–Sunter weights over name, birth, telephone, place and number.

Each comparison falls on a level; ``m`` is how often that level is met among pairs of one person, ``u`` among pairs of
two. The weight is log2(m/u), weights add up, and with the prior (one in ``among`` people) they give a probability. The
m and u here are working estimates for rolls of one Chinese region; they order candidates, and a person decides.
"""

import math
from dataclasses import dataclass
from datetime import date

from songhe.registers.elders import names


@dataclass(frozen=True)
class Described:
    """What is known of somebody; empty text and None mean not known."""

    name: str
    birth: date | None = None
    sex: str = ""
    phone: str = ""
    number: str = ""
    area: int | None = None
    address: str = ""


@dataclass(frozen=True)
class Weighed:
    """How likely two descriptions are of one person, and why, in words."""

    probability: float
    weight: float
    reasons: tuple[str, ...]


# (m, u) by level.
_NAME = {"same": (0.90, 0.0005), "sound": (0.05, 0.0008), "near": (0.03, 0.005), "other": (0.02, 0.9937)}
_BIRTH = {"same": (0.93, 0.0001), "near": (0.04, 0.002), "year": (0.02, 0.03), "other": (0.01, 0.9679)}
_PHONE = {"same": (0.70, 0.0005), "other": (0.30, 0.9995)}
_PLACE = {"same": (0.90, 0.02), "other": (0.10, 0.98)}
_ADDRESS = {"same": (0.60, 0.001), "near": (0.20, 0.02), "other": (0.20, 0.979)}
_SEX = {"same": (0.99, 0.5), "other": (0.01, 0.5)}
_NUMBER = {"same": (0.95, 1e-7), "near": (0.045, 1e-5), "other": (0.005, 0.99999)}

# The few people of a street are drawn from a region: nobody is likelier to be another for living in a small place.
LEAST_AMONG = 10_000
ASKED_FROM = 0.5
"""From this probability on a person is asked whether two are one."""


def weigh(one: Described, other: Described, *, among: int) -> Weighed:
    """Compare two descriptions; ``among`` is how many people the second was found among, 10,000 at least."""
    weight, reasons = -math.log2(max(among, LEAST_AMONG)), []
    for level, table, sentence in _levels(one, other):
        m, u = table[level]
        weight += math.log2(m / u)
        if sentence:
            reasons.append(sentence)
    odds = 2.0 ** min(weight, 60.0)
    return Weighed(odds / (1 + odds), weight, tuple(reasons))


def same_name(one: str, other: str) -> bool:
    """Tell whether two names may well be one person's: equal, sounding alike, or one character apart."""
    return _name_level(one, other) != "other"


def _levels(one: Described, other: Described) -> list[tuple[str, dict[str, tuple[float, float]], str]]:
    found = []
    level = _name_level(one.name, other.name)
    said = {"same": "姓名相同", "sound": "姓名同音", "near": "姓名差一字", "other": "姓名不同"}[level]
    found.append((level, _NAME, said))
    if one.birth and other.birth:
        level = _birth_level(one.birth, other.birth)
        said = {"same": "出生日期相同", "near": "出生日期差一位", "year": "出生年份相同", "other": "出生日期不同"}[
            level
        ]
        found.append((level, _BIRTH, said))
    if one.number and other.number:
        level = _number_level(one.number, other.number)
        found.append((level, _NUMBER, {"same": "证件号码相同", "near": "证件号码差一两位", "other": ""}[level]))
    if one.phone and other.phone:
        level = "same" if one.phone == other.phone else "other"
        found.append((level, _PHONE, "电话相同" if level == "same" else "电话不同"))
    if one.area and other.area:
        level = "same" if one.area == other.area else "other"
        found.append((level, _PLACE, "同一社区" if level == "same" else "不同社区"))
    if one.address and other.address:
        level = _address_level(one.address, other.address)
        found.append((level, _ADDRESS, {"same": "住址相同", "near": "住址相近", "other": ""}[level]))
    if one.sex and other.sex:
        level = "same" if one.sex == other.sex else "other"
        found.append((level, _SEX, "" if level == "same" else "性别不同"))
    return found


def _name_level(one: str, other: str) -> str:
    if one == other:
        return "same"
    if names.keys(one).pinyin == names.keys(other).pinyin:
        return "sound"
    if len(one) == len(other) >= 2 and sum(a != b for a, b in zip(one, other, strict=True)) == 1 and len(one) > 2:
        return "near"
    return "other"


def _birth_level(one: date, other: date) -> str:
    if one == other:
        return "same"
    a, b = f"{one:%Y%m%d}", f"{other:%Y%m%d}"
    if sum(x != y for x, y in zip(a, b, strict=True)) == 1 or (a[:4], a[4:6], a[6:]) == (b[:4], b[6:], b[4:6]):
        return "near"
    return "year" if one.year == other.year else "other"


def _number_level(one: str, other: str) -> str:
    if one == other:
        return "same"
    if len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= 2:
        return "near"
    if abs(len(one) - len(other)) == 1:
        short, long = sorted((one, other), key=len)
        if any(long[:at] + long[at + 1 :] == short for at in range(len(long))):
            return "near"
    return "other"


def _address_level(one: str, other: str) -> str:
    alike = similarity(one, other)
    return "same" if alike >= 0.8 else "near" if alike >= 0.5 else "other"


def similarity(one: str, other: str) -> float:
    """Return how much of two texts' pairs of characters is common to both, 0 to 1 (Dice)."""
    a, b = _pairs(one), _pairs(other)
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else float(one == other)


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}
