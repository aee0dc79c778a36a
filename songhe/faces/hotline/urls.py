"""The hotline's addresses."""

from django.urls import path

from songhe.faces.hotline import views

app_name = "hotline"
urlpatterns = [
    path("", views.home, name="home"),
    path("take/", views.take, name="take"),
    path("call/<uuid:pk>/", views.call, name="call"),
    path("call/<uuid:pk>/find/", views.find, name="find"),
    path("call/<uuid:pk>/identify/", views.identify, name="identify"),
    path("call/<uuid:pk>/order/", views.order, name="order"),
    path("call/<uuid:pk>/end/", views.end, name="end"),
]
