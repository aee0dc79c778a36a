# ruff: noqa: E501 (the model's text is easier read in whole lines)
"""The bench's pack written for OpenFisca-core, as its users would."""

from typing import Any

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from bench.policy import AGE_FEN, LEVEL_FEN

Person = build_entity(key="person", plural="persons", label="", is_person=True)
PERIOD = "2026-11"
_NAMES = {"年龄": ("age", int), "能力等级": ("level", int), "月收入": ("income", float), "低保": ("minimum", bool), "特困": ("destitute", bool), "失独": ("bereaved", bool), "独居": ("alone", bool), "户籍": ("local", bool)}  # fmt: skip


def _variable(name: str, kind: type, formula: Any = None) -> type[Variable]:
    body = {"value_type": kind, "entity": Person, "definition_period": DateUnit.MONTH, "label": name}
    return type(name, (Variable,), {**body, **({"formula": formula} if formula else {})})


def _hardship(person: Any, period: Any) -> Any:
    conditions = [
        person("destitute", period),
        person("minimum", period),
        person("bereaved", period),
        person("income", period) < 1500,
    ]
    # First in the table's order: 特困 before 低保.
    return np.select(conditions, [1, 2, 3, 4], 0)


def _subsidy(person: Any, period: Any) -> Any:
    table = np.zeros((5, 6), dtype=np.int64)
    for row, values in enumerate(LEVEL_FEN.values(), 1):
        for place, fen in enumerate(values):
            table[row, 4 - place] = fen
    found = table[person("hardship", period), person("level", period)]
    return np.where(person("local", period) & (person("age", period) >= 60), found, 0)


def _allowance(person: Any, period: Any) -> Any:
    age = person("age", period)
    return np.where(
        person("local", period), np.select([age >= low for low, _ in AGE_FEN], [fen for _, fen in AGE_FEN], 0), 0
    )


def _extra(person: Any, period: Any) -> Any:
    age = person("age", period)
    return np.where(person("alone", period), np.select([age >= 80, age >= 70], [5000, 2000], 0), 0)


def _amount(person: Any, period: Any) -> Any:
    return np.maximum(person("subsidy", period), person("allowance", period)) + person("extra", period)


def _burden(person: Any, period: Any) -> Any:
    amount = person("amount", period)
    return np.where(person("minimum", period), amount, np.floor(amount * 0.85 + 0.5))


def compute(arrays: dict[str, Any], people: int) -> tuple[Any, Any]:
    """Return the sums of the amounts and of the burden."""
    system = TaxBenefitSystem([Person])
    for name, kind in _NAMES.values():
        system.add_variable(_variable(name, kind))
    formulas = {
        "hardship": _hardship,
        "subsidy": _subsidy,
        "allowance": _allowance,
        "extra": _extra,
        "amount": _amount,
        "burden": _burden,
    }
    for name, formula in formulas.items():
        system.add_variable(_variable(name, int, formula))
    simulation = SimulationBuilder().build_default_simulation(system, count=people)
    for title, (name, _kind) in _NAMES.items():
        simulation.set_input(name, PERIOD, np.asarray(arrays[title]))
    return simulation.calculate("amount", PERIOD).sum(dtype=np.int64), simulation.calculate("burden", PERIOD).sum(
        dtype=np.int64
    )
