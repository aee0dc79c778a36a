"""Indicators in the console: how each is defined."""

from songhe.core.console.pages import Pages, pages
from songhe.oversight.indicators.models import Indicator


@pages
class IndicatorPages(Pages):
    model, room, noun, menu, icon = Indicator, "indicators", "indicator", "监管", "chart-bar"
    explain = "指标只定义一次：分子、分母、目标和依据。数值在“一张屏”上按区划统计，每五分钟一次，也可以现在统计。"
    empty = "还没有指标。用 songhe pack load 载入本地政策包。"
    columns = ["code", "name", "definition", "numerator", "denominator", "unit", "target", "document"]
    readonly = True
