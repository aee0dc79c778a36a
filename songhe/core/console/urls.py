"""The addresses of all declared pages: ``<room>/<noun>/…`` under the name ``<room>-<noun>-<action>``."""

from django.urls import URLPattern, path

from songhe.core.console.pages import Pages
from songhe.core.console.registry import all_pages, autodiscover
from songhe.core.console.views import bulk, details, exports, forms, lists, saved, sheets
from songhe.core.console.views.access import PageView, guarded
from songhe.core.console.views.search import search_view


def patterns() -> list[URLPattern]:
    """Return the addresses of every room's pages, of the search box and of exports, to be mounted as ``console``."""
    autodiscover()
    found = [
        path("search/", search_view, name="search"),
        path("downloads/", exports.exports_view, name="downloads"),
        path("downloads/<uuid:export_id>/cancel/", exports.cancel_view, name="download-cancel"),
        path("downloads/<uuid:export_id>/file/", exports.fetch_view, name="download-fetch"),
    ]
    for pages in all_pages():
        found += patterns_of(pages)
    return found


def patterns_of(pages: Pages) -> list[URLPattern]:
    """Return the addresses of one set of pages."""
    base = f"{pages.room}/{pages.noun}/"
    kit: list[tuple[str, str, PageView, str]] = [
        ("", "list", lists.list_view, "view"),
        ("lookup/", "lookup", lists.lookup_view, "lookup"),
        ("columns/", "columns", lists.columns_view, "view"),
        ("filters/", "filters", saved.filters_view, "view"),
        ("filters/<uuid:filter_id>/forget/", "forget-filter", saved.forget_view, "view"),
        ("count/", "count", lists.count_view, "view"),
        ("export/", "export", lists.export_view, "export"),
        ("bulk/<slug:key>/", "bulk", bulk.bulk_view, "view"),
        ("new/", "create", forms.create_view, "create"),
        *(
            [
                ("import/", "import", sheets.import_view, "import"),
                ("import/template/", "template", sheets.template_view, "import"),
            ]
            if pages.sheet is not None
            else []
        ),
        *((view.route, view.name, view.view, view.permission) for view in pages.views),
        ("<str:pk>/", "detail", details.detail_view, "view"),
        ("<str:pk>/edit/", "edit", forms.edit_view, "edit"),
        ("<str:pk>/tab/<int:number>/", "tab", details.tab_view, "view"),
        ("<str:pk>/step/<slug:step>/", "step", details.step_view, "view"),
        ("<str:pk>/do/<slug:key>/", "do", details.command_view, "view"),
        ("<str:pk>/reveal/<slug:field>/", "reveal", details.reveal_view, "reveal"),
    ]
    return [
        path(base + route, guarded(pages, view, verb), name=f"{pages.key}-{name}") for route, name, view, verb in kit
    ]
