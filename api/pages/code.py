"""The page that draws a resident's code as a picture to hold up: one file that knows nobody and needs no network.

Whose code it draws stands behind the # of its address, which no browser sends to the gate.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib import resources

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from api.pages.page import page

router = APIRouter(include_in_schema=False)

PATH = "/code"
_STATIC = resources.files("api") / "static"
# A phone shows it again without asking, for so long, seconds.
_KEPT_S = 30 * 24 * 3600


@router.get(PATH)
def show_code(request: Request) -> Response:
    """The page, whosever code it draws."""
    style, script = (_inline(name) for name in ("code.css", "code.js"))
    policy = f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; worker-src 'self'"
    response = page(request, "code.html", style=style, script=script, policy=policy)
    response.headers["Content-Security-Policy"] = (
        f"{policy}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response.headers["Cache-Control"] = f"private, max-age={_KEPT_S}"
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


@router.get(PATH + "/worker.js")
def show_worker() -> FileResponse:
    """The script that keeps the page on a phone: a browser lets it do so for this page, and no other."""
    return FileResponse(str(_STATIC / "code_worker.js"), media_type="text/javascript",
                        headers={"Service-Worker-Allowed": PATH})  # fmt: skip


def _inline(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


def _source(text: str) -> str:
    """By which a policy lets this text stand in a page, and no other."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
