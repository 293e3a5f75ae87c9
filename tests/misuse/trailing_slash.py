"""An origin as it is copied from the address bar, with a slash at the end.

Error: CORSConfigError
    origins: 'http://localhost:3000/': a trailing slash: an origin ends with its host or port; write
    'http://localhost:3000' instead
Fix: leave the slash out.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="http://localhost:3000/")
