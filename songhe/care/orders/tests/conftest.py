from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from songhe.care.orders.tests.town import Town
from songhe.core.calendar.services import at

# A Tuesday morning: no month ends within the week.
MORNING = datetime(2026, 11, 10, 7, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def town(system):
    with at(MORNING):
        yield Town()
