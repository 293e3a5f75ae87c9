"""Other layers: middleware between a browser and a route that is not part of route_cors.

layers.py reads one middleware; ways.py says which of them a request goes through, from the outside in.
Starlette's CORSMiddleware is modelled by an instance of itself, made with the arguments that were read. A
layer that is neither that nor known to be harmless is an UnknownLayer: it may answer CORS by itself.
"""

from __future__ import annotations

from route_cors.insight.foreign.cors import CORSArguments
from route_cors.insight.foreign.layers import (
    DescribedLayer,
    KnownLayer,
    Layer,
    OurLayer,
    UnknownLayer,
    layer_of,
    layer_of_middleware,
    never_called,
    speaking,
)
from route_cors.insight.foreign.ways import layers_around, layers_at, layers_in_front_of, layers_of_app

__all__ = [
    "CORSArguments",
    "DescribedLayer",
    "KnownLayer",
    "Layer",
    "OurLayer",
    "UnknownLayer",
    "layer_of",
    "layer_of_middleware",
    "layers_around",
    "layers_at",
    "layers_in_front_of",
    "layers_of_app",
    "never_called",
    "speaking",
]
