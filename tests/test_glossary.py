"""One name for one thing: the glossary pairs every record, role and choice of the field with what people read."""

import re

from django.apps import apps

from songhe.config.paths import ROOT
from songhe.core.accounts.roles import Role
from songhe.registers.elders.models.life import LifeEventKind
from songhe.registers.elders.models.people import AbilityLevel, DifficultyKind, LivingSituation

ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+?) \|", re.MULTILINE)


def records():
    for config in apps.get_app_configs():
        if config.name.startswith("songhe."):
            for model in config.get_models():
                if model._meta.managed and not hasattr(model, "pgh_tracked_model"):
                    yield f"{config.label}.{model.__name__}", str(model._meta.verbose_name)


def choices():
    for kinds in (Role, AbilityLevel, DifficultyKind, LivingSituation, LifeEventKind):
        yield from ((f"{kinds.__name__}.{each.name}", str(each.label)) for each in kinds)


def test_the_glossary_pairs_all_records_roles_and_kinds_as_the_pages_do():
    told = set(ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")))
    known = {*records(), *choices()}
    assert {"in the glossary alone": told - known, "missing in it": known - told} == {
        "in the glossary alone": set(),
        "missing in it": set(),
    }


def test_no_two_records_of_one_room_are_called_alike():
    rooms = [(name.partition(".")[0], label) for name, label in records()]
    assert len(rooms) == len(set(rooms))
