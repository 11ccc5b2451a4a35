"""Every process of gunicorn counts for itself, and whichever is asked tells of all."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]

# As gunicorn does: read its configuration, and start workers that load the application.
SERVE = """
import os, runpy, types
configuration = runpy.run_path("gunicorn.conf.py")
import django
django.setup()
from prometheus_client import generate_latest
from vibomat.observability import exposition, metrics, pool

def told(name):
    lines = generate_latest(exposition._processes()).decode().splitlines()
    return [float(line.split()[-1]) for line in lines if line.startswith(name)]

workers = []
for _ in range(3):
    worker = os.fork()
    if worker == 0:
        metrics.REQUEST_SECONDS.labels("GET", "/api/search/", "200").observe(0.25)
        pool.MEASURES["pool_size"].set(4)
        os._exit(0)
    os.waitpid(worker, 0)
    workers.append(worker)
print(told("vibomat_request_seconds_sum"), told("vibomat_pool_connections "))
configuration["child_exit"](None, types.SimpleNamespace(pid=workers[0]))
print(told("vibomat_request_seconds_sum"), told("vibomat_pool_connections "))
folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]
print(os.path.isdir(folder))
configuration["on_exit"](None)
print(os.path.isdir(folder))
"""


def test_processes_are_added_up_and_what_a_dead_one_held_is_gone(tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": "", "TMPDIR": str(tmp_path)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    environment["DJANGO_SETTINGS_MODULE"] = "vibomat.settings"
    environment |= {"DEBUG": "false", "SECRET_KEY": "s" * 50, "ALLOWED_HOSTS": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[0.75] [12.0]", "[0.75] [8.0]", "True", "False"]
