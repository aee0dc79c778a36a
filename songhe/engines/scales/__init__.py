"""Assessment scales as files: items, groups, levels and the rules that change a level."""

from songhe.engines.scales.reading import load_scale
from songhe.engines.scales.scale import (
    Circumstance,
    Group,
    Item,
    Option,
    Result,
    Scale,
    ScaleError,
    score,
)

__all__ = ["Circumstance", "Group", "Item", "Option", "Result", "Scale", "ScaleError", "load_scale", "score"]
