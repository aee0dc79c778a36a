import pytest

from songhe.money.settlement.tests.world import World


@pytest.fixture
def world(system):
    return World()
