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
AWAY = "The database does not answer just now, or a statement ran into its time limit."
MAYBE_RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
NOT_ACCEPTABLE = "Accept allows no application/json."
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
    negotiated = _negotiated(kwargs["generator"].endpoints)
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if negotiated.get((path, method), True):
                responses.setdefault("406", _answer(NOT_ACCEPTABLE, DETAIL))
            _add(responses, method, has_body="requestBody" in operation)
    return result


def _negotiated(endpoints: list[tuple[str, str, str, Any]]) -> dict[tuple[str, str], bool]:
    """Whether the header Accept plays a part, by path and method."""
    return {
        (path, method.lower()): "content_negotiation_class" not in view.initkwargs
        for path, _, method, view in endpoints
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _add(responses: dict[str, Any], method: str, *, has_body: bool) -> None:
    texts = {"400": BAD_QUERY, "401": BAD_TOKEN, "429": TOO_MANY}
    if method != "get":
        texts |= {"403": NO_CSRF}
    if has_body:
        texts |= BODY
    for status, text in texts.items():
        schema = {} if status == "400" else DETAIL
        responses.setdefault(status, _answer(text, schema))
    responses["429"]["headers"] = RETRY_AFTER
    if "503" in responses:
        # One with a reason of its own, which may not tell when it will have passed.
        responses["503"]["headers"] = MAYBE_RETRY_AFTER
    else:
        responses["503"] = {**_answer(AWAY, DETAIL), "headers": RETRY_AFTER}
