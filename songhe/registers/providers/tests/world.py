"""What tests of the supply side begin with: places, people at their desks, providers."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from stdnum.cn import ric, uscc

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.areas.models import Area
from songhe.core.ids import uuid7
from songhe.registers.providers import services
from songhe.registers.providers.models import Provider

CITY, COUNTY, COMMUNITY = 340800000000, 340802000000, 340802097001


def area(code: int, upper: int, name: str, level: str, parent: Area | None = None) -> Area:
    """Return a division, made if it is not there."""
    kind = {"city": "city", "county": "county", "township": "street", "village": "community"}[level]
    full = f"{parent.full_name if parent else ''}{name}"
    return Area.objects.get_or_create(
        code=code,
        defaults={"upper": upper, "name": name, "full_name": full, "level": level, "kind": kind, "parent": parent},
    )[0]


def places() -> dict[str, Area]:
    """Return a city with a county and a community in it."""
    city = area(CITY, CITY + 10**8, "松市", "city")
    county = area(COUNTY, COUNTY + 10**6, "松江区", "county", city)
    street = area(COMMUNITY - 1, COMMUNITY + 999, "松一街道", "township", county)
    return {
        "city": city,
        "county": county,
        "community": area(COMMUNITY, COMMUNITY + 1, "松东社区", "village", street),
    }


def credit_code(number: int = 1) -> str:
    """Return a valid credit code of nobody."""
    body = f"91340800MA9T{number:05d}"
    return body + str(uscc.calc_check_digit(body))


def id_number(order: int = 12, birth: date = date(1980, 5, 6)) -> str:
    """Return a valid identity number of nobody; odd orders are men."""
    body = f"340802{birth:%Y%m%d}{order:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def provider(where: Area, number: int = 1, *, state: str = Provider.State.ACTIVE) -> Provider:
    """Return a provider, active unless told."""
    made = services.register(
        name=f"松鹤{number}号养老公司", credit_code=credit_code(number), kind="company", area=where
    )
    made.state = state
    made.save()
    return made


def user(username: str, role: str = Role.COUNTY_CLERK, **more: Any) -> User:
    """Return somebody with an account."""
    return User.objects.create(username=username, display_name=username, role=role, **more)


def manager(of: Provider) -> User:
    """Return a provider's manager."""
    return user(f"manager-{of.credit_code}", Role.PROVIDER_MANAGER, provider_id=of.pk)


class Desk:
    """Somebody signed in at the console."""

    def __init__(self, who: User) -> None:
        self.client = Client()
        self.client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")

    def sees(self, pages: str, action: str = "list", *args: Any, query: str = "", status: int = 200) -> str:
        """Open a page and return its text."""
        answer = self.client.get(reverse(f"console:{pages}-{action}", args=args) + query)
        assert answer.status_code == status, (pages, action, answer.status_code)
        return answer.content.decode()

    def sends(self, pages: str, action: str, *args: Any, **data: Any) -> HttpResponse:
        """Send a form."""
        return self.client.post(reverse(f"console:{pages}-{action}", args=args), {"form_token": str(uuid7()), **data})

    def does(self, pages: str, action: str, *args: Any, **data: Any) -> None:
        """Send a form that must be taken."""
        answer = self.sends(pages, action, *args, **data)
        assert answer.status_code in (204, 302, 303) or "HX-Redirect" in answer.headers, answer.content.decode()[-3000:]
