"""Taking files in."""

import hashlib
import os
import secrets
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import models, transaction

from songhe.core.accounts.models import User
from songhe.core.areas.models import Area
from songhe.core.errors import Refused
from songhe.core.files import images, sniffing
from songhe.core.files.models import StoredFile

LIMIT = 20 * 1024 * 1024


@transaction.atomic
def store(
    upload: "File[bytes]",
    *,
    purpose: str,
    area: Area | int | None = None,
    provider: UUID | models.Model | None = None,
    elder: UUID | models.Model | None = None,
    user: User | None,
    kinds: tuple[str, ...] = tuple(sniffing.SUFFIXES),
) -> StoredFile:
    """Check a file of at most 20 MB, clean it if it is a picture, keep it and return its row.

    Without ``area``, ``provider`` and ``elder`` it belongs to the area and provider of the person who hands it in.
    ``kinds`` narrows the media types taken. Raises Refused in words for what is too large, broken or not allowed.
    """
    if upload.size > LIMIT:
        raise Refused(f"文件有 {upload.size / 1024 / 1024:.1f} MB，超过了 20 MB 的上限，请压缩或拆分后再上传。")
    if not upload.size:
        raise Refused("文件是空的，请检查后重新上传。")
    upload.seek(0)
    data = upload.read()
    kind = sniffing.content_type(data)
    if kind is None or kind not in kinds:
        names = "、".join(sniffing.SUFFIXES[name].lstrip(".") for name in kinds)
        raise Refused(f"不能上传这种文件，只接受 {names}（按文件内容判断，与扩展名无关）。")
    digest = hashlib.sha256(data).hexdigest()
    details: dict[str, Any] = {}
    if kind in sniffing.IMAGES:
        picture = images.clean(data, kind)
        data = picture.data
        details = {name: getattr(picture, name) for name in ("width", "height", "dhash", "taken_at", "lat", "lon")}
    if area is None and provider is None and elder is None and user is not None:
        area, provider = user.area, user.provider_id
    stored = StoredFile(
        purpose=purpose,
        name=_plain_name(upload.name, kind),
        content_type=kind,
        size=len(data),
        path=_write(data, kind),
        digest=digest,
        area_id=area.pk if isinstance(area, Area) else area,
        provider_id=_id(provider),
        elder_id=_id(elder),
        user=user,
        **details,
    )
    stored.save(force_insert=True)
    return stored


def sweep(*, older_than: float) -> int:
    """Remove files that no row names, written before ``older_than`` (seconds since the epoch); return how many.

    A file whose transaction was undone leaves such an orphan. Runs under the system's scope.
    """
    root = Path(settings.FILES_ROOT)
    old = {
        str(path.relative_to(root)): path
        for path in root.glob("??/*")
        if path.is_file() and path.stat().st_mtime < older_than
    }
    names = list(old)
    removed = 0
    for start in range(0, len(names), 1000):
        batch = names[start : start + 1000]
        known = set(StoredFile.objects.filter(path__in=batch).values_list("path", flat=True))
        for name in batch:
            if name not in known:
                old[name].unlink()
                removed += 1
    return removed


def _write(data: bytes, kind: str) -> str:
    token = secrets.token_hex(16)
    name = f"{token[:2]}/{token}{sniffing.SUFFIXES[kind]}"
    path = Path(settings.FILES_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return name


def _plain_name(name: str | None, kind: str) -> str:
    stem = PurePath((name or "").replace("\\", "/")).name.rpartition(".")[0] or "文件"
    clean = "".join(letter for letter in stem if letter.isprintable() and letter not in '/\\:*?"<>|')
    return f"{clean[:180] or '文件'}{sniffing.SUFFIXES[kind]}"


def _id(owner: UUID | models.Model | None) -> UUID | None:
    return owner.pk if isinstance(owner, models.Model) else owner
