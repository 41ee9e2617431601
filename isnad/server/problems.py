"""The one shape of every refusal: `{"error": {"code": "too_large", "message": "expected …, found …; …"}}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

STATUS = {
    "bad_request": 400,
    "bad_host": 400,
    "foreign_origin": 403,
    "not_switched_on": 403,
    "not_found": 404,
    "wrong_method": 405,
    "too_slow": 408,
    "too_large": 413,
    "not_json": 415,
    "invalid": 422,
    "unreadable": 422,
    "not_fetched": 422,
    "failed": 500,
    "busy": 503,
    "timeout": 504,
}
"""Every code with its HTTP status."""


class Refusal(Exception):
    """A request that is not answered; `code` is one of `STATUS`, `message` a sentence for whoever sent it."""

    def __init__(self, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.code, self.message, self.headers = code, message, dict(headers or {})
        self.status = STATUS[code]
        super().__init__(message)

    def response(self) -> JSONResponse:
        """The refusal as an answer."""
        return JSONResponse({"error": {"code": self.code, "message": self.message}}, self.status, self.headers)


def of_status(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """The refusal for an HTTP `status` that the framework gave."""
    code = next((c for c, s in STATUS.items() if s == status), "bad_request" if status < 500 else "failed")
    messages = {
        404: "expected a path of this server, found none of that name; see /openapi.json",
        405: "expected a method that this path knows, found another; see the Allow header",
    }
    refusal = Refusal(code, messages.get(status, detail or HTTPStatus(status).phrase), headers=headers)
    refusal.status = status
    return refusal


def of_validation(errors: Sequence[Any]) -> Refusal:
    """The refusal for a body that does not fit the schema: its first error, without what was sent."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return Refusal("invalid", f"expected JSON, found a mistake at character {first['loc'][-1]}; mend it there")
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "one", "many"))
    said = str(first["msg"])
    where = f"{place}: " if place else ""
    return Refusal("invalid", f"{where}{said[:1].lower()}{said[1:]}; see /openapi.json for what is expected")
