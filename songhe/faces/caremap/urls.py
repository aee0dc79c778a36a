"""The care map's addresses; those under 公众版 need no sign-in."""

from django.urls import path

from songhe.faces.caremap import views

app_name = "caremap"
urlpatterns = [
    path("", views.home, name="home"),
    path("map.json", views.map_data, name="map"),
    path("public/", views.public, name="public"),
    path("public/map.json", views.public_data, name="public_map"),
]
