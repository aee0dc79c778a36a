"""Two neighbouring streets, made where a test database has been built without a pack."""

from songhe.core.areas.models import Area

CODES = (340802001000, 340802003000)


def street_of_anqing(number: int = 0) -> Area:
    """Return the first or second street; call it under the system's scope."""
    code = CODES[number]
    name = f"第{number + 1}街道"
    details = {"upper": code + 1000, "name": name, "full_name": name, "level": "township", "kind": "street"}
    return Area.objects.get_or_create(code=code, defaults=details)[0]
