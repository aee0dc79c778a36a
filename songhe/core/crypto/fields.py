"""Model fields for personal numbers.

``id_number = SealedField(mask=(4, 4), index="id_number_index")`` reads and writes plain text on the instance, stores it
sealed with the row's id as associated data, and keeps the blind index column in step. ``instance.id_number_masked``
is what pages show.
"""

from functools import partial
from typing import Any

from django.db import models

from songhe.core.crypto import sealing


class _Sealed:
    """Opens a sealed attribute when it is read."""

    def __init__(self, field: "SealedField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.__dict__.get(self.field.attname)
        if value is None:
            if self.field.attname not in instance.__dict__:
                instance.refresh_from_db(fields=[self.field.attname])
                return self.__get__(instance, owner)
            return ""
        if isinstance(value, str):
            return value
        return sealing.unseal(bytes(value), context=self.field.context_of(instance))

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class SealedField(models.BinaryField):
    """A text stored sealed; empty text is stored as NULL."""

    def __init__(self, *args: Any, mask: tuple[int, int] = (0, 4), index: str | None = None, **kwargs: Any) -> None:
        self.mask = mask
        self.index = index
        kwargs.update(null=True, blank=True, editable=True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        """Describe the column to migrations: a nullable binary."""
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, "django.db.models.BinaryField", args, {**kwargs, "null": True}

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """Add the opening attribute and ``<name>_masked`` to the model."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Sealed(self))
        setattr(cls, f"{name}_masked", property(partial(_masked, field=self)))

    def context_of(self, instance: models.Model) -> str:
        """Return what binds the value to its place: table, row and column."""
        return f"{instance._meta.db_table}:{instance.pk}:{self.column}"

    def pre_save(self, model_instance: models.Model, add: bool) -> bytes | None:
        """Seal what was written as plain text and set its blind index; what is sealed already stays."""
        value = model_instance.__dict__.get(self.attname)
        if value is None or value == "":
            if self.index:
                setattr(model_instance, self.index, None)
            return None
        if isinstance(value, str):
            if self.index:
                setattr(model_instance, self.index, sealing.blind_index(value, purpose=self.index))
            value = sealing.seal(value, context=self.context_of(model_instance))
            model_instance.__dict__[self.attname] = value
        return bytes(value)

    def value_from_object(self, obj: models.Model) -> str:
        """Give forms the plain text."""
        return str(getattr(obj, self.attname))


def _masked(instance: models.Model, field: SealedField) -> str:
    text = getattr(instance, field.attname)
    return sealing.mask(text, head=field.mask[0], tail=field.mask[1]) if text else ""
