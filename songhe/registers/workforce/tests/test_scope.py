"""Who sees the people who work: those of the provider, and the offices of the divisions it serves."""

import pytest

from songhe.core.areas.models import Area
from songhe.core.scope.services import Scope, use
from songhe.registers.providers.models import Provider, ProviderArea
from songhe.registers.workforce.models import Staff

HERE, NEXT, ELSEWHERE = 340802001000, 340802003000, 340811001000


@pytest.fixture
def carer(system):
    """A carer who sets out from one street for a provider that serves the next one."""
    provider = Provider.objects.create(
        name="邻里服务中心", credit_code="91340800MA2TEST001", kind="company", area_id=HERE // 10**8 * 10**8
    )
    ProviderArea.objects.create(provider=provider, area_id=NEXT, validity=("2020-01-01", None))
    return Staff.objects.create(provider=provider, area_id=HERE, name="邻家护理员", sex="female")


def seen_from(code):
    area = Area.objects.get(code=code)
    with use(Scope.area(area.code, area.upper)):
        return set(Staff.objects.values_list("name", flat=True))


@pytest.mark.django_db
def test_a_street_sees_the_carers_of_providers_that_serve_it(carer):
    assert carer.name in seen_from(HERE)
    assert carer.name in seen_from(NEXT)
    assert carer.name not in seen_from(ELSEWHERE)
