"""What gunicorn needs to know of Vibomat; GUNICORN_CMD_ARGS and its command line say the rest."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

# Processes keep their metrics in files, so that whichever is asked can tell of all. Every start has
# a new folder, as old files would be counted too, in the one that this variable names or that for
# temporary files. Set before anything imports prometheus-client.
VARIABLE, PREFIX = "PROMETHEUS_MULTIPROC_DIR", "vibomat-metrics-"
OWN = f"{PREFIX}{os.getpid()}-"


def _metrics_folder() -> str:
    parent = Path(os.environ.get(VARIABLE) or tempfile.gettempdir())
    if parent.name.startswith(OWN):
        # This file is read again at each reload.
        return str(parent)
    if parent.name.startswith(PREFIX):
        # That of the gunicorn which this one replaces.
        parent = parent.parent
    try:
        return tempfile.mkdtemp(prefix=OWN, dir=parent)
    except OSError as error:
        sys.exit(
            f"Can't make a folder for metrics in {parent} ({error.strerror}): set {VARIABLE} to a "
            "folder that can be written to, or mount a tmpfs at /tmp."
        )


METRICS_FOLDER = os.environ[VARIABLE] = _metrics_folder()

wsgi_app = "vibomat.wsgi"
# It would be made in the home folder, which need not exist.
control_socket_disable = True


def _refuse(reason: str) -> NoReturn:
    shutil.rmtree(METRICS_FOLDER, ignore_errors=True)
    sys.exit(reason)


def _log_configuration() -> dict[str, Any]:
    """Gunicorn's own lines go the way of all others. Requests are logged by Vibomat."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibomat.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        logging = settings.LOGGING
    except ImproperlyConfigured as error:
        _refuse(f"Vibomat does not start: {error}")
    if settings.DEBUG:
        _refuse(
            "Vibomat does not start: gunicorn is for production. Set DEBUG=false and what that "
            "needs (docs/deployment.md), or use manage.py runserver."
        )
    loggers = {
        "gunicorn.error": {"handlers": [], "propagate": True, "level": "INFO"},
        "gunicorn.access": {"handlers": [], "propagate": False},
    }
    return logging | {"loggers": logging["loggers"] | loggers}


logconfig_dict = _log_configuration()


def on_starting(server: Any) -> None:
    """Say what is wrong with the database, before anybody is answered with errors."""
    import django

    django.setup()
    from vibomat import starting

    if reason := starting.reason_not_to():
        _refuse(reason)


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    shutil.rmtree(METRICS_FOLDER, ignore_errors=True)
