"""Serving files to those who may see their rows."""

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from songhe.core.files.models import StoredFile


@require_safe
def file(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """Send one file; a row outside the reader's scope does not exist."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    stored = StoredFile.objects.filter(pk=file_id).first()
    if stored is None:
        raise Http404("没有这个文件，或者它不在您的数据范围内。")
    response = FileResponse(
        stored.open(), content_type=stored.content_type, filename=stored.name, as_attachment=not stored.is_image
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response
