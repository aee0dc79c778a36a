"""Policies as decision models: DMN decision tables and FEEL expressions, explained case by case."""

from songhe.engines.policy.errors import FeelSyntaxError, PolicyError
from songhe.engines.policy.model import Evaluation, Hit, Model, as_json, evaluate, load_model

__all__ = ["Evaluation", "FeelSyntaxError", "Hit", "Model", "PolicyError", "as_json", "evaluate", "load_model"]
