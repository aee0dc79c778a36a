"""People for tests: valid numbers of nobody, and records made by the services."""

from datetime import date

from stdnum.cn import ric

from songhe.registers.elders import services


def number(birth_date=date(1948, 5, 6), order=12, county="340802"):
    """Return a valid identity number; odd orders are men, even ones women."""
    body = f"{county}{birth_date:%Y%m%d}{order:03d}"
    return body + ric.calc_check_digit(body + "0")


def elder(area, name="王秀英", *, birth_date=date(1948, 5, 6), order=12, **more):
    """Register an elder."""
    more.setdefault("id_number", number(birth_date, order))
    return services.register(name=name, area=area, **more)
