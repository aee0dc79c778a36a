"""What elders ask of whoever comes."""

from uuid import UUID

from django.db import transaction

from songhe.care.dispatch.models import CarerWish
from songhe.care.orders.models import Order
from songhe.core.accounts.models import User
from songhe.core.calendar.services import now
from songhe.core.errors import Refused
from songhe.core.locks import locked
from songhe.core.saving import save
from songhe.registers.elders.models import Elder
from songhe.registers.workforce.models import Staff


@transaction.atomic
def note_wish(
    *, elder: Elder, kind: str, staff: Staff | None = None, sex: str = "", reason: str = "", user: User | None = None
) -> CarerWish:
    """Note whom an elder wishes for or does not want: one carer, or one sex of a provider's carers.

    Raises:
        Refused: neither or both are named, or no provider is known whose carers come to this elder.
    """
    if (staff is None) == (not sex):
        raise Refused("请指定一位护理员，或者一个性别，二者选一。", field="staff")
    return save(
        CarerWish(
            elder=elder,
            area_id=elder.area_id,
            provider_id=_provider(elder, staff, user),
            kind=kind,
            staff=staff,
            sex=sex,
            reason=reason.strip(),
        )
    )


def _provider(elder: Elder, staff: Staff | None, user: User | None) -> UUID:
    if staff is not None:
        return staff.provider_id
    if user is not None and user.provider_id is not None:
        return user.provider_id
    lately = Order.objects.filter(elder=elder, provider__isnull=False).order_by("-placed_at")
    found = lately.values_list("provider_id", flat=True).first()
    if found is None:
        raise Refused("还没有服务商为这位老人服务过，请直接指定护理员。", field="sex")
    return found


@transaction.atomic
def end_wish(*, wish_id: UUID) -> CarerWish:
    """End a wish."""
    row = locked(CarerWish.objects.filter(pk=wish_id))
    row.ended_at = now()
    return save(row)
