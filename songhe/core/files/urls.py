"""Where files are served."""

from django.urls import path

from songhe.core.files import views

app_name = "files"
urlpatterns = [path("<uuid:file_id>", views.file, name="file")]
