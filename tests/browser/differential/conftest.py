"""What the tests of the engines share: the engines, and the servers that their pages ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser.engines import ENGINES

from .servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser.engines import Engine


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    engine = ENGINES[request.param]
    missing = engine.missing()
    if missing is not None:
        pytest.skip(missing)
    return engine
