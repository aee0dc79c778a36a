from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections


@pytest.fixture
def owner(transactional_db: None) -> Iterator[None]:
    """Sign in as the owner of the tables, as the demo's command does."""
    from songhe.config.database import django_database

    connection = connections["default"]
    before = {**connection.settings_dict}
    connection.close()
    connection.settings_dict.update(django_database(owner=True), NAME=settings.DATABASES["default"]["NAME"])
    yield
    connection.close()
    connection.settings_dict.update(before)
