"""Taking a place's divisions from its pack."""

from songhe.core.areas.codes import upper
from songhe.core.areas.models import Area
from songhe.packs.loader import Pack

_KEPT = ("upper", "parent_id", "name", "full_name", "level", "kind", "statistical_only")


def load(pack: Pack) -> str:
    """Add and amend the divisions of a place; coordinates set since and divisions of other places stay as they are."""
    known = {area.code: area for area in Area.objects.all()}
    names: dict[int, str] = {}
    new: list[Area] = []
    amended: list[Area] = []
    for row in pack.divisions():
        area = _area(row, names)
        names[area.code] = area.full_name
        old = known.get(area.code)
        if old is None:
            new.append(area)
        elif any(getattr(old, name) != getattr(area, name) for name in _KEPT):
            area.latitude, area.longitude = old.latitude, old.longitude
            amended.append(area)
    Area.objects.bulk_create(new, batch_size=1000)
    Area.objects.bulk_update(amended, [name.removesuffix("_id") for name in _KEPT], batch_size=500)
    return f"区划：新增 {len(new)} 个，更新 {len(amended)} 个，共 {len(names)} 个。"


def _area(row: dict[str, str], names: dict[int, str]) -> Area:
    code = int(row["code"])
    parent = int(row["parent"]) if row["parent"] else None
    return Area(
        code=code,
        upper=upper(code),
        parent_id=parent,
        name=row["name"],
        full_name=(names[parent] if parent else "") + row["name"],
        level=row["level"],
        kind=row["kind"],
        statistical_only=row["statistical_only"] == "1",
    )
