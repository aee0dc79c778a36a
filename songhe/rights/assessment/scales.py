"""The scales this Songhe knows: files of the national pack, read once."""

from functools import cache

from songhe.engines.scales import Scale, load_scale
from songhe.packs.loader import PACKS


@cache
def scale(key: str) -> Scale:
    """Return a scale by its file's name, such as ``gbt-42195-2022``."""
    return load_scale(PACKS / "national" / "scales" / f"{key}.yaml")


@cache
def scales() -> dict[str, Scale]:
    """Return every scale by key."""
    folder = PACKS / "national" / "scales"
    return {path.stem: scale(path.stem) for path in sorted(folder.glob("*.yaml"))}


DEFAULT = "gbt-42195-2022"
