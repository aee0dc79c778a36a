"""The console: a person's home, their to-dos, and every room's declared pages."""

from django.urls import path

from songhe.core.console.urls import patterns
from songhe.faces.console import views

app_name = "console"

urlpatterns = [
    path("", views.home, name="home"),
    path("todos/", views.todo_list, name="todos"),
    path("help/", views.help_page, name="help"),
    *patterns(),
]
