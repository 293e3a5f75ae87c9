"""The default port, spelled out.

Error: CORSConfigError
    origins: 'https://app.example.com:443': the default port: browsers leave out the 443 of https;
    write 'https://app.example.com' instead
Fix: leave it out, as browsers do.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com:443")
