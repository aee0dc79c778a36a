"""Policies as decision models: DMN decision tables and FEEL expressions, explained case by case."""

from songhe.engines.policy.checking import check, inspect
from songhe.engines.policy.errors import FeelSyntaxError, PolicyError
from songhe.engines.policy.evaluation import Evaluation, Hit, evaluate
from songhe.engines.policy.examples import name_column, try_examples
from songhe.engines.policy.findings import Finding, Kind
from songhe.engines.policy.model import Model
from songhe.engines.policy.points import Domain
from songhe.engines.policy.reader import load_model
from songhe.engines.policy.wording import as_json

__all__ = [
    "Domain",
    "Evaluation",
    "FeelSyntaxError",
    "Finding",
    "Hit",
    "Kind",
    "Model",
    "PolicyError",
    "as_json",
    "check",
    "evaluate",
    "inspect",
    "load_model",
    "name_column",
    "try_examples",
]
