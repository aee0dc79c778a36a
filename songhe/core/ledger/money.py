"""Writing amounts for people."""

from songhe.core.ledger.models import Currency

_UNITS = {Currency.CNY: "元", Currency.USD: "美元"}


def written(amount: int, currency: str = Currency.CNY) -> str:
    """Write an amount in minor units with its unit, such as ``1,234.50 元``."""
    sign, size = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{size // 100:,}.{size % 100:02d} {_UNITS[Currency(currency)]}"
