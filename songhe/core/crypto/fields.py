"""Model fields for personal numbers.

``id_number = SealedField(mask=(4, 4), index="id_number_index")`` reads and writes plain text on the instance, stores it
sealed with the row's id as associated data, and keeps the blind index column in step. ``instance.id_number_masked``
is what pages show.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from songhe.core.crypto import sealing


class Opened(str):
    """A text that remembers the sealed bytes it was opened from, so that writing it back changes nothing."""

    __slots__ = ("context", "sealed")

    sealed: bytes
    context: str


class _Sealed:
    """Opens a sealed attribute when it is read."""

    def __init__(self, field: "SealedField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        value = instance.__dict__.get(self.field.attname)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        return _open(bytes(value), self.field.context_of(instance))

    def __set__(self, instance: models.Model, value: Any) -> None:
        if isinstance(value, Opened) and value.context == self.field.context_of(instance):
            value = value.sealed
        elif isinstance(value, str) and value and self._is_still(instance, value):
            return
        instance.__dict__[self.field.attname] = value

    def _is_still(self, instance: models.Model, text: str) -> bool:
        """Tell whether the text is what is sealed already: a form writes back what it showed."""
        before = instance.__dict__.get(self.field.attname)
        if not isinstance(before, bytes | memoryview):
            return False
        try:
            return bool(_open(bytes(before), self.field.context_of(instance)) == text)
        except sealing.NotOpened:
            return False


def _open(sealed: bytes, context: str) -> Opened:
    text = Opened(sealing.unseal(sealed, context=context))
    text.sealed, text.context = sealed, context
    return text


class SealedField(models.BinaryField):  # type: ignore[type-arg]
    """A text stored sealed; empty text is stored as NULL.

    It is written through instances only: ``update(phone=…)`` and filters on it raise TypeError. ``index`` names a
    BinaryField declared after it; save both when naming ``update_fields``.
    """

    def __init__(self, *args: Any, mask: tuple[int, int] = (0, 4), index: str | None = None, **kwargs: Any) -> None:
        self.mask = mask
        self.index = index
        kwargs.update(null=True, blank=True, editable=True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        """Describe the column to migrations and history tables: a nullable binary."""
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        return name, "django.db.models.BinaryField", args, {**kwargs, "null": True}

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """Add the opening attribute and ``<name>_masked`` to the model."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Sealed(self))
        setattr(cls, f"{name}_masked", property(partial(_masked, field=self)))

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Check that the blind index column is there and is written after the number itself."""
        errors = super().check(**kwargs)
        if self.index:
            try:
                index = self.model._meta.get_field(self.index)
            except FieldDoesNotExist:
                index = None
            if not isinstance(index, models.BinaryField) or index.creation_counter < self.creation_counter:
                text = f"{self.name} 的索引列 {self.index} 须是声明在它之后的 BinaryField。"
                errors.append(checks.Error(text, obj=self, id="songhe.crypto.E001"))
        return errors

    def context_of(self, instance: models.Model) -> str:
        """Return what binds the value to its place: table, row and column."""
        return self.context(instance.pk)

    def context(self, pk: Any) -> str:
        """Return what binds a row's value to its place."""
        return f"{self.model._meta.db_table}:{pk}:{self.column}"

    def masker(self) -> Callable[[models.Model], str]:
        """Return what writes the masked form in many records; the keys are asked for once, here."""
        unseal, attname, (head, tail) = sealing.sealer().unseal, self.attname, self.mask

        def masked(instance: models.Model) -> str:
            value = instance.__dict__.get(attname)
            if isinstance(value, bytes | memoryview):
                value = unseal(bytes(value), context=self.context_of(instance))
                return sealing.mask(value, head=head, tail=tail)
            return _masked(instance, self)

        return masked

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

    def to_python(self, value: Any) -> Any:
        """Leave text as it is: validation sees what people typed."""
        return value

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Refuse plain text: it would be stored unsealed, or compared with what is sealed."""
        if isinstance(value, str):
            raise TypeError(f"{self.name} 是加密列：请在实例上赋值后保存，或按其索引列查找。")
        return super().get_db_prep_value(value, connection, prepared)

    def value_from_object(self, obj: models.Model) -> str:
        """Give forms the plain text."""
        return str(getattr(obj, self.attname))


def _masked(instance: models.Model, field: SealedField) -> str:
    text = getattr(instance, field.attname)
    return sealing.mask(text, head=field.mask[0], tail=field.mask[1]) if text else ""
