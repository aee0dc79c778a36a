"""Every write on policies: versions, decisions, credits, adjustments, screening, simulations."""

from songhe.rights.policy.services.adjusting import book, concerned, redecide_elder
from songhe.rights.policy.services.awards import award
from songhe.rights.policy.services.credits import close_month, open_credit, open_month
from songhe.rights.policy.services.deciding import decide, end, follow_move
from songhe.rights.policy.services.joining import join_rights, part_rights
from songhe.rights.policy.services.living import end_rights, give_back_credits, look_again, reopen_credits
from songhe.rights.policy.services.screening import screen, settle_finding
from songhe.rights.policy.services.simulating import ask_simulation, simulate, stop_simulation
from songhe.rights.policy.services.versions import draft, edit, enact, publish_version, submit, turn_over

__all__ = [
    "ask_simulation",
    "award",
    "book",
    "close_month",
    "concerned",
    "decide",
    "draft",
    "edit",
    "enact",
    "end",
    "end_rights",
    "follow_move",
    "give_back_credits",
    "join_rights",
    "look_again",
    "open_credit",
    "open_month",
    "part_rights",
    "publish_version",
    "redecide_elder",
    "reopen_credits",
    "screen",
    "settle_finding",
    "simulate",
    "stop_simulation",
    "submit",
    "turn_over",
]
