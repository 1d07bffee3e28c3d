"""The API as one router, with its OpenAPI 3.1 document."""

from __future__ import annotations

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from anlan import __version__
from anlan.api.changes import changes
from anlan.api.deliveries import receipt, sms_reply
from anlan.api.in_force import in_force
from anlan.api.intake import observations
from anlan.api.reading import explain, health, risk, risks, sources, warnings


def router() -> Router:
    """Everything under /v1."""
    return Router(
        "/v1",
        route_handlers=[
            health,
            in_force,
            warnings,
            risks,
            risk,
            explain,
            sources,
            observations,
            changes,
            receipt,
            sms_reply,
        ],
    )


def openapi() -> OpenAPIConfig:
    """What the document says of the whole."""
    return OpenAPIConfig(
        title="anlan",
        version=__version__,
        use_handler_docstrings=True,
        description="Civil protection: observations in; risks, warnings and their reasons out. Errors "
        "are problem details (RFC 9457).",
        render_plugins=[JsonRenderPlugin(path="/")],
        openapi_router=Router(
            "/v1/schema", route_handlers=[], opt={"act": "public"}, include_in_schema=False
        ),
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="a session's token, or a machine's key"
                )
            }
        ),
        security=[{"bearer": []}],
    )
