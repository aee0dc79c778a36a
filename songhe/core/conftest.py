"""Fixtures that several rooms of this floor use."""

import pytest


@pytest.fixture
def paper_table(django_db_setup, django_db_blocker):
    """Make the test model's table before the test's own transaction begins."""
    from songhe.core.testing.paper import Paper
    from songhe.core.testing.tables import ensure_tables

    with django_db_blocker.unblock():
        ensure_tables(Paper)


def _street(code: int, name: str):
    from songhe.core.areas.models import Area

    return Area.objects.get_or_create(
        code=code,
        defaults={"upper": code + 1000, "name": name, "full_name": name, "level": "township", "kind": "street"},
    )[0]


@pytest.fixture
def street(paper_table, system):
    """A street of the Anqing pack."""
    return _street(340802001000, "人民路街道")


@pytest.fixture
def other_street(paper_table, system):
    """The street beside it."""
    return _street(340802002000, "孝肃路街道")
