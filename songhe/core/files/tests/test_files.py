"""Files: what is taken, what is refused, what a picture loses, and who gets to read them."""

import io
import random
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from openpyxl import Workbook
from PIL import Image

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.errors import Refused
from songhe.core.files import selectors, services, sniffing
from songhe.core.files.models import StoredFile
from songhe.core.scope.services import Scope, use


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.FILES_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def clerk(street, system):
    return User.objects.create(username="clerk", display_name="小张", role=Role.STREET_CLERK, area=street)


def photo(*, size=(1200, 900), seed=1, exif=None, quality=90) -> ContentFile:
    """Draw something with the light and shade of a room: few large soft shapes."""
    light = random.Random(seed)
    small = Image.new("RGB", (8, 6))
    small.putdata([tuple(light.randrange(256) for _ in range(3)) for _ in range(48)])
    out = io.BytesIO()
    extra = {"exif": exif} if exif else {}
    small.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=quality, **extra)
    return ContentFile(out.getvalue(), name="现场照片.jpg")


def exif_of_a_phone() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-PHONE"
    exif.get_ifd(0x8769)[0x9003] = "2026:03:02 09:15:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 31.0, 12.0), 3: "E", 4: (117.0, 3.0, 0.0)})
    return exif


def test_a_photo_loses_its_metadata_after_time_and_place_are_read(clerk):
    stored = services.store(photo(exif=exif_of_a_phone()), purpose="visit", user=clerk)
    data = stored.file.read_bytes()
    assert b"SECRET-PHONE" not in data
    assert not Image.open(io.BytesIO(data)).getexif()
    assert stored.taken_at == datetime(2026, 3, 2, 1, 15, tzinfo=UTC)
    assert (stored.lat, stored.lon) == (pytest.approx(30.52), pytest.approx(117.05))
    assert stored.area == clerk.area
    assert (stored.name, stored.content_type) == ("现场照片.jpg", "image/jpeg")
    assert str(stored.pk) not in stored.path


def test_a_turned_large_photo_stands_upright_and_small(clerk):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = services.store(photo(size=(4000, 3000), exif=exif), purpose="visit", user=clerk)
    assert (stored.width, stored.height) == (1500, 2000)


def test_the_same_photo_is_known_again_after_resaving(clerk):
    first = services.store(photo(), purpose="visit", user=clerk)
    again = services.store(photo(size=(800, 600), quality=40), purpose="visit", user=clerk)
    other = services.store(photo(seed=7), purpose="visit", user=clerk)
    assert first.digest != again.digest
    assert list(selectors.lookalikes(first)) == [again]
    assert not selectors.lookalikes(other).exists()


def workbook() -> bytes:
    out = io.BytesIO()
    Workbook().save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n...", sniffing.PDF),
        (workbook(), sniffing.XLSX),
        ("姓名,电话\n张三,138\n".encode("gb18030"), sniffing.CSV),
        (b"PK\x03\x04 not a workbook", None),
        (b"<html><script>alert(1)</script>, a</html>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg' a='1,2'/>", None),
        (b"MZ\x90\x00,\x00", None),
    ],
)
def test_types_are_told_from_bytes(data, kind):
    assert sniffing.content_type(data) == kind


def test_a_page_called_photo_is_refused(clerk):
    with pytest.raises(Refused, match="不能上传这种文件"):
        services.store(ContentFile(b"<html>,</html>", name="a.jpg"), purpose="visit", user=clerk)
    with pytest.raises(Refused, match="只接受 pdf"):
        services.store(photo(), purpose="letter", user=clerk, kinds=(sniffing.PDF,))


def test_too_large_is_said_before_reading(clerk):
    class Endless(ContentFile):
        def read(self, *_):
            raise AssertionError("read before its size was looked at")

    upload = Endless(b"", name="a.jpg")
    upload.size = 20 * 1024 * 1024 + 1
    with pytest.raises(Refused, match="超过了 20 MB 的上限"):
        services.store(upload, purpose="visit", user=clerk)


@pytest.mark.parametrize("harm", ["cut", "bomb"])
def test_broken_pictures_and_bombs_are_refused(clerk, harm):
    if harm == "cut":
        data = photo().read()[:3000]
    else:
        out = io.BytesIO()
        Image.new("1", (9000, 9000)).save(out, "PNG")
        data = out.getvalue()
        assert len(data) < 100_000
    with pytest.raises(Refused, match=r"损坏|太大"):
        services.store(ContentFile(data, name="a.png"), purpose="visit", user=clerk)


def test_only_those_who_see_the_row_get_the_file(clerk, other_street, system):
    stored = services.store(photo(), purpose="visit", user=clerk)
    stranger = User.objects.create(username="stranger", display_name="邻街", role=Role.STREET_CLERK, area=other_street)
    client = Client()
    assert client.get(stored.get_absolute_url()).status_code == 302
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(stored.get_absolute_url()).status_code == 404
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(stored.get_absolute_url())
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == stored.file.read_bytes()
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("inline")
    assert client.get(f"/files/{uuid4()}").status_code == 404


def test_a_table_is_sent_as_an_attachment(clerk):
    stored = services.store(ContentFile("姓名,电话\n".encode(), name="../名册.txt"), purpose="import", user=clerk)
    client = Client()
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get(stored.get_absolute_url())
    assert answer["Content-Disposition"].startswith("attachment")
    assert stored.name == "名册.csv"


def test_nobody_hands_in_for_another_area(clerk, other_street):
    with use(Scope.area(clerk.area.code, clerk.area.upper)), pytest.raises(Exception, match="row-level security"):
        services.store(photo(), purpose="visit", area=other_street, user=clerk)


def test_orphans_are_swept_and_kept_files_stay(clerk, folder):
    kept = services.store(photo(), purpose="visit", user=clerk)
    with pytest.raises(RuntimeError), transaction.atomic():
        services.store(photo(seed=3), purpose="visit", user=clerk)
        raise RuntimeError
    assert len(list(folder.glob("??/*"))) == 2
    assert services.sweep(older_than=time.time() - 3600) == 0
    assert services.sweep(older_than=time.time() + 1) == 1
    assert kept.file.exists()
    assert StoredFile.objects.count() == 1
