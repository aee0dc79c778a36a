"""Loading a place: each room takes its own part of the pack, from the ground floor up."""

from importlib import import_module
from importlib.util import find_spec

from songhe.config.settings import ROOMS
from songhe.core.scope.services import Scope, use


def load_pack_into_rooms(name: str) -> dict[str, str]:
    """Load one place's pack (and what it inherits) into every room; return a line in Chinese for each room.

    Loading twice changes nothing. A room takes its part in ``<room>/packs.py``: ``load(pack) -> str``.
    """
    from songhe.packs.loader import load_pack

    pack = load_pack(name)
    report: dict[str, str] = {}
    with use(Scope.system()):
        for room in ROOMS:
            if find_spec(f"{room}.packs") is not None:
                report[room.rsplit(".", 1)[1]] = import_module(f"{room}.packs").load(pack)
    return report
