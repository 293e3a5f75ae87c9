"""How the properties of generated apps are drawn."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

__all__ = ["drawn"]


def drawn(most: int) -> settings:
    """That many examples, however long one takes."""
    return settings(
        max_examples=most,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        # Without Phase.explain, which builds as many apps again to say what a readable failure shows.
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
