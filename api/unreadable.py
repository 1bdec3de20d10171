"""What of a request is missing or cannot be read, in the house's words: with the field, for programs and for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError

from api.languages import Language
from gate.errors import Sentence

_NUMBER = Sentence("It must be a number.")
_WHOLE_NUMBER = Sentence("It must be a whole number.")
_YES_OR_NO = Sentence("It must be true or false.")
_OBJECT = Sentence("It must be an object with fields.")
_ONE_OF = Sentence("It must be one of these: {allowed}.")
# What a program is told, by what the library calls the mistake, whose values have the library's names. What is not here
# is told in its own words.
_SAID: dict[str, Sentence] = {
    "missing": Sentence("It is missing."),
    "extra_forbidden": Sentence("There is no such field."),
    "json_invalid": Sentence("It is no JSON that can be read."),
    "dict_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "list_type": Sentence("It must be a list."),
    "string_type": Sentence("It must be a text."),
    "int_type": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _YES_OR_NO,
    "bool_parsing": _YES_OR_NO,
    "enum": _ONE_OF,
    "literal_error": _ONE_OF,
    "string_too_long": Sentence("It is too long: {max_length} characters are the most."),
    "string_too_short": Sentence("It is too short: it needs at least {min_length} characters."),
    "too_long": Sentence("It holds too many: {max_length} are the most."),
    "too_short": Sentence("It holds too few: it needs at least {min_length}."),
    "greater_than_equal": Sentence("It must be at least {ge}."),
    "less_than_equal": Sentence("It must be at most {le}."),
}


def said_of(error: RequestValidationError, language: Language, *, machine: bool) -> str:
    """What is wrong with the first field that is: a `machine` is told by the field's name what it must hold, people
    that they go back."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    if machine:
        said = _for_machines(first, language)
        return f"{where}{language.colon}{said}" if where else said
    field = where.rpartition(".")[2] or "?"
    if first["type"] == "string_too_long":
        most = first["ctx"]["max_length"]
        return language(
            Sentence(
                "A field is too long ({field}): {most} characters are the most. Go back and shorten it.",
                field=field, most=most,
            )
        )  # fmt: skip
    return language(
        Sentence("A field was left empty or cannot be read ({field}). Go back and fill it in.", field=field)
    )


def _for_machines(mistake: Mapping[str, Any], language: Language) -> str:
    sentence, values = _SAID.get(mistake["type"]), dict(mistake.get("ctx", {}))
    if sentence is None:
        return f"{mistake['msg']}."
    if "expected" in values:
        # Of an enum the library names the members as Python does, with the word that is sent between quotes.
        values["allowed"] = language.comma.join(re.findall(r"'([^']*)'", values["expected"]))
    return language(sentence, **{name: value for name, value in values.items() if f"{{{name}}}" in sentence})
