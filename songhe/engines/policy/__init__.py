"""Policies as decision models: DMN decision tables and FEEL expressions, explained case by case."""

from songhe.engines.policy.checking import check
from songhe.engines.policy.errors import FeelSyntaxError, PolicyError
from songhe.engines.policy.evaluation import Evaluation, Hit, evaluate
from songhe.engines.policy.examples import try_examples
from songhe.engines.policy.model import Model
from songhe.engines.policy.reader import load_model
from songhe.engines.policy.wording import as_json

__all__ = [
    "Evaluation",
    "FeelSyntaxError",
    "Hit",
    "Model",
    "PolicyError",
    "as_json",
    "check",
    "evaluate",
    "load_model",
    "try_examples",
]
