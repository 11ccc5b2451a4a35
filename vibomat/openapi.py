"""What the documentation says of every operation alike."""

from typing import Any

DETAIL = {
    "type": "object",
    "properties": {"detail": {"type": "string"}},
    "required": ["detail"],
}
TOO_MANY = "Too many requests from your address or by you; the header says when to ask again."
RETRY_AFTER = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds.", "required": True}
}
BAD_QUERY = "Messages by the name of the parameter that has a null character or is no UTF-8."
BAD_TOKEN = "The token is unknown, has expired or was revoked."  # noqa: S105
NO_CSRF = "A session's request has no CSRF token."
BODY = {
    "411": "The body came without a Content-Length.",
    "413": "The body is too large.",
    "415": "The body is of another type.",
}


def add_common_answers(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular: the answers that any operation may give, where the
    operation does not describe them itself."""
    for path in result["paths"].values():
        for method, operation in path.items():
            _add(operation["responses"], method, has_body="requestBody" in operation)
    return result


def _add(responses: dict[str, Any], method: str, *, has_body: bool) -> None:
    texts = {"400": BAD_QUERY, "401": BAD_TOKEN, "429": TOO_MANY}
    if method != "get":
        texts |= {"403": NO_CSRF}
    if has_body:
        texts |= BODY
    for status, text in texts.items():
        schema = {} if status == "400" else DETAIL
        answer = {"description": text, "content": {"application/json": {"schema": schema}}}
        responses.setdefault(status, answer)
    responses["429"]["headers"] = RETRY_AFTER
