"""An origin in upper case.

Error: CORSConfigError
    origins: 'https://App.Example.com': upper case: browsers send origins in lower case; write
    'https://app.example.com' instead
Fix: write it in lower case, as browsers send it.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://App.Example.com")
