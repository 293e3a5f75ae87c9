r"""A wildcard in the middle of a name.

Error: CORSConfigError
    origins: 'https://app-*.vercel.app': a "*" is only allowed for whole labels at the start
    ("https://*.a.example") or as the port (":*"): anything else needs a regex; write
    re.compile('https://app-[a-z0-9-]+\\.vercel\\.app') instead
Fix: use a regex.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app-*.vercel.app")
