"""Where Chromium, Firefox, WebKit and the standard differ. The model follows the standard.

Each difference has its case. The generated cases do without its input (generated.py, sidesteps.py) where they
can; where they cannot, since it is about what comes after, the model plays it (quirks.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .differences_cache import OF_THE_CACHE
from .differences_cookies import OF_COOKIES
from .differences_redirects import OF_REDIRECTS
from .differences_requests import OF_REQUESTS

if TYPE_CHECKING:
    from .difference import Difference

DIFFERENCES: Final[tuple[Difference, ...]] = (*OF_REQUESTS, *OF_REDIRECTS, *OF_THE_CACHE, *OF_COOKIES)
