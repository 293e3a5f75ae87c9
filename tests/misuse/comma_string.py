"""Several origins in one string, as an environment variable holds them.

Error: CORSConfigError
    origins: 'https://app.example.com,https://admin.example.com': several origins in one string:
    write a list of strings; write ["https://app.example.com", "https://admin.example.com"] instead
Fix: write a list; for a setting use OriginList.
"""

from route_cors import CORSPolicy

CORSPolicy(origins="https://app.example.com,https://admin.example.com")
