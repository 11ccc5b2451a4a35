"""How the log is written: a line of JSON for machines, or a line of text for people."""

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from pythonjsonlogger.core import RESERVED_ATTRS

# A request's representation has its query, which holds what people type.
LEFT_OUT = ("request", "server_time")


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class AddRequest(logging.Filter):
    """Tells of every line which request it belongs to, if any."""

    def filter(self, record: logging.LogRecord) -> bool:
        from .requests import current_request  # it needs settings, and they need this module

        if current := current_request.get():
            record.request_id = current.id
            record.route = current.route
        return True


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        id = getattr(record, "request_id", "")
        return f"{text} [{id}]" if id else text


def configuration(format: str, level: str) -> dict[str, Any]:
    """The `LOGGING` setting; `format` is "json" or "text", `level` a name of Python's.

    In JSON: `timestamp`, `level`, `logger`, `message`, in a request also `request_id` and `route`,
    and whatever the line is about, such as `duration_ms`. Raises ImproperlyConfigured.
    """
    formatters: dict[str, dict[str, Any]] = {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": ["levelname", "name", "message"],
            "rename_fields": {"levelname": "level", "name": "logger", "exc_info": "traceback"},
            "timestamp": True,
            "reserved_attrs": [*RESERVED_ATTRS, *LEFT_OUT],
        },
        "text": {
            "()": "vibomat.observability.logs.TextFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
    }
    if format not in formatters:
        raise ImproperlyConfigured(f"LOG_FORMAT must be one of {', '.join(formatters)}.")
    if level not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL must be one of {', '.join(LEVELS)}.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "vibomat.observability.logs.AddRequest"}},
        "formatters": {"line": formatters[format]},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Its own handlers would mail errors, and print each request's line twice.
            "django": {"handlers": [], "propagate": True},
            # It warns of each retry; whoever asked is told once all have failed.
            "urllib3": {"level": "ERROR"},
        },
    }
