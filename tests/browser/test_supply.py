"""The map and the registers of supply in a real browser, at a desk and on a phone."""

import pytest

PAGES = [
    "/caremap/",
    "/console/providers/provider/",
    "/console/workforce/staff/",
    "/console/workforce/staff/import/",
    "/console/workforce/shift/new/",
    "/console/facilities/facility/",
    "/console/catalogue/service/",
    "/console/catalogue/offer/",
]


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 390])
def test_the_supply_sides_pages_are_sound(visit, width):
    visitor = visit("county", width=width)
    for path in PAGES:
        visitor.goto(path)
        visitor.sound()


@pytest.mark.browser
def test_the_map_draws_its_points_and_a_manager_finds_the_own_staff(visit):
    clerk = visit("county")
    clerk.goto("/caremap/").wait_for_selector("canvas.maplibregl-canvas")
    manager = visit("provider", width=390)
    manager.goto("/console/workforce/staff/")
    manager.sound()
