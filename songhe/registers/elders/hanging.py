"""What hangs on an elder, in any room: found by foreign keys and columns, so that no room need be named here."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models

from songhe.registers.elders.models import Elder, ImportRow


@dataclass(frozen=True)
class Hanging:
    """A table whose rows hang on elders, by which column."""

    model: type[models.Model]
    column: str

    @property
    def table(self) -> str:
        """The table's name."""
        return self.model._meta.db_table

    @property
    def noun(self) -> str:
        """The Chinese name of the thing."""
        return str(self.model._meta.verbose_name)

    @property
    def attribute(self) -> str:
        """The name of the column on the model."""
        return next(field.attname for field in self.model._meta.concrete_fields if field.column == self.column)


def everything() -> Iterator[Hanging]:
    """Yield every table of every room whose rows hang on an elder; their histories are not asked."""
    for model in apps.get_models():
        if getattr(model, "row_scope", None) is None or hasattr(model, "pgh_tracked_model"):
            continue
        # A roll's lines tell what was read, whatever became of it.
        if model is ImportRow or not model._meta.managed or model._meta.proxy:
            continue
        for field in model._meta.concrete_fields:
            if field.related_model is Elder or (field.column == "elder_id" and isinstance(field, models.UUIDField)):
                yield Hanging(model, str(field.column))
