import pytest

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area

CITY, COUNTY, STREET, OTHER_STREET = 340800000000, 340802000000, 340802097000, 340802098000


def area(code, upper, name, level, kind, parent=None):
    full_name = f"{parent.full_name}{name}" if parent else name
    return Area.objects.get_or_create(
        code=code,
        defaults={
            "upper": upper, "name": name, "full_name": full_name, "level": level, "kind": kind, "parent": parent,
        },
    )[0]  # fmt: skip


@pytest.fixture
def places(system):
    """A city, a county, two streets, and communities of each by name."""
    return made_places()


def made_places():
    """Make the places; under the system's scope."""
    city = area(CITY, CITY + 10**8, "松市", "city", "city")
    county = area(COUNTY, COUNTY + 10**6, "松江区", "county", "county", city)
    street = area(STREET, STREET + 1000, "松一街道", "township", "street", county)
    other = area(OTHER_STREET, OTHER_STREET + 1000, "松二街道", "township", "street", county)
    return {
        "city": city,
        "county": county,
        "street": street,
        "other_street": other,
        "east": area(STREET + 1, STREET + 2, "松东社区", "village", "community", street),
        "west": area(STREET + 2, STREET + 3, "松西社区", "village", "community", street),
        "far": area(OTHER_STREET + 1, OTHER_STREET + 2, "松南社区", "village", "community", other),
    }


@pytest.fixture
def clerk(places):
    """The clerk of the first street."""
    return User.objects.create(
        username="test-clerk", display_name="张经办", role=Role.STREET_CLERK, area=places["street"]
    )


@pytest.fixture
def other_clerk(places):
    """The clerk of the street beside it."""
    return User.objects.create(
        username="test-other-clerk", display_name="李经办", role=Role.STREET_CLERK, area=places["other_street"]
    )
