"""The field workers' addresses."""

from django.urls import path

from songhe.faces.field import views

app_name = "field"
urlpatterns = [
    path("", views.home, name="home"),
    path("visit/<uuid:pk>/", views.visit, name="visit"),
    path("visit/<uuid:pk>/in/", views.check_in, name="check_in"),
    path("visit/<uuid:pk>/out/", views.check_out, name="check_out"),
    path("visit/<uuid:pk>/yes/", views.acknowledge, name="acknowledge"),
    path("visit/<uuid:pk>/no/", views.decline, name="decline"),
    path("visit/<uuid:pk>/swap/", views.swap, name="swap"),
    path("swap/<uuid:pk>/", views.answer_swap, name="answer_swap"),
    path("call/<uuid:pk>/", views.call, name="call"),
    path("charge/<uuid:pk>/", views.charge, name="charge"),
    path("assessment/<uuid:pk>/", views.assessment, name="assessment"),
]
