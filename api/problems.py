"""Failures as RFC 9457 problems, and as pages for people."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gate.errors import FacegateError, Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from enroll.duplicates import Lookalike

# What people are told where a model pack cannot be found or loaded.
NO_MODELS = Sentence(
    "Faces cannot be read here now: what reads them is missing or damaged. Tell whoever looks after the gate."
)
PROBLEM_JSON = "application/problem+json"


class LooksLike(BaseModel):
    """A resident whom a face is like: "same" where it is their face as far as can be told, else "alike"."""

    id: str
    name: str
    unit: str | None = None
    likeness: str

    @classmethod
    def of(cls, found: Lookalike) -> Self:
        """As a client reads it."""
        one = found.resident
        return cls(id=one.id, name=one.name, unit=one.unit, likeness=found.likeness)


class Problem(BaseModel):
    """What went wrong, after RFC 9457. `reason` is out of a closed list where there is one, and `lookalikes` are those
    whom somebody who is to be enrolled is like. `hint` is for owners: what whoever mends the machine needs to know."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str | None = None
    lookalikes: list[LooksLike] | None = None
    hint: str | None = None


class HttpProblem(FacegateError):
    """A refusal with its HTTP status, and a reason out of a closed list where there is one.

    `residents` is the address of the list of residents on which people go on; None: there is nothing to look for.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        reason: str | None = None,
        headers: dict[str, str] | None = None,
        residents: str | None = None,
        **values: Any,
    ) -> None:
        super().__init__(sentence, **values)
        self.residents = residents
        self.status = status
        self.reason = reason
        self.headers = headers


class SignInNeeded(HttpProblem):
    """Nobody is signed in."""

    def __init__(self) -> None:
        super().__init__(401, Sentence("Sign in first."), headers={"WWW-Authenticate": "Bearer"})


class ConfirmationNeeded(HttpProblem):
    """Who asks may do this, once they gave their password again."""

    def __init__(self) -> None:
        super().__init__(403, Sentence("Enter your password again first."), reason="confirmation_needed")


class PasswordChangeNeeded(HttpProblem):
    """Who asks has a password that somebody else gave them."""

    def __init__(self) -> None:
        sentence = Sentence("Somebody else chose your password; change it first.")
        super().__init__(403, sentence, reason="password_change_needed")


def problem(
    status: int, detail: str, reason: str | None = None, headers: dict[str, str] | None = None,
    lookalikes: Iterable[Lookalike] = (), hint: str | None = None,
) -> JSONResponse:  # fmt: skip
    """The response that says so."""
    like = [LooksLike.of(one) for one in lookalikes]
    body = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, reason=reason, lookalikes=like or None, hint=hint
    )
    return JSONResponse(
        body.model_dump(exclude_none=True), status_code=status, headers=headers, media_type=PROBLEM_JSON
    )


_REFERENCE = "#/components/schemas/{model}"
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "content": {PROBLEM_JSON: {"schema": {"$ref": _REFERENCE.format(model=Problem.__name__)}}},
        "description": HTTPStatus(status).phrase,
    }
    for status in (400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 503, 507)
}
"""What an operation of the API may answer beside what it is for. Named by its schema: given as a model it would be
built a thousand times at every start, once for each status of each operation."""


def problem_schemas() -> dict[str, Any]:
    """What `RESPONSES` refer to, for the components of the API's description."""
    _, described = models_json_schema([(Problem, "serialization")], ref_template=_REFERENCE)
    schemas: dict[str, Any] = described["$defs"]
    return schemas
