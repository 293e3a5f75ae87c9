r"""A regex that matches everything, to get around the rule for `*`.

Error: CORSConfigError
    origins: re.compile('.*'): matches origins that anyone can register, such as
    https://qzkvjwxhpt.app: with credentials they could act as the user; name the origins, or end it
    with a domain of your own: r'https://[a-z0-9-]+\.example\.com'
Fix: name the origins.
"""

import re

from route_cors import CORSPolicy

CORSPolicy(origins=re.compile(r".*"), allow_credentials=True)
