"""The menu of a person: what their role may open, grouped by the loop."""

from dataclasses import dataclass, field
from functools import cache, lru_cache

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from songhe.core.accounts.models import User
from songhe.core.console.registry import GROUPS, all_pages, links

ICONS = {
    "工作台": "layout-dashboard",
    "老人档案": "address-book",
    "机构和人员": "building-community",
    "目录和区划": "list-details",
    "评估与待遇": "clipboard-heart",
    "服务": "heart-handshake",
    "资金": "coin-yuan",
    "监管": "shield-check",
    "系统": "settings",
}
# So many lines stand in a window of 900 pixels under the search, each group open.
SHORT = 16


@dataclass(frozen=True)
class Item:
    """One line of the menu."""

    label: str
    url: str
    icon: str
    order: int
    active: bool


@dataclass
class Group:
    """A part of the menu; ``open`` when its lines are shown."""

    label: str
    icon: str
    items: list[Item] = field(default_factory=list)
    open: bool = False

    @property
    def active(self) -> bool:
        """Tell whether the present page belongs here."""
        return any(item.active for item in self.items)


def menu_for(user: User, path: str) -> list[Group]:
    """Return the groups that hold anything for this person; ``path`` is the present page's.

    A short menu is open; of a long one only the present page's group, so that every group is in sight.
    """
    groups = {label: Group(label, ICONS[label]) for label in GROUPS}
    for pages in all_pages():
        if pages.menu is not None and pages.may(user, "view"):
            _add(groups[pages.menu], pages.heading, f"console:{pages.key}-list", pages.icon, pages.order, path)
    for link in links():
        if user.may(link.permission):
            _add(groups[link.group], link.label, link.url_name, link.icon, link.order, path)
    for group in groups.values():
        group.items.sort(key=lambda item: item.order)
    short = sum(len(group.items) for group in groups.values()) <= SHORT
    for group in groups.values():
        group.open = short or group.active
    return [group for group in groups.values() if group.items]


def menu_html(user: User, path: str) -> SafeString:
    """Return the menu as it stands in the page; drawn once for all who have the same one on the same page."""
    groups = menu_for(user, path)
    return _drawn(tuple((group.label, group.icon, group.open, tuple(group.items)) for group in groups))


@lru_cache(maxsize=512)
def _drawn(groups: tuple[tuple[str, str, bool, tuple[Item, ...]], ...]) -> SafeString:
    shown = [Group(label, icon, list(items), is_open) for label, icon, is_open, items in groups]
    return render_to_string("console/parts/menu.html", {"menu": shown})


def _add(group: Group, label: str, url_name: str, icon: str, order: int, path: str) -> None:
    url = _address(url_name)
    if url is None:
        return
    group.items.append(Item(label, url, icon, order, active=path.startswith(url) and url != "/"))


@cache
def _address(url_name: str) -> str | None:
    """Return a page's address, kept for all later menus; None for a face that this installation does not run."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return None
