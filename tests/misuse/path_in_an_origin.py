"""The URL of the page in place of its origin.

Error: CORSConfigError
    origins: 'https://example.com/app': a path: an origin ends with its host or port; write
    'https://example.com' instead
Fix: leave the path out.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://example.com/app")
