"""Errors as JSON, {"error": {"code", "message"}}: a code for programs, a message for people."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

LOG = logging.getLogger(__name__)
CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid_request",
    500: "internal",
    503: "unavailable",  # not loaded yet, or too many wait: another instance, or later
    504: "timeout",
}


def error_answer(status: int, message: str) -> JSONResponse:
    """An error of that HTTP status."""
    headers = {"Retry-After": "1"} if status == 503 else None
    content = {"error": {"code": CODES.get(status, "error"), "message": message}}
    return JSONResponse(content, status, headers)


def add_error_answers(app: FastAPI) -> None:
    """Give every error of `app` this form."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return error_answer(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        # Not the value itself: it may be long, and is the caller's.
        first = error.errors()[0]
        return error_answer(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        LOG.error("a request failed", exc_info=error)
        return error_answer(500, "the service failed; its log says how")
