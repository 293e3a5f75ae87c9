r"""Nested repetitions, which one request can make very slow.

Error: CORSConfigError
    origins: re.compile('https://([a-z]+)+\\.example\\.com'): takes far too long for an origin of
    some characters, and much longer for longer ones: do not repeat what repeats itself, and do not
    let two adjacent parts match the same text; for any labels of a host write [a-z0-9.-]+\.; write
    re.compile('https://[a-z]+\\.example\\.com') instead
Fix: do not nest them.
"""

import re

from route_cors import CORSPolicy

CORSPolicy(origins=re.compile(r"https://([a-z]+)+\.example\.com"))
