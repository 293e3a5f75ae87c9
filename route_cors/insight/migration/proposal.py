"""The policy that does what a CORSMiddleware does, and what a policy cannot do."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What replaces one CORSMiddleware.

    Attributes:
        policy: None if it allows no other origin.
        arguments: those of the policy, as Python source, without defaults.
        remarks: what differs from before, and why.
    """

    policy: CORSPolicy | None
    arguments: Mapping[str, str]
    remarks: tuple[Remark, ...]


def propose(layer: KnownLayer, served: frozenset[str], written: Mapping[str, str]) -> Proposal:
    """The policy for a CORSMiddleware.

    Args:
        layer: one that is a CORSMiddleware.
        served: the methods of the routes behind it.
        written: the arguments that are not literals in the source, as written there; the policy uses the same
            expression if it has the same meaning.
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
