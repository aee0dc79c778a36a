"""Saving a record so that whatever the database refuses comes back as a sentence for people."""

from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction

from songhe.core.crypto.fields import SealedField
from songhe.core.errors import Refused

M = TypeVar("M", bound=models.Model)


def save(obj: M) -> M:
    """Check a record's fields, save it and return it.

    The database's own constraints decide, so that two people at once cannot both pass a check made before.

    Raises:
        Refused: a field is wrong, or a named constraint stands in the way (its ``violation_error_message``).
    """
    try:
        obj.clean_fields(exclude={field.name for field in obj._meta.fields if _cleans_itself(field)})
        obj.clean()
    except ValidationError as error:
        raise _refused(obj, error) from error
    try:
        with transaction.atomic():
            obj.save()
    except IntegrityError as error:
        raise explained(obj, error) from error
    return obj


def _cleans_itself(field: "models.Field[Any, Any]") -> bool:
    """Tell a sealed field, and a state that only a step of its flow may set, from the others."""
    return isinstance(field, SealedField) or getattr(field, "protected", False)


def explained(obj: models.Model, error: IntegrityError) -> Exception:
    """Return the Refused that a violated constraint of the model means; the error itself if it is not one of ours."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    for constraint in obj._meta.constraints:
        if constraint.name == name:
            fields = getattr(constraint, "fields", ())
            return Refused(str(constraint.get_violation_error_message()), field=fields[-1] if fields else None)
    return error


def _refused(obj: models.Model, error: ValidationError) -> Refused:
    for name, messages in error.message_dict.items():
        if name == NON_FIELD_ERRORS:
            return Refused(messages[0])
        label = getattr(obj._meta.get_field(name), "verbose_name", name)
        return Refused(f"{label}：{messages[0]}", field=name)
    return Refused("内容不完整或不正确。")
