"""Names of a package that are imported when they are first used."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def imported_at_first_use(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        package: its name.
        modules: the module below it that has a name, by that name.
    """
    itself = sys.modules[package]

    def import_name(name: str) -> Any:
        """Import a public name when it is first used."""
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(itself, name, value)
        return value

    def all_names() -> list[str]:
        """The public names, and the modules that are loaded."""
        return sorted({*vars(itself), *modules})

    return import_name, all_names
