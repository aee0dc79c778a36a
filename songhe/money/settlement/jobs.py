"""Work of settlement too long for a request."""

from datetime import date
from uuid import UUID

from songhe.core.accounts.models import User
from songhe.core.events.services import job
from songhe.core.scope.services import Scope, use
from songhe.money.settlement import services

AT_ONCE = 2


@job(own_transactions=True, queueing_lock="settlement.draw_month")
def draw_month(month: date, user_id: UUID) -> None:
    """Draw all providers' statements of a month; running it again goes on where it was cut short."""
    with use(Scope.system()):
        user = User.objects.get(pk=user_id)
    services.draw(month=month, user=user, at_once=AT_ONCE)
