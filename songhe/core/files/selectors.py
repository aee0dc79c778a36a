"""Finding files that are the same."""

from datetime import datetime

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from songhe.core.files.models import StoredFile

# Plain surfaces all look alike; their fingerprints prove nothing.
_BLANK = (0, -1)


def same_bytes(file: StoredFile) -> QuerySet[StoredFile]:
    """Return other files whose original bytes were the very same."""
    return StoredFile.objects.filter(digest=file.digest).exclude(pk=file.pk)


def lookalikes(file: StoredFile, *, within: int = 6, since: datetime | None = None) -> QuerySet[StoredFile]:
    """Return other pictures of the same purpose that differ from this one in at most ``within`` of 64 bits.

    So is the same photo found after it was re-saved, shrunk or re-compressed. ``since`` bounds the look-back.
    """
    if file.dhash is None or file.dhash in _BLANK:
        return same_bytes(file)
    found = (
        StoredFile.objects.filter(purpose=file.purpose, dhash__isnull=False)
        .exclude(pk=file.pk)
        .annotate(distance=RawSQL("bit_count((dhash # %s::bigint)::bit(64))", [file.dhash]))
        .filter(distance__lte=within)
    )
    return found.filter(created_at__gte=since) if since else found
