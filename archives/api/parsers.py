"""JSON as an archive needs it: limited in size before it is read, and read without loss."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from archives.api.errors import BodyTooLarge, LengthRequired
from archives.content import MAX_BYTES, parse_content

# The content, and room for the fields beside it.
MAX_BODY_BYTES = MAX_BYTES + 64 * 1024


class ContentParser(BaseParser):
    """A body of JSON in which no key of an object stands twice and every number is one.

    Not REST framework's parser: that one reads every body whole before it looks at it.
    """

    media_type = "application/json"
    most_bytes = MAX_BODY_BYTES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {}).get("request")
        if request is not None:
            refuse_large(request, self.most_bytes)
        body = stream.read(self.most_bytes + 1)
        if len(body) > self.most_bytes:
            raise BodyTooLarge(self.most_bytes)
        try:
            return self.read(body)
        except ValidationError as error:
            raise ParseError(" ".join(error.messages)) from error

    def read(self, body: bytes) -> Any:
        return parse_content(body)


def refuse_large(request: Request, most: int = MAX_BODY_BYTES) -> None:
    """Raise BodyTooLarge by what the request says of its length."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > most:
        raise BodyTooLarge(most)


def refuse_chunks(headers: Mapping[str, str]) -> None:
    """Django takes a body without a length for an empty one."""
    if headers.get("Transfer-Encoding") and not headers.get("Content-Length"):
        raise LengthRequired
