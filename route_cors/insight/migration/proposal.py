"""The policy that does what a CORSMiddleware does, and what no policy says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from route_cors.insight.migration.arguments import (
    read_credentials,
    read_expose_headers,
    read_headers,
    read_max_age,
    read_methods,
    read_private_network,
)
from route_cors.insight.migration.origins import read_origins
from route_cors.insight.migration.reading import Reading
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from route_cors.insight.foreign import KnownLayer
    from route_cors.insight.migration.reading import Remark

__all__ = ["Proposal", "propose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What replaces one CORSMiddleware.

    Attributes:
        policy: None where it lets nobody in.
        arguments: of the policy, in Python, those that are as they are by default left out.
        remarks: what is not as it was, and why.
    """

    policy: CORSPolicy | None
    arguments: Mapping[str, str]
    remarks: tuple[Remark, ...]


def propose(layer: KnownLayer, served: frozenset[str], written: Mapping[str, str]) -> Proposal:
    """The policy for a CORSMiddleware.

    Args:
        layer: one that is a CORSMiddleware.
        served: the methods of the routes behind it.
        written: those of its arguments that are no literals in the source, as they stand there; a policy is
            given the same, where that says the same.
    """
    reading = Reading.of(layer, served)
    origins = read_origins(reading)
    if not origins:
        return Proposal(policy=None, arguments={}, remarks=tuple(reading.remarks))
    read_credentials(reading)
    read_methods(reading)
    read_headers(reading)
    read_expose_headers(reading)
    read_max_age(reading)
    read_private_network(reading)
    values: dict[str, Any] = {argument.name: argument.value for argument in reading.arguments}
    return Proposal(
        policy=CORSPolicy(**values),
        arguments={argument.name: argument.code(written) for argument in reading.arguments},
        remarks=tuple(reading.remarks),
    )
