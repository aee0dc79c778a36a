"""The leader's screen's addresses."""

from django.urls import path

from songhe.faces.screen import views

app_name = "screen"
urlpatterns = [
    path("", views.home, name="home"),
    path("live/", views.live, name="live"),
    path("recount/", views.recount, name="recount"),
    path("map.json", views.map_data, name="map"),
]
