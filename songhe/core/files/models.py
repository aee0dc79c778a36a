"""Files that people hand in; the bytes lie in a folder under random names, the rows say what they are and whose."""

from pathlib import Path
from typing import BinaryIO, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.records import AppendOnly
from songhe.core.scope.roles import RowScope


class StoredFile(AppendOnly):
    """One file; images were re-encoded without metadata, and what their metadata said of time and place is here."""

    row_scope: ClassVar = RowScope(
        area="area",
        provider="provider_id",
        elder="elder_id",
        writers=("area", "provider", "person"),
        append_only=True,
    )

    purpose = models.CharField("用途", max_length=40)
    name = models.CharField("原文件名", max_length=200)
    content_type = models.CharField("类型", max_length=100)
    size = models.PositiveIntegerField("字节数")
    path = models.CharField("存放位置", max_length=80, unique=True)
    digest = models.CharField("原文件摘要", max_length=64, db_index=True, help_text="SHA-256")
    dhash = models.BigIntegerField("图像指纹", null=True, db_index=True, help_text="64 位差异哈希")
    width = models.PositiveIntegerField("宽", null=True)
    height = models.PositiveIntegerField("高", null=True)
    taken_at = models.DateTimeField("拍摄时间", null=True)
    lat = models.FloatField("拍摄纬度", null=True, help_text="WGS-84")
    lon = models.FloatField("拍摄经度", null=True, help_text="WGS-84")
    area = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+", verbose_name="区划")
    provider_id = models.UUIDField("服务商", null=True)
    elder_id = models.UUIDField("老年人", null=True)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="上传人")

    class Meta(AppendOnly.Meta):
        verbose_name = "文件"
        verbose_name_plural = "文件"
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def file(self) -> Path:
        """Where the bytes lie on this machine."""
        return Path(settings.FILES_ROOT) / self.path

    @property
    def is_image(self) -> bool:
        """Tell whether a page may show it as a picture."""
        return self.content_type.startswith("image/")

    def open(self) -> BinaryIO:
        """Open the bytes for reading."""
        return self.file.open("rb")

    def get_absolute_url(self) -> str:
        """Return the address that serves it to whoever may see its row."""
        return reverse("files:file", args=[self.pk])
