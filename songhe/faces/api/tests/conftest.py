from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from songhe.core.calendar.services import today
from songhe.core.scope.services import Scope, use
from songhe.faces.api import services
from tests.people import Person

ROOT = "/api/v1"


class System:
    """Another system, with the key of a demo account."""

    def __init__(self, username, purpose="核对名册"):
        with use(Scope.system()):
            self.person = Person(username)
            self.user = self.person.user
            self.key = services.make(
                user=self.user, name=f"{username}的系统", purpose=purpose, last_day=today() + timedelta(days=30)
            )
            self.text = services.issue(key=self.key, user=self.user)
        self.client = Client(headers={"Authorization": f"Bearer {self.text}"})

    def asks(self, path, status=200, **parameters):
        """Return what a list, a record or the search answers."""
        answer = self.client.get(ROOT + path, parameters)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.content.decode()}"
        return answer.json()

    def sends(self, path, status=200, **body):
        """Send a question that no address may hold."""
        answer = self.client.post(ROOT + path, body, content_type="application/json")
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.content.decode()}"
        return answer.json()

    def all_rows(self, path, **parameters):
        """Run through a list to its end."""
        found, cursor = [], ""
        while cursor is not None:
            answer = self.asks(path, cursor=cursor, **parameters)
            found += answer["rows"]
            cursor = answer["next"]
        return found


@pytest.fixture(autouse=True)
def unhurried():
    """Each test may ask as often as a minute allows."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def county(anqing):
    return System("county")
