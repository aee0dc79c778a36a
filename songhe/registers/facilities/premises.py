"""From rooms to a facility: every write on premises."""

from datetime import date
from decimal import Decimal

from django.core.files import File
from django.db import transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.calendar.services import today
from songhe.core.errors import Refused
from songhe.core.files.services import store
from songhe.core.flow.services import fire, start
from songhe.core.locks import locked
from songhe.core.parameters.models import Parameter
from songhe.core.saving import save
from songhe.core.validity import in_force
from songhe.registers.facilities import services
from songhe.registers.facilities.models import Facility, FacilityKind, Paper, Premises, PremisesOrigin

PER_HUNDRED = {
    PremisesOrigin.NEW_HOUSING: "设施用房.新建住宅每百户面积",
    PremisesOrigin.OLD_HOUSING: "设施用房.已建成住区每百户面积",
}
"""The place's figures for how many m² a hundred households are owed, by the origin of the premises."""


@transaction.atomic
def enter(
    *,
    name: str,
    origin: str,
    area: Area,
    owner: str,
    surveyed_m2: Decimal,
    user: User,
    households: int | None = None,
    address: str = "",
    latitude: float | None = None,
    longitude: float | None = None,
) -> Premises:
    """Enter idle public rooms that were found, or those that a housing project plans."""
    row = Premises(
        name=name.strip(),
        origin=origin,
        area=area,
        owner=owner.strip(),
        surveyed_m2=surveyed_m2,
        households=households,
        address=address.strip(),
        latitude=latitude,
        longitude=longitude,
    )
    save(row)
    start(row, user)
    return row


@transaction.atomic
def approve(
    *, premises: Premises, kind: FacilityKind, planned_m2: Decimal, user: User, version: int | None = None
) -> Premises:
    """Decide what of the premises becomes which kind of facility; what the norm asks for the households is kept.

    Raises:
        Refused: less is planned than the norm asks for.
    """
    row = locked(Premises.objects.filter(pk=premises.pk), version=version)
    row.kind, row.planned_m2 = kind, planned_m2
    row.required_m2, row.required_by = required(row, today())
    if row.required_m2 is not None and planned_m2 < row.required_m2:
        raise Refused(
            f"{row.households} 户应有 {row.required_m2} 平方米（{row.required_by}），核定面积不足。", field="planned_m2"
        )
    save(row)
    return fire(row, "approve", user=user)


def required(premises: Premises, on: date) -> tuple[Decimal | None, str]:
    """Return how many m² the place's norm asks for the households, and the norm; None where it has none."""
    name = PER_HUNDRED.get(PremisesOrigin(premises.origin))
    figure = Parameter.objects.filter(in_force(on), name=name).first() if name else None
    if figure is None or premises.households is None:
        return None, ""
    needed = (figure.value * premises.households / 100).quantize(Decimal("0.01"))
    return needed, f"每百户 {figure.value.normalize():f} 平方米，{figure.document}"[:200]


@transaction.atomic
def build(*, premises: Premises, built_m2: Decimal, user: User, version: int | None = None) -> Premises:
    """Note that the premises stand, and how large they are."""
    row = locked(Premises.objects.filter(pk=premises.pk), version=version)
    row.built_m2 = built_m2
    save(row)
    return fire(row, "build", user=user)


@transaction.atomic
def hand_over(
    *,
    premises: Premises,
    on: date,
    user: User,
    agreement: "File[bytes] | None" = None,
    version: int | None = None,
) -> Premises:
    """Take accepted premises over: they become a facility that is being fitted out.

    The agreement is kept among its papers.

    Raises:
        Refused: they are not accepted, or a facility of that name is in the division already.
    """
    row = locked(Premises.objects.filter(pk=premises.pk).select_related("kind", "area"), version=version)
    if on > today():
        raise Refused("移交日期不能晚于今天。", field="on")
    if row.state != Premises.State.ACCEPTED:
        raise Refused(f"当前状态是“{row.get_state_display()}”，验收合格后才能移交。")
    facility: Facility = services.found(
        name=row.name, kind=row.kind, area=row.area, address=row.address, latitude=row.latitude,
        longitude=row.longitude, floor_area_m2=row.built_m2,
    )  # fmt: skip
    row.facility, row.handed_over_on = facility, on
    if agreement is not None:
        row.document = store(agreement, purpose="facility", area=row.area, user=user)
        save(Paper(facility=facility, kind=Paper.Kind.ACCEPTANCE, title="移交协议", document=row.document))
    save(row)
    return fire(row, "hand_over", user=user)
