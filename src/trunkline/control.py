"""The control API: FastAPI under ``/api``, with our errors and its OpenAPI description."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from typing_extensions import override

from trunkline import __version__
from trunkline.errors import (
    InternalError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    TrunklineError,
)
from trunkline.gateway.caller import Caller
from trunkline.gateway.credentials import identify
from trunkline.gateway.one_call_answer import PATH as ONE_CALL_PATH
from trunkline.gateway.one_call_description import PATH_ITEM as ONE_CALL
from trunkline.gateway.ports import Callers


class ControlApp(FastAPI):
    """Describes, beside its own routes, what the data path serves below ``/api``."""

    @override
    def openapi(self) -> dict[str, Any]:
        described = super().openapi()
        described["paths"].setdefault(ONE_CALL_PATH, ONE_CALL)
        return described


def authenticate_with(callers: Callers) -> Callable[[Request], Caller]:
    """The door of the control API: the same admission as that of the data path."""

    def authenticate(request: Request) -> Caller:
        caller = identify(callers, dict(request.headers.raw))
        request.scope["trunkline.org_id"] = caller.org_id
        request.scope["trunkline.key_id"] = caller.key_id
        return caller

    return authenticate


def build_control(routers: Sequence[APIRouter], allowed_origins: Sequence[str]) -> FastAPI:
    """The application that serves these routers, whose paths begin with ``/api``."""
    app = ControlApp(
        title="Trunkline",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(TrunklineError, _render)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(HTTPException, _render_routing)
    app.add_exception_handler(Exception, _render_defect)
    if allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(allowed_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["authorization", "content-type", "x-api-key", "x-request-id"],
            expose_headers=["x-request-id"],
        )
    return app


async def _render(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, TrunklineError):
        raise error
    body: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "param": error.param,
        "request_id": request.headers.get("x-request-id"),
    }
    headers = {"x-should-retry": "true" if error.should_retry else "false"}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    return JSONResponse({"error": body}, status_code=error.status, headers=headers)


async def _render_invalid(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"][1:])
    message = str(first["msg"]).replace("Input should be", "this must be", 1)
    return await _render(request, InvalidRequest(f"{path}: {message}.", param=path))


async def _render_routing(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405:
        return await _render(request, MethodNotAllowed("This path has no such method."))
    return await _render(request, NotFound("There is no such path.", hint="See /api/openapi.json."))


async def _render_defect(request: Request, _error: Exception) -> JSONResponse:
    """The framework raises the error again after this, so that it is logged with its cause."""
    return await _render(request, InternalError("Something went wrong on our side."))
