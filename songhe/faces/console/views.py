"""Home: where a person's day begins, by their role."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from songhe.core.accounts.models import User
from songhe.core.accounts.roles import Role
from songhe.core.calendar.services import now, today
from songhe.core.console.views.access import person, signed_in
from songhe.core.flow.selectors import overdue, todos
from songhe.faces.console import selectors

# Where each role's day begins; roles not named here begin in the console.
FACES = {
    Role.OPERATOR: "hotline:home",
    Role.CARER: "field:home",
    Role.ASSESSOR: "field:home",
    Role.FAMILY: "family:home",
    Role.LEADER: "screen:home",
}
BOUND = 999


def start(request: HttpRequest) -> HttpResponseBase:
    """Lead a person from ``/`` to the face of their role, or to the console where that face is not run."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    return redirect(face_of(person(request)))


def face_of(user: User) -> str:
    """Return the address where this person's day begins."""
    for name in (FACES.get(Role(user.role), "console:home"), "console:home"):
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return "/console/"


@signed_in
def home(request: HttpRequest) -> HttpResponseBase:
    """Show what waits, what is late, and what can be begun."""
    user = person(request)
    if user.role == Role.FAMILY and face_of(user) != request.path:
        # Nothing in the console is theirs.
        return redirect(face_of(user))
    context = {
        "greeting": _greeting(),
        "today": today(),
        "late": selectors.waiting(user, late=True, limit=8),
        "soon": selectors.waiting(user, late=False, limit=12),
        "steps": selectors.step_counts(user),
        "late_count": overdue(user).order_by()[: BOUND + 1].count(),
        "todo_count": todos(user).order_by()[: BOUND + 1].count(),
        "bound": BOUND,
        "quick": selectors.quick_actions(user),
    }
    return render(request, "console/home.html", context)


def _greeting() -> str:
    hour = now().hour
    return "早上好" if hour < 11 else "中午好" if hour < 14 else "下午好" if hour < 18 else "晚上好"


@signed_in
def todo_list(request: HttpRequest) -> HttpResponseBase:
    """Show all that waits for the person, or one kind of it."""
    user = person(request)
    permission = request.GET.get("step", "")
    late = True if request.GET.get("late") == "1" else None
    context = {
        "lines": selectors.waiting(user, late=late, permission=permission, limit=200),
        "steps": selectors.step_counts(user),
        "step": permission,
        "late": bool(late),
    }
    return render(request, "console/todos.html", context)


@signed_in
def help_page(request: HttpRequest) -> HttpResponseBase:
    """Explain the keys and the words of the console."""
    return render(request, "console/help.html", {})
