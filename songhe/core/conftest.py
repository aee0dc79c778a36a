"""Fixtures that several rooms of this floor use."""

import pytest
from pytest_django import DjangoDbBlocker

from songhe.core.areas.models import Area


@pytest.fixture
def paper_table(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the test model's table before the test's own transaction begins."""
    from songhe.core.testing.paper import Paper
    from songhe.core.testing.tables import ensure_tables

    with django_db_blocker.unblock():
        ensure_tables(Paper)


@pytest.fixture
def street(paper_table: None, system: None) -> Area:
    """A street of the Anqing pack."""
    from songhe.core.testing.streets import street_of_anqing

    return street_of_anqing(0)


@pytest.fixture
def other_street(paper_table: None, system: None) -> Area:
    """The street beside it."""
    from songhe.core.testing.streets import street_of_anqing

    return street_of_anqing(1)
