"""Which views have a rate of their own besides `all`."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def throttled(scope: str) -> Callable[[View], View]:
    """A view, or a method of a view that answers requests, with a rate of its own besides `all`."""

    def mark(view: View) -> View:
        view.throttle_scope = scope  # type: ignore[attr-defined]
        return view

    return mark


def scope_of(view: Any, method: str) -> str:
    """The scope of a view as the URL resolver gives it, empty if it has none of its own.

    A class may have it for all its methods, as REST framework's `throttle_scope`.
    """
    kind = getattr(view, "cls", None)
    if kind is None:
        return str(getattr(view, "throttle_scope", ""))
    method = "get" if method == "HEAD" else method.lower()
    action = getattr(view, "actions", {}).get(method, method)
    handler = getattr(kind, action, None)
    return str(getattr(handler, "throttle_scope", getattr(kind, "throttle_scope", "")))
