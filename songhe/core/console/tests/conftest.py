import pytest
from django.test import Client

from songhe.core.accounts import roles
from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.testing.paper import Paper

ROOT = "/console/papers/paper/"


@pytest.fixture(autouse=True)
def addresses(settings, monkeypatch):
    settings.ROOT_URLCONF = "songhe.core.console.tests.urls"
    settings.STAFF_SECOND_FACTOR = False
    # What a role may is remembered: neither other tests' answers count here, nor ours elsewhere.
    roles.role_may.cache_clear()
    held = roles.PERMISSIONS
    may = {"papers.view", "papers.edit", "papers.export", "papers.reveal", "flow.reveal"}
    monkeypatch.setitem(held, Role.STREET_CLERK, held[Role.STREET_CLERK] | may)
    monkeypatch.setitem(held, Role.FINANCE_CHECKER, held[Role.FINANCE_CHECKER] | {"papers.view", "papers.edit"})
    yield
    roles.role_may.cache_clear()


@pytest.fixture
def make_user(street):
    def make(name="clerk", role=Role.STREET_CLERK, **values):
        place = {} if role in roles.ADMINISTRATORS else {"area": street}
        return User.objects.create(username=name, display_name=name, role=role, **{**place, **values})

    return make


@pytest.fixture
def sign_in():
    def sign(user):
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign


@pytest.fixture
def clerk(make_user):
    return make_user()


@pytest.fixture
def client(clerk, sign_in):
    return sign_in(clerk)


@pytest.fixture
def paper(street, clerk):
    from songhe.core.console.tests.papers import hand_in

    return hand_in(user=clerk, subject="购置护理床", area=street, phone="13800001111")


@pytest.fixture
def papers(street):
    def make(count, **values):
        subject = values.pop("subject", "申请")
        return [Paper.objects.create(subject=f"{subject}{n:03}", area=street, **values) for n in range(count)]

    return make
