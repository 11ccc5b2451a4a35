"""What the settings read from the environment, and from files it names.

Each function raises ImproperlyConfigured with one line that names the variable and what to do.
"""

import os
from collections.abc import Callable, Container
from pathlib import Path
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

Value = TypeVar("Value")

BOOLEANS = {
    "": None,
    **dict.fromkeys(("true", "yes", "on", "ok", "y", "t", "1"), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), False),
}


def secret(name: str) -> str:
    """The value of the variable `name`, or what is in the file that `name_FILE` names: as Docker,
    Kubernetes and systemd hand over secrets. Empty if neither is set.

    A newline at the file's end is not part of the secret. A "$" at its beginning is, which
    django-environ would take for the name of another variable.
    """
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if not path:
        return value
    if value:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE, not both.")
    try:
        value = Path(path).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ImproperlyConfigured(
            f"Can't read {path}, which {name}_FILE names: {reason}."
        ) from error
    if not value:
        raise ImproperlyConfigured(f"{path}, which {name}_FILE names, is empty.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    """What the variable `name` says; `default` if it is not set, or empty."""
    value = os.environ.get(name, "").strip().lower()
    if value not in BOOLEANS:
        raise ImproperlyConfigured(f"{name} must be true or false.")
    answer = BOOLEANS[value]
    return default if answer is None else answer


def milliseconds(name: str, default: int) -> int:
    return whole_number(name, default, "a whole number of milliseconds, 0 for none")


def whole_number(
    name: str, default: int, meaning: str, among: Container[int] = range(2**63)
) -> int:
    """The number in the variable `name`, which is one of those; `meaning` says what it must be."""
    try:
        value = int(os.environ.get(name) or default)
    except ValueError:
        value = -1
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be {meaning}.")
    return value


def positive_number(name: str, default: float, meaning: str) -> float:
    """The number in the variable `name`, more than 0; `meaning` says what it must be."""
    try:
        value = float(os.environ.get(name) or default)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be {meaning}.")
    return value


def checked(name: str, default: str, read: Callable[[str], Value]) -> Value:
    """What `read` makes of the variable's text, also of an empty one; its ValueError says what is
    wrong with it."""
    try:
        return read(os.environ.get(name, default))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error
