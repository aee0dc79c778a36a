from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from songhe.care.dispatch.tests.round import Round
from songhe.care.orders.tests.conftest import town
from songhe.core.calendar.services import at

__all__ = ["MORNING", "round_", "town"]

# A Tuesday morning before anybody sets out.
MORNING = datetime(2026, 11, 10, 7, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def round_(system):
    with at(MORNING):
        yield Round()
