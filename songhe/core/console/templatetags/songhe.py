"""Template filters that every page has at hand."""

from django import template

register = template.Library()


@register.filter
def yuan(fen: int | None) -> str:
    """Write integer fen as yuan with two decimals and thousands separators."""
    if fen is None:
        return "—"
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"
