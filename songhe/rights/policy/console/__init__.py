"""The console's pages on policies."""

from songhe.rights.policy.console.awards import AwardPages
from songhe.rights.policy.console.library import DocumentPages
from songhe.rights.policy.console.rights import (
    AdjustmentPages,
    CreditPages,
    DecisionPages,
    EntitlementPages,
    FindingPages,
)
from songhe.rights.policy.console.simulations import ChangePages, SimulationPages
from songhe.rights.policy.console.versions import VersionPages

__all__ = [
    "AdjustmentPages",
    "AwardPages",
    "ChangePages",
    "CreditPages",
    "DecisionPages",
    "DocumentPages",
    "EntitlementPages",
    "FindingPages",
    "SimulationPages",
    "VersionPages",
]
