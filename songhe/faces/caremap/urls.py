"""The care map's addresses."""

from django.urls import path

from songhe.faces.caremap import views

app_name = "caremap"
urlpatterns = [path("", views.home, name="home"), path("map.json", views.map_data, name="map")]
