"""Where each face is found."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("files/", include("songhe.core.files.urls")),
]
