"""What every page's frame shows."""

from django.http import HttpRequest


def page_frame(request: HttpRequest) -> dict[str, object]:
    """Give templates the product's name; the console kit adds the menu."""
    return {"product": "松鹤"}
