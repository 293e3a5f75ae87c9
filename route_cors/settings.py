"""Origins and policies as fields of settings: `OriginList`, and what pydantic does with a `CORSPolicy`."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator
from pydantic_core import core_schema

from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import GetCoreSchemaHandler


def _listed(value: Any) -> Any:
    """A string as a list: in JSON, or separated by commas or white space; anything else as it is."""
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith("["):
        return [*filter(None, re.split(r"[,\s]+", value))]
    with suppress(ValueError):  # text that is not JSON is refused as it is
        return json.loads(value)
    return value


class OriginList:
    """Origins and origin patterns of a setting, for `CORSPolicy(origins=...)`: a type for pydantic fields.

    Not a list for pydantic-settings, which would read the variable as JSON before it comes here.

    Args:
        value: a list of origins, patterns and pydantic URLs; or a string: a JSON list of them, or origins
            separated by commas or white space. A URL's trailing slash is left out. `""` allows no origin.

    Raises:
        CORSConfigError: with every problem; a `ValueError`, which pydantic makes a part of its own error.

    >>> CORSPolicy(origins=OriginList("https://a.example/, https://*.b.example"))
    CORSPolicy(origins=('https://*.b.example', 'https://a.example'))
    """

    __slots__ = ("_origins",)

    def __init__(self, value: object = ()) -> None:
        listed = _listed(value)
        is_many = isinstance(listed, list | tuple | set | frozenset | OriginList)
        items: list[Any] = [*listed] if is_many else [listed]
        self._origins = CORSPolicy(origins=[*map(_without_slash, items)]).origins

    def __iter__(self) -> Iterator[Any]:
        return iter(self._origins)

    def __len__(self) -> int:
        return len(self._origins)

    def __eq__(self, other: object) -> bool:
        return self._origins == other._origins if isinstance(other, OriginList) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._origins)

    def __repr__(self) -> str:
        return f"OriginList({[*self._origins]!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> core_schema.CoreSchema:
        as_list = core_schema.plain_serializer_function_ser_schema(list)
        return core_schema.no_info_after_validator_function(
            cls, core_schema.any_schema(), serialization=as_list
        )


def _without_slash(item: Any) -> Any:
    return item.removesuffix("/") if isinstance(item, str) and item.count("/") == len("///") else item


_Names = Annotated[list[str], BeforeValidator(_listed)]


class _PolicyArguments(BaseModel, extra="forbid"):
    """The arguments of a policy, as a setting spells them."""

    origins: OriginList
    methods: _Names | None = None
    allow_headers: _Names = []
    expose_headers: _Names = []
    allow_credentials: bool = False
    max_age: int | None = 600
    enforce: bool | None = None
    dangerously_allow_insecure_origins: bool = False
    dangerously_allow_public_suffixes: bool = False


def policy_schema(handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    """How pydantic makes a `CORSPolicy`: from one, or from its arguments as a mapping or JSON."""
    as_text = core_schema.to_string_ser_schema(when_used="json")
    return core_schema.no_info_wrap_validator_function(
        _policy, handler.generate_schema(_PolicyArguments), serialization=as_text
    )


def _policy(value: Any, read: Callable[[object], _PolicyArguments]) -> CORSPolicy:
    if isinstance(value, CORSPolicy):
        return value
    if isinstance(value, str):
        with suppress(ValueError):
            value = json.loads(value)
    arguments = read(value)
    return CORSPolicy(**{name: getattr(arguments, name) for name in arguments.model_fields_set})
