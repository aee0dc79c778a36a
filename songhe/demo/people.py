"""Synthetic elders drawn to a region's margins: nobody in it exists.

Identity numbers carry a right check digit but begin with 99, a province that was never given out; telephone numbers
begin with 199, followed by the person's running number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from operator import mul
from typing import Any

import numpy as np
import numpy.typing as npt

from songhe.demo.geo import Community

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董"
    "萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田"
    "任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段"
    "雷钱汤尹黎易常武乔贺赖龚文"
)
MALE = [
    "建国", "志强", "国庆", "德华", "家福", "永康", "长根", "大海", "学文", "金山", "明亮", "世昌",
    "玉林", "宝贵", "广义", "全胜", "有才", "正义", "新民", "东升", "传根", "先进", "和平", "援朝",
    "卫国", "立新", "春生", "秋生", "水生", "根生", "福生", "贵生", "树林", "海涛", "志明", "志华",
    "国强", "国平", "国荣", "文斌", "文清", "光荣", "光明",
]  # fmt: skip
FEMALE = [
    "秀英", "桂英", "玉兰", "淑珍", "桂兰", "秀兰", "凤英", "美华", "春兰", "秋菊", "素芬", "翠萍",
    "金凤", "玉珍", "月娥", "腊梅", "桃花", "荷花", "水莲", "爱华", "爱英", "红梅", "丽华", "丽萍",
    "惠芳", "惠兰", "小妹", "巧云", "彩霞", "菊香", "桂香", "来娣", "招娣", "美云", "银凤", "玉梅",
    "冬梅", "春梅", "秀珍", "秀芳",
]  # fmt: skip
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


@dataclass(frozen=True)
class Person:
    """One synthetic elder."""

    number: int
    name: str
    sex: str
    birth_date: date
    id_number: str
    phone: str
    area: int
    address: str
    latitude: float
    longitude: float
    living_situation: str
    difficulties: tuple[tuple[str, int | None], ...]


def draw(
    count: int, *, seed: int, today: date, margins: dict[str, Any], communities: dict[int, Community]
) -> Iterator[Person]:
    """Yield so many persons; the same seed, day and margins give the same people."""
    rng = np.random.default_rng(seed)
    ages = _ages(rng, count, margins["age_shares"])
    female = rng.random(count) < _step(ages, margins["female_share"])
    codes = np.array(sorted(communities))
    # Communities differ in size as they do: a few large, many middling.
    weights = rng.gamma(3.0, size=len(codes))
    homes = rng.choice(len(codes), size=count, p=weights / weights.sum())
    living_names = list(margins["living"])
    living = rng.choice(len(living_names), size=count, p=_shares(list(margins["living"].values())))
    kinds = list(margins["difficulties"])
    found = rng.random((count, len(kinds))) < np.array(list(margins["difficulties"].values()))
    days = rng.integers(0, 365, size=count).tolist()
    surnames = (rng.zipf(1.6, size=count) % len(SURNAMES)).tolist()
    given = rng.integers(0, 1_000_000, size=count).tolist()
    latitudes, longitudes = _around(rng, [communities[code] for code in codes.tolist()], homes)
    in_difficulty = np.asarray(found.any(axis=1))
    for index, (age, is_female, home) in enumerate(zip(ages.tolist(), female.tolist(), homes.tolist(), strict=True)):
        number, salt = index + 1, given[index]
        birth = _birthday(today, age, days[index])
        sex = "female" if is_female else "male"
        names = FEMALE if is_female else MALE
        yield Person(
            number=number,
            name=SURNAMES[surnames[index]] + names[salt % len(names)],
            sex=sex,
            birth_date=birth,
            id_number=identity_number(number, birth, sex),
            phone=f"199{number:08d}",
            area=int(codes[home]),
            address=_address(margins["roads"], salt),
            latitude=latitudes[index],
            longitude=longitudes[index],
            living_situation=living_names[living[index]],
            difficulties=_difficulties(kinds, found[index], salt) if in_difficulty[index] else (),
        )


def _around(rng: np.random.Generator, places: list[Community], homes: np.ndarray) -> tuple[list[float], list[float]]:
    """Return a latitude and a longitude within each home's community: denser in its middle, never beyond its reach."""
    middles = np.array([(place.latitude, place.longitude) for place in places])[homes]
    reach = np.array([place.reach for place in places])[homes]
    distance = reach * rng.beta(1.5, 2.5, size=len(homes))
    direction = rng.uniform(0, 2 * np.pi, size=len(homes))
    latitudes = middles[:, 0] + distance * np.sin(direction)
    longitudes = middles[:, 1] + distance * np.cos(direction)
    return latitudes.round(6).tolist(), longitudes.round(6).tolist()


def _address(roads: list[str], salt: int) -> str:
    road = roads[salt % len(roads)]
    return f"{road}{1 + salt % 320}号{1 + salt % 12}栋{101 + salt % 500}室"


def identity_number(number: int, birth: date, sex: str) -> str:
    """Return an 18-character number by GB 11643 that belongs to nobody.

    The running number goes into the area part after 99 and into the order part, so a million people differ.
    """
    order = (number % 499) * 2 + (1 if sex == "male" else 2)
    body = f"99{number // 499 % 10_000:04d}{birth.year:04d}{birth.month:02d}{birth.day:02d}{order:03d}"
    total = sum(map(mul, map(int, body), WEIGHTS))
    return body + CHECKS[total % 11]


def _shares(values: list[float]) -> npt.NDArray[np.float64]:
    array: npt.NDArray[np.float64] = np.array(values, dtype=np.float64)
    shares: npt.NDArray[np.float64] = array / array.sum()
    return shares


def _ages(rng: np.random.Generator, count: int, shares: dict[int, float]) -> np.ndarray:
    starts = np.array(sorted(shares))
    groups = rng.choice(len(starts), size=count, p=_shares([shares[start] for start in starts]))
    return starts[groups] + rng.integers(0, 5, size=count)


def _step(ages: np.ndarray, table: dict[int, float]) -> np.ndarray:
    starts = np.array(sorted(table))
    values = np.array([table[start] for start in starts])
    return values[np.searchsorted(starts, ages, side="right") - 1]


def _birthday(today: date, age: int, days: int) -> date:
    year = today.year - age
    try:
        birthday = today.replace(year=year)
    except ValueError:
        birthday = today.replace(year=year, day=28)
    return birthday - timedelta(days=days)


def _difficulties(kinds: list[str], has: np.ndarray, salt: int) -> tuple[tuple[str, int | None], ...]:
    grades = {"disabled_severe": 1 + salt % 2, "disabled": 3 + salt % 2}
    names = {kind for kind, is_so in zip(kinds, has, strict=True) if is_so}
    # 低保 and 特困 exclude each other, and so do the two readings of disability.
    if "destitute" in names:
        names -= {"minimum_living", "minimum_living_marginal", "low_income"}
    if "disabled_severe" in names:
        names -= {"disabled"}
    return tuple((kind, grades.get(kind)) for kind in kinds if kind in names)
