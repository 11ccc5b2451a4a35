"""What gunicorn needs to know of Vibomat; GUNICORN_CMD_ARGS and its command line say the rest."""

import os
import shutil
import tempfile
from typing import Any

# Processes keep their metrics in files here, so that whichever is asked can tell of all. A new
# folder for each start, as old files would be counted too. Set before anything imports
# prometheus-client.
METRICS_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
if METRICS_FOLDER is None:
    METRICS_FOLDER = tempfile.mkdtemp(prefix="vibomat-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = METRICS_FOLDER

wsgi_app = "vibomat.wsgi"


def _log_configuration() -> dict[str, Any]:
    """Gunicorn's own lines go the way of all others. Requests are logged by Vibomat."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vibomat.settings")
    from django.conf import settings

    loggers = {
        "gunicorn.error": {"handlers": [], "propagate": True, "level": "INFO"},
        "gunicorn.access": {"handlers": [], "propagate": False},
    }
    return settings.LOGGING | {"loggers": settings.LOGGING["loggers"] | loggers}


logconfig_dict = _log_configuration()


def child_exit(server: Any, worker: Any) -> None:
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    shutil.rmtree(METRICS_FOLDER, ignore_errors=True)
