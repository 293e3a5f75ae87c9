"""A host in Unicode, which browsers send in punycode.

Error: CORSConfigError
    origins: 'https://bücher.example': Unicode in the host: browsers send it as Punycode; write
    'https://xn--bcher-kva.example' instead
Fix: write it as browsers send it.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://bücher.example")
