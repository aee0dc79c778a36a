"""The family's addresses."""

from django.urls import path

from songhe.faces.family import views

app_name = "family"
urlpatterns = [path("", views.home, name="home")]
