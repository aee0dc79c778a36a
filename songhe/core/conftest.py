"""Fixtures that several rooms of this floor use."""

import pytest


@pytest.fixture
def paper_table(django_db_setup, django_db_blocker):
    """Make the test model's table before the test's own transaction begins."""
    from songhe.core.testing.paper import Paper
    from songhe.core.testing.tables import ensure_tables

    with django_db_blocker.unblock():
        ensure_tables(Paper)
