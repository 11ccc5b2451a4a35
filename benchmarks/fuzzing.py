"""The API, asked what a machine makes up from its documentation: what fits it, and what doesn't.

schemathesis makes the requests. Nothing may be answered with 5xx, or with a status, a header or a
body that the documentation lacks.
"""

import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import hypothesis
import schemathesis
from django.core.signals import got_request_exception
from django.core.wsgi import get_wsgi_application
from django.db.models import QuerySet
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies
from knox.crypto import hash_token
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from archives.models import Archive, Visibility
from embeddings.embedders.hashing import HashingEmbedder
from embeddings.models import EmbeddingModel, Interaction, Kind, State
from search.models import Artist, Track
from vibomat.accounts.models import AccessToken, User

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Of an operation, visitor and kind of data: it takes as long to find out what may be asked.
FEWEST = 10
VISITORS = ("anonymous", "user")


@dataclass
class Found:
    """What was asked, and what was wrong with the answers, each kind once with its request."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    problems: dict[tuple[str, str, int], str] = field(default_factory=dict)

    def note(self, operation: str, failure: Failure, status: int, request: str) -> None:
        self.problems.setdefault(
            (operation, failure.title, status), f"{failure.message}\n{request}"
        )


def fuzz(
    requests: int,
    seed: int,
    progress: Callable[[int], Any] = lambda done: None,
    only: str = "/api/",
) -> Found:
    """Make about so many requests, equally many for each operation whose path begins with `only`,
    visitor and kind of data; of few requests, for some of them. Rows are written to the database.
    """
    # Its own types want an older form of the standard's.
    document: Any = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    rounds = [
        (operation, visitor, mode)
        for operation in operations
        if operation.path.startswith(only)
        for visitor in VISITORS
        for mode in GenerationMode
    ]
    rounds = random.Random(seed).sample(rounds, min(len(rounds), max(1, requests // FEWEST)))
    found = Found()
    user, _ = User.objects.get_or_create(email="fuzz@example.org", handle="fuzz")
    # The embedder needs no model, and always answers.
    EmbeddingModel.objects.get_or_create(
        name=HashingEmbedder.id, dimensions=HashingEmbedder.dimensions, state=State.ACTIVE
    )
    for number, (operation, visitor, mode) in enumerate(rounds):
        each = (requests * (number + 1) // len(rounds)) - (requests * number // len(rounds))
        if each:
            ask(operation, user if visitor == "user" else None, mode, each, seed + number, found)
            progress(each)
    return found


def ask(
    operation: Any, user: User | None, mode: GenerationMode, requests: int, seed: int, found: Found
) -> None:
    """Requests of one operation."""
    ids = rows_for(operation.path)
    visitor = Visitor(user)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=requests,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategies.data())
    def run(data: Any) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if "id" in case.path_parameters and data.draw(strategies.integers(0, 3)):
            # An id that was made up is hardly ever there.
            case.path_parameters["id"] = data.draw(strategies.sampled_from(ids()))
        if "If-Match" in case.headers and data.draw(strategies.booleans()):
            case.headers["If-Match"] = "*"
        headers = visitor.headers()
        with exceptions() as raised:
            response = case.call(headers=headers)
        found.requests += 1
        found.statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as failures:
            for failure in failures.exceptions:
                request = "\n".join([case.as_curl_command(), *raised])
                found.note(operation.label, failure, response.status_code, request)

    # An operation without parameters has nothing that does not fit.
    with suppress(hypothesis.errors.Unsatisfiable):
        run()


class Visitor:
    """Nobody, or a user who has a token, whatever was revoked."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.secret = ""

    def headers(self) -> dict[str, str]:
        if self.user is None:
            return {}
        if not AccessToken.objects.filter(digest=hash_token(self.secret)).exists():
            AccessToken.objects.filter(user=self.user).delete()
            self.secret = AccessToken.objects.issue(self.user, "fuzz")[1]
        return {"Authorization": f"Bearer {self.secret}"}


def rows_for(path: str) -> Callable[[], list[str]]:
    """Ids which that operation may find: looked up anew, as it may delete them."""
    user = User.objects.get(email="fuzz@example.org")

    def ids() -> list[str]:
        kind = path.split("/")[2]
        found: QuerySet[Any, UUID]
        if kind == "archives":
            if Archive.objects.filter(owner=user, deleted=None).count() < 3:
                Archive.objects.create(
                    owner=user,
                    name="Late",
                    visibility=Visibility.PUBLIC,
                    content={"tracks": [{"artist": "Air", "track": "Sexy Boy"}]},
                )
            found = Archive.objects.order_by("-created").values_list("pk", flat=True)
        elif kind == "prompts":
            if Interaction.objects.filter(user=user).count() < 3:
                Interaction.objects.create(user=user, text="music for rain", kind=Kind.PROMPT)
            found = Interaction.objects.order_by("-created").values_list("pk", flat=True)
        elif kind == "tokens":
            found = AccessToken.objects.values_list("pk", flat=True)
        elif kind == "artists":
            found = Artist.objects.values_list("pk", flat=True)
        else:
            found = Track.objects.values_list("pk", flat=True)
        return [str(pk) for pk in found[:5]] or [str(user.pk)]

    return ids


@contextmanager
def exceptions() -> Iterator[list[str]]:
    """The tracebacks of what views raise in the block."""
    raised: list[str] = []

    def note(**kwargs: Any) -> None:
        raised.append(traceback.format_exc())

    got_request_exception.connect(note)
    try:
        yield raised
    finally:
        got_request_exception.disconnect(note)
