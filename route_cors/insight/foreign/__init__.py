"""Layers of others: what stands between a browser and a route besides our own, and what it does about CORS.

layers.py reads one middleware; ways.py says which of them a request goes through, from the outside in.
Starlette's CORSMiddleware is modelled by itself: an instance made with the arguments that were read. What is
neither that nor known to be harmless is an UnknownLayer: it may answer CORS by itself.
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
