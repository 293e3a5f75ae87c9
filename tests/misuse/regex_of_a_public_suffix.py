r"""Credentials for all sites of a hosting provider, by a regex.

Error: CORSConfigError
    origins: re.compile('https://.*\\.vercel\\.app'): matches https://qzkvjwxhpt.vercel.app: anyone
    can register a name under vercel.app, a public suffix, and act as the user with credentials;
    name the origins, or set dangerously_allow_public_suffixes
Fix: name your own sites there.
"""

import re

from route_cors import CORSPolicy

CORSPolicy(origins=re.compile(r"https://.*\.vercel\.app"), allow_credentials=True)
