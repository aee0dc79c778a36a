"""Synthetic persons as rows of the elders' tables."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from songhe.core.crypto.sealing import blind_index, seal
from songhe.core.ids import uuid7
from songhe.demo.people import Person
from songhe.registers.elders.names import keys

ELDER = (
    "id", "name", "name_pinyin", "name_initials", "given_name", "sex", "birth_date", "id_number", "id_number_index",
    "phone", "phone_index", "area_id", "address", "latitude", "longitude", "registered_area_id", "living_situation",
)  # fmt: skip
DIFFICULTY = ("id", "elder_id", "area_id", "kind", "grade", "evidence")

_keys = lru_cache(maxsize=None)(keys)


def elder_row(person: Person) -> tuple[Any, ...]:
    """Return a person's row of the elders' table, by ``ELDER``; its first value is a new id."""
    pk = str(uuid7())
    name = _keys(person.name)
    # One in twenty-five lives here without being registered here.
    registered = person.area if person.number % 25 else None
    return (
        pk, person.name, name.pinyin, name.initials, name.given, person.sex, person.birth_date,
        seal(person.id_number, context=f"elders_elder:{pk}:id_number"),
        blind_index(person.id_number, purpose="id_number_index"),
        seal(person.phone, context=f"elders_elder:{pk}:phone"),
        blind_index(person.phone, purpose="phone_index"),
        person.area, person.address, person.latitude, person.longitude, registered, person.living_situation,
    )  # fmt: skip


def difficulty_rows(person: Person, elder: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a person's difficulties, by ``DIFFICULTY``."""
    for kind, grade in person.difficulties:
        yield str(uuid7()), elder, person.area, kind, grade, f"示例{person.number:07d}"
