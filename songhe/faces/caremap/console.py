"""The care map's place in the console's menu."""

from songhe.core.console.pages import menu_link

menu_link("机构和人员", "养老地图", "caremap:home", permission="facilities.view", icon="map-2", order=29)
