"""The field face in the menu."""

from songhe.core.console.pages import menu_link

menu_link("服务", "上门端", "field:home", permission="field.use", icon="device-mobile", order=6)
