"""What routes demand of a request before they look at its body."""

from __future__ import annotations

from fastapi import Request

from isnad.server.problems import Refusal


def demand_json(request: Request) -> None:
    """A page of another site can send a form without asking the browser, but not JSON. Raises Refusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal("not_json", "expected the header Content-Type: application/json, found another; send JSON")
