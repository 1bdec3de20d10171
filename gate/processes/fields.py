"""Typed values as messages, and messages as typed values: what one process says, another believes when each field is of
its kind.

A value is a dataclass. Its fields are texts, truths, numbers, bytes (base64 on the wire), members of a closed list,
other dataclasses, or tuples and mappings of these; a field may be None where its type says so. A field that is missing
takes its default, so that a process of an earlier version is understood; one that is not known here is passed over, so
that one of a later version is too.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeGuard, TypeVar, Union, get_args, get_origin, get_type_hints

from gate.processes.wire import Message

Value = TypeVar("Value")

# Beyond it no count, time or score of ours lies, and a sum with it is no longer exact.
_LARGEST = 1e15


class Malformed(ValueError):
    """A message is not what it should be; the text says which field is wrong, and how."""


def written(value: Any) -> Message:
    """A dataclass as a message."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def read(kind: type[Value], said: object) -> Value:
    """A message as a dataclass of this kind. Raises Malformed, and nothing else whatever was said."""
    value: Value = _dataclass(kind, said, kind.__name__)
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return written(value)
    match value:
        case Enum():
            return value.value
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case Mapping():
            return {name: _plain(one) for name, one in value.items()}
        case tuple() | list():
            return [_plain(one) for one in value]
    return value


def _dataclass(kind: Any, said: object, where: str) -> Any:
    if not isinstance(said, dict):
        raise Malformed(f"{where} is an object of several fields")
    values = {}
    for name, inner, is_needed in _fields_of(kind):
        if name in said:
            values[name] = _value(inner, said[name], name)
        elif is_needed:
            raise Malformed(f"{name} is missing")
    try:
        return kind(**values)
    except ValueError as error:
        raise Malformed(f"{where}: {error}") from error


@cache
def _fields_of(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """By name, of which kind each is, and whether a message must have it."""
    kinds = get_type_hints(kind)
    return tuple(
        (field.name, kinds[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    )


@cache
def _shape(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


def _value(kind: Any, said: object, where: str) -> Any:
    origin, parts = _shape(kind)
    if origin in (Union, UnionType):
        return _one_of(parts, said, where)
    if origin is tuple:
        return _tuple(parts, said, where)
    if origin is Mapping:
        return _mapping(parts[1], said, where)
    if is_dataclass(kind):
        return _dataclass(kind, said, where)
    return _single(kind, said, where)


def _one_of(kinds: tuple[Any, ...], said: object, where: str) -> Any:
    if said is None and NoneType in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        try:
            return _value(kind, said, where)
        except Malformed:
            continue
    return _value(last, said, where)


def _tuple(kinds: tuple[Any, ...], said: object, where: str) -> tuple[Any, ...]:
    if not isinstance(said, list):
        raise Malformed(f"{where} is a list")
    each = (kinds[0],) * len(said) if kinds[1:] == (...,) else kinds
    if len(each) != len(said):
        raise Malformed(f"{where} is a list of {len(each)}")
    return tuple(_value(kind, one, where) for kind, one in zip(each, said, strict=True))


def _mapping(kind: Any, said: object, where: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise Malformed(f"{where} is an object")
    return {_text(name, where): _value(kind, one, f"{where}.{name}") for name, one in said.items()}


def _single(kind: Any, said: object, where: str) -> Any:
    if kind is float and _is_number(said):
        return float(said)
    if kind is int and type(said) is int and _is_number(said):
        return said
    if kind in (str, bool) and type(said) is kind:
        return _text(said, where) if isinstance(said, str) else said
    if kind is bytes:
        return _bytes(said, where)
    if issubclass(kind, Enum):
        return _member(kind, said, where)
    raise Malformed(f"{where} is {_NAMES.get(kind, kind)}")


_NAMES = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def _text(said: str, where: str) -> str:
    """The text, which half of a pair of surrogates is not: JSON can hold one, and no file and no database takes it."""
    try:
        said.encode()
    except UnicodeEncodeError as error:
        raise Malformed(f"{where} is a text") from error
    return said


def _is_number(said: object) -> TypeGuard[float]:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return False
    return abs(said) < _LARGEST and math.isfinite(said)


def _bytes(said: object, where: str) -> bytes:
    if not isinstance(said, str):
        raise Malformed(f"{where} is base64")
    try:
        return base64.b64decode(said, validate=True)
    except ValueError as error:
        raise Malformed(f"{where} is base64") from error


def _member(kind: type[Enum], said: object, where: str) -> Enum:
    try:
        return kind(said)
    except ValueError as error:
        raise Malformed(f"{where} is no {kind.__name__.lower()} that is known here") from error
