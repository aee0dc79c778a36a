"""A spreadsheet says of every record what its list says."""

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from songhe.core.console.display import cell_of, cells_of
from songhe.core.console.export import read_only_for
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
            rows = pages.get_queryset(request).order_by("pk")
            whole = list(rows[:ROWS])
            for column in pages.all_columns:
                # As an export of this column alone reads them, so that what it does not say it needs is missing.
                records = list(read_only_for(rows, [column])[:ROWS])
                quickly = cells_of(pages.model, column)
                for narrow, row in zip(records, whole, strict=True):
                    compared += 1
                    with CaptureQueriesContext(connection) as asked:
                        quick = quickly(narrow)
                    if quick != (alone := cell_of(row, column)):
                        faults.append(f"{pages.key} {column.key}：{quick!r}，应为 {alone!r}")
                    if any(f'"{pages.model._meta.db_table}"."id" =' in each["sql"] for each in asked):
                        faults.append(f"{pages.key} {column.key}：逐行补读")
    assert faults == []
    assert compared > 1000
