r"""A whole network in place of an origin.

Error: CORSConfigError
    origins: 'http://192.168.1.*': a "*" is only allowed for whole labels at the start
    ("https://*.a.example") or as the port (":*"): anything else needs a regex; write
    re.compile('http://192\\.168\\.1\\.[0-9]+') instead
Fix: use a regex, or a callable.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="http://192.168.1.*")
