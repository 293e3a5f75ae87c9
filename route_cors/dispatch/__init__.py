"""The route index: (path, method, host) -> the route that the app itself would run, and its CORS terms.

The index is built from the registered routes and gives the answer of the router without calling it: the
first full match in registration order, else the first partial one (a 405), else the target of the slash
redirect, else no route.

How it works: the paths of a router and its included routers form a trie of their segments (trie.py,
trails.py): literals, parameters, and tails or rests for parts that may span segments (`path` convertors,
mounts, hosts). It gives the few routes that could match. If a route only consists of literals, plain `{x}`
and a plain `{x:path}` at its end, reaching the end is the match. Otherwise the regex of the route decides or,
if its class overrides `matches`, that method. A mount leads to the index of the mounted app. Rejected:
longest-prefix or regex rules of our own, which is how libraries end up with their own reading of paths
(flask-cors CVE-2024-6839, -6844, -6866).

Most requests take the short way, `Resolver.resolve_http`: the index is fresh, and the path can only end at
one place. All others take the long way, which gives the same answer.

Read it in this order: target.py (the answer), apps.py and routes.py (reading apps and their routes; only
routes.py knows how FastAPI keeps them), lost.py (the policy of an endpoint that a decorator replaced),
leaves.py (what is served where a path ends), index.py (one router and its freshness), resolver.py (the entry
point for requests).
"""
