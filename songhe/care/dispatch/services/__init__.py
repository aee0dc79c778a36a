"""Every write of dispatch, by what it is about: one order, a day's plan, what happens while the day is under way."""

from songhe.care.dispatch.services.answers import acknowledge, answer_swap, ask_swap, decline, tell
from songhe.care.dispatch.services.choosing import dispatch, to_carer, to_provider, withdraw
from songhe.care.dispatch.services.live import carer_away, expire, send_nearest
from songhe.care.dispatch.services.plans import Published, make_plan, publish, refresh
from songhe.care.dispatch.services.running import SECONDS, ask_run, give_up, run, stop
from songhe.care.dispatch.services.shifting import hold, move, undo
from songhe.care.dispatch.services.steady import adopt_steady, steady_as_of, undo_adoption
from songhe.care.dispatch.services.wishes import end_wish, note_wish

__all__ = [
    "SECONDS",
    "Published",
    "acknowledge",
    "adopt_steady",
    "answer_swap",
    "ask_run",
    "ask_swap",
    "carer_away",
    "decline",
    "dispatch",
    "end_wish",
    "expire",
    "give_up",
    "hold",
    "make_plan",
    "move",
    "note_wish",
    "publish",
    "refresh",
    "run",
    "send_nearest",
    "steady_as_of",
    "stop",
    "tell",
    "to_carer",
    "to_provider",
    "undo",
    "undo_adoption",
    "withdraw",
]
