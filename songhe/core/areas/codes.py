"""Arithmetic on 12-digit division codes (统计用区划代码: 2 + 2 + 2 + 3 + 3 digits)."""

_SPANS = (10**10, 10**8, 10**6, 10**3, 1)


def span(code: int) -> int:
    """Return how many codes the division's subtree covers: the size of the block its trailing zeros leave open."""
    for size in _SPANS:
        if code % size == 0:
            return size
    raise ValueError(f"{code} 不是区划代码。")


def upper(code: int) -> int:
    """Return the exclusive upper bound of the division's subtree."""
    return code + span(code)


def ancestors(code: int) -> list[int]:
    """Return the codes above this one, from the province down; a city without counties has towns right below it."""
    return sorted({code - code % size for size in _SPANS} - {code})


def smallest_around(first: int, second: int) -> int:
    """Return the smallest division that both lie in, which may be one of them.

    Raises:
        ValueError: they lie in different provinces.
    """
    for code in reversed([*ancestors(first), first]):
        if code <= second < upper(code):
            return code
    raise ValueError(f"{first} 和 {second} 不在同一个省。")
