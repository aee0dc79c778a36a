"""Pictures: re-encoded so that nothing hides in them, after their time, place and fingerprint are read."""

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

from django.utils import timezone
from PIL import ExifTags, Image, ImageOps

from songhe.core.errors import Refused
from songhe.core.files.sniffing import IMAGES, JPEG

LONGEST_SIDE = 2000
MOST_PIXELS = 80_000_000
QUALITY = 85


@dataclass(frozen=True)
class Picture:
    """A re-encoded picture and what its metadata said. Latitude and longitude in degrees, WGS-84."""

    data: bytes
    width: int
    height: int
    dhash: int
    taken_at: datetime | None
    lat: float | None
    lon: float | None


def clean(data: bytes, content_type: str) -> Picture:
    """Return the picture upright, at most 2000 pixels a side and without metadata.

    Raises Refused if it is no picture or has too many pixels.
    """
    try:
        with Image.open(BytesIO(data), formats=[IMAGES[content_type]]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Refused(f"图片有 {image.width}×{image.height} 像素，太大了，请用普通拍照模式重拍或缩小后再上传。")
            exif = image.getexif()
            # Lets the decoder shrink as it reads.
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            upright = upright.convert("RGBA" if _has_alpha(upright) and content_type != JPEG else "RGB")
    except Refused:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Refused("图片已损坏或不完整，打不开，请重新拍摄或另存后再上传。") from error
    # A new image carries over pixels and nothing else: no profile, comment, thumbnail or text chunk.
    bare = Image.new(upright.mode, upright.size)
    bare.paste(upright)
    out = BytesIO()
    bare.save(out, IMAGES[content_type], quality=QUALITY, optimize=True)
    lat, lon = _place(exif)
    return Picture(out.getvalue(), bare.width, bare.height, dhash(bare), _time(exif), lat, lon)


def dhash(image: Image.Image) -> int:
    """Return the 64-bit difference hash as a signed integer: near-identical pictures differ in a few bits only."""
    pixels = list(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes())
    bits = 0
    for row in range(8):
        for column in range(8):
            bits = bits << 1 | (pixels[row * 9 + column] > pixels[row * 9 + column + 1])
    return bits - (1 << 64) if bits >> 63 else bits


def _has_alpha(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _time(exif: Image.Exif) -> datetime | None:
    details = exif.get_ifd(ExifTags.IFD.Exif)
    text = details.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    offset = details.get(ExifTags.Base.OffsetTimeOriginal) or ""
    for value, pattern in ((f"{text}{offset}", "%Y:%m:%d %H:%M:%S%z"), (str(text), "%Y:%m:%d %H:%M:%S")):
        try:
            moment = datetime.strptime(value, pattern)  # noqa: DTZ007
        except ValueError:
            continue
        # A camera that names no zone shows its owner's local time.
        return moment if moment.tzinfo else timezone.make_aware(moment)
    return None


def _place(exif: Image.Exif) -> tuple[float | None, float | None]:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    lat = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef) == "S", 90)
    lon = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef) == "W", 180)
    return (lat, lon) if lat is not None and lon is not None and (lat or lon) else (None, None)


def _degrees(parts: Any, negative: bool, most: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    return (-value if negative else value) if 0 <= value <= most else None
