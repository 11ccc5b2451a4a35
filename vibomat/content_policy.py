"""What a page may load: its own files. No script or style stands in it."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def directives(policy: str) -> dict[str, list[str]]:
    """A Content-Security-Policy's sources by the directive's name, as django-csp takes them.

    Raise ValueError for a directive without sources, or given twice.
    """
    found: dict[str, list[str]] = {}
    for part in filter(None, (part.split() for part in policy.split(";"))):
        name, *sources = part
        if name in found or not sources:
            raise ValueError(f"{name!r} {'stands twice' if name in found else 'has no sources'}")
        found[name] = sources
    return found
