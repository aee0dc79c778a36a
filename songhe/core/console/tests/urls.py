"""The product's addresses, with the test paper's pages among them."""

from importlib import import_module

from django.urls import include, path

import songhe.core.console.tests.papers  # noqa: F401
from songhe.core.console.registry import pages_named
from songhe.core.console.urls import patterns_of

_product = import_module("songhe.config.urls")
_console = import_module("songhe.faces.console.urls")
_patterns = [*patterns_of(pages_named("papers-paper")), *_console.urlpatterns]

urlpatterns = [path("console/", include((_patterns, "console"))), *_product.urlpatterns]
handler400, handler403 = _product.handler400, _product.handler403
handler404, handler500 = _product.handler404, _product.handler500
