"""Where each face is found."""

from importlib.util import find_spec

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from songhe.core.console.signin import demo_sign_in
from songhe.faces.console.views import start

# Faces with addresses of their own; one that this installation does not run is left out.
FACES = ("hotline", "field", "family", "screen", "caremap", "api")


def _faces() -> list[URLPattern | URLResolver]:
    return [
        path(f"{face}/", include(f"songhe.faces.{face}.urls"))
        for face in FACES
        if f"songhe.faces.{face}" in settings.ROOMS and find_spec(f"songhe.faces.{face}.urls") is not None
    ]


urlpatterns = [
    path("", start, name="start"),
    path("accounts/demo/<uuid:pk>/", demo_sign_in, name="demo_sign_in"),
    path("accounts/", include("allauth.urls")),
    path("files/", include("songhe.core.files.urls")),
    path("console/", include("songhe.faces.console.urls")),
    *_faces(),
]

handler400 = "songhe.core.console.errors.bad_request"
handler403 = "songhe.core.console.errors.permission_denied"
handler404 = "songhe.core.console.errors.not_found"
handler500 = "songhe.core.console.errors.server_error"
