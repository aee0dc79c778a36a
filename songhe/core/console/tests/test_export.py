"""Spreadsheets: taken out for a reason that is noted, complete, masked, and without a formula in any cell."""

from io import BytesIO
from zipfile import ZipFile

import openpyxl
import pytest

from songhe.core.console.tests.conftest import ROOT
from songhe.core.console.tests.papers import PaperPages
from songhe.core.journal.models import Access
from songhe.core.testing.paper import Paper


def sheet(response):
    return openpyxl.load_workbook(BytesIO(b"".join(response.streaming_content))).active


def test_the_reason_is_asked_for_and_noted(client, papers, clerk):
    papers(3)
    dialog = client.post(f"{ROOT}export/", {"state": "handed_in"}, HTTP_HX_REQUEST="true").content.decode()
    assert 'name="state" value="handed_in"' in dialog and not Access.objects.exists()
    assert "请写明" in client.post(f"{ROOT}export/", {"reason": " "}).content.decode()
    rows = list(sheet(client.post(f"{ROOT}export/", {"reason": "月底走访", "q": "请001"})).values)
    assert rows[0][:3] == ("事由", "区划", "状态") and [row[0] for row in rows[1:]] == ["申请001"]
    note = Access.objects.get()
    assert (note.act, note.user_id, note.rows, note.reason) == ("export", clerk.pk, 1, "月底走访")
    assert "请001" not in note.subject


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", '=HYPERLINK("http://x")', "=cmd|'/c calc'!A1"])
def test_no_cell_becomes_a_formula_and_none_is_altered(client, street, text):
    Paper.objects.create(subject=text, area=street, phone="13800001111")
    response = client.post(f"{ROOT}export/", {"reason": "核对"})
    content = b"".join(response.streaming_content)
    with ZipFile(BytesIO(content)) as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
        assert not [name for name in book.namelist() if "externalLink" in name or "_rels/sheet" in name]
    cell = openpyxl.load_workbook(BytesIO(content)).active["A2"]
    assert (cell.value, cell.data_type) == (text, "s" if not text.startswith("=") else cell.data_type)
    assert "13800001111" not in str(list(openpyxl.load_workbook(BytesIO(content)).active.values))


def test_too_many_rows_are_refused_and_nothing_is_noted(client, papers, monkeypatch):
    papers(4)
    monkeypatch.setattr(PaperPages, "export_limit", 3)
    page = client.post(f"{ROOT}export/", {"reason": "全部"})
    assert page.status_code == 409 and "缩小范围" in page.content.decode()
    assert not Access.objects.exists()
