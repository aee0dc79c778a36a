"""What is done about orders in the background."""

from datetime import timedelta

from songhe.care.orders import services
from songhe.core.calendar.services import today
from songhe.core.events.services import job

# How far ahead dispatchers see what repeats.
AHEAD = timedelta(days=7)


# After the months' credits have been opened, which is at twenty past midnight on the first.
@job(cron="50 0 * * *", queueing_lock="orders.make_due_orders")
def make_standing_orders() -> None:
    """Make the orders that standing orders ask for within the next week."""
    services.make_due_orders(until=today() + AHEAD)
