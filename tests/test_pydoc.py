"""`python -m pydoc route_cors` and `python -m pydoc route_cors.testing` read well."""

from __future__ import annotations

import inspect
import pydoc
import re
from typing import TYPE_CHECKING, Any

import pytest

import route_cors
import route_cors.testing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PACKAGES = [route_cors, route_cors.testing]


def read(package: ModuleType) -> str:
    return pydoc.plain(pydoc.render_doc(package))


def public_members(kind: type) -> Iterator[tuple[str, Any]]:
    """The methods and properties that this package gives to a class."""
    for owner in kind.__mro__:
        if owner.__module__.startswith("route_cors"):
            for name, member in vars(owner).items():
                is_documented = inspect.isfunction(member) or isinstance(member, property | classmethod)
                if is_documented and not name.startswith("_"):
                    yield f"{kind.__name__}.{name}", member


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_told_of(package: ModuleType) -> None:
    text = read(package)
    for name in package.__all__:
        assert re.search(rf"^ +(?:class )?{name}(?:\(| = )", text, re.MULTILINE), name
        assert inspect.getdoc(getattr(package, name)), name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_method_has_its_words(package: ModuleType) -> None:
    classes = [
        each for each in (getattr(package, name) for name in package.__all__) if isinstance(each, type)
    ]
    members = dict(member for kind in classes for member in public_members(kind))
    assert members
    assert [name for name, member in members.items() if not member.__doc__] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_comment_stands_in_for_a_docstring(package: ModuleType) -> None:
    assert "Imported at first use" not in read(package)
    for name in ("__getattr__", "__dir__"):
        assert getattr(package, name).__doc__


def test_the_package_says_what_each_name_is_for() -> None:
    described = inspect.getdoc(route_cors) or ""
    assert [name for name in route_cors.__all__ if not re.search(rf"`{name}\b", described)] == []


def test_signatures_name_their_types() -> None:
    """And do not spell out what these stand for."""
    assert "collections.abc.MutableMapping" not in re.sub(
        r"(?s)Methods inherited from (?:fastapi|starlette).*?(?=\n    class |\nFUNCTIONS)",
        "",
        read(route_cors),
    )
