"""The interface's addresses, and the page that explains them."""

from django.urls import path

from songhe.faces.api import views
from songhe.faces.api.operations import api

app_name = "api"
urlpatterns = [path("", views.home, name="home"), path("v1/", api.urls)]
