"""Every browser extension.

Error: CORSConfigError
    origins: 'chrome-extension://*': every extension has such an origin: write the id of yours in
    place of the *
Fix: name the id of the extension.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="chrome-extension://*")
