r"""A regex in a string.

Error: CORSConfigError
    origins: 'https://.*\\.example\\.com': a string is never read as a regex; write
    'https://*.example.com' instead
Fix: compile it.
"""

from route_cors import CORSPolicy

CORSPolicy(origins=r"https://.*\.example\.com")
