"""JSON as an archive needs it: read without loss."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import ValidationError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from archives.content import MAX_BYTES, parse_content

# The content, and room for the fields beside it.
MAX_BODY_BYTES = MAX_BYTES + 64 * 1024


class ContentParser(BaseParser):
    """A body of JSON in which no key of an object stands twice and every number is one."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return self.read(stream.read())
        except ValidationError as error:
            raise ParseError(" ".join(error.messages)) from error

    def read(self, body: bytes) -> Any:
        return parse_content(body)
