"""The screen in the menu."""

from songhe.core.console.pages import menu_link

menu_link("监管", "一张屏", "screen:home", permission="screen.view", icon="chart-infographic", order=5)
