"""A spreadsheet says of every record what its list says."""

import pytest
from django.test import RequestFactory

from songhe.core.console.display import cell_of, cells_of
from songhe.core.console.registry import all_pages, autodiscover
from songhe.core.scope.services import Scope, use
from tests.people import Person

pytestmark = pytest.mark.slow

ROWS = 8


def test_columns_are_written_quickly_as_each_record_is_written_alone(anqing):
    autodiscover()
    compared, faults = 0, []
    request = RequestFactory().get("/")
    with use(Scope.system()):
        request.user = Person("county").user
        # The kit's own test page has a table only while its tests run.
        for pages in (pages for pages in all_pages() if pages.room != "papers"):
            rows = list(pages.get_queryset(request).order_by("pk")[:ROWS])
            for column in pages.all_columns:
                quickly = cells_of(pages.model, column)
                for row in rows:
                    compared += 1
                    if (quick := quickly(row)) != (alone := cell_of(row, column)):
                        faults.append(f"{pages.key} {column.key}：{quick!r}，应为 {alone!r}")
    assert faults == []
    assert compared > 1000
