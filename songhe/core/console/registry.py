"""All declared pages and menu links, found by importing every room's ``console.py``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from django.apps import apps
from django.db.models import Model

if TYPE_CHECKING:
    from songhe.core.console.pages import Pages

P = TypeVar("P", bound="type[Pages]")

# The loop, as a person in the bureau reads it from the top of the menu to its foot.
GROUPS = ("工作台", "老人档案", "机构和人员", "目录和区划", "评估与待遇", "服务", "资金", "监管", "系统")


@dataclass(frozen=True)
class MenuLink:
    """A page of a face, not declared with Pages, that wants its place in the menu."""

    group: str
    label: str
    url_name: str
    permission: str
    icon: str = "circle"
    order: int = 50


_pages: dict[str, Pages] = {}
_links: list[MenuLink] = []


class AlreadyDeclared(Exception):
    """Two declarations use one address."""


def pages(declared: P) -> P:
    """Register a declaration; used as a decorator."""
    register(declared())
    return declared


def register(instance: Pages) -> None:
    """Register an instance of Pages (for pages built by a loop, such as one for each kind of order)."""
    before = _pages.get(instance.key)
    if before is not None and type(before).__qualname__ != type(instance).__qualname__:
        raise AlreadyDeclared(instance.key)
    if instance.menu is not None and instance.menu not in GROUPS:
        raise AlreadyDeclared(f"{instance.key}: 菜单没有“{instance.menu}”一组。")
    _pages[instance.key] = instance


def menu_link(group: str, label: str, url_name: str, *, permission: str, icon: str = "circle", order: int = 50) -> None:
    """Put a link to a named address into the menu, for those who hold the permission."""
    link = MenuLink(group, label, url_name, permission, icon, order)
    if link not in _links:
        _links.append(link)


def autodiscover() -> None:
    """Import every room's ``console.py``."""
    for config in apps.get_app_configs():
        # A package of this name (this kit, the face) is no declaration.
        if config.name.startswith("songhe.") and find_spec(f"{config.name}.console") is not None:
            import_module(f"{config.name}.console")


def all_pages() -> Iterator[Pages]:
    """Yield every declared set of pages."""
    yield from _pages.values()


def links() -> list[MenuLink]:
    """Return the menu links."""
    return list(_links)


def pages_of(model: type[Model]) -> Pages | None:
    """Return the first declared pages of a model; where a model has several, the one in the menu."""
    found = [instance for instance in _pages.values() if instance.model is model]
    return min(found, key=lambda instance: instance.menu is None, default=None)


def pages_under(model: type[Model]) -> list[Pages]:
    """Return the pages whose rows make a tab on a record of this model, in the menu's order."""
    found = [instance for instance in _pages.values() if model in instance.under]
    return sorted(found, key=lambda instance: (GROUPS.index(instance.menu or GROUPS[-1]), instance.order))


def pages_named(key: str) -> Pages:
    """Return pages by their key; KeyError if nobody declared them."""
    return _pages[key]
