"""`python -m vibomat.healthcheck`: whether the server on this machine is ready, for a container.

It asks on $PORT (8000), under the first of $ALLOWED_HOSTS, prints the answer and fails unless it is
200. It loads nothing of Django, as it is run every few seconds.
"""

import os
import sys
from http.client import HTTPConnection

SECONDS = 5


def host() -> str:
    """A name that the server answers to."""
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    return "localhost" if first in ("", "*") else first


def main() -> None:
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=SECONDS)
    try:
        connection.request("GET", "/health/ready/", headers={"Host": host()})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except OSError as error:
        sys.exit(f"No answer: {error}")
    print(text)
    if answer.status != 200:
        sys.exit(1)


if __name__ == "__main__":
    main()
