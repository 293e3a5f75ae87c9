"""django-cors-headers, as `manage.py` starts it: after Django's own checks of the settings."""

import sys

import django
from browser.field.serving import serve_wsgi
from browser.field.setups import SETUPS, Policy
from browser.field.site import Answer, Failure, places
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import path as url_path

_PATHS: dict[str, dict[str, Answer]] = {}


def respond(answer: Answer) -> HttpResponse:
    if answer.raises == "an error":
        raise Failure
    return HttpResponse(answer.body, "text/plain", answer.status, headers=dict(answer.headers))


def view(request: HttpRequest, **_: str) -> HttpResponse:
    answers = _PATHS[request.path_info]
    method = "GET" if request.method == "HEAD" else request.method
    return respond(answers[method]) if method in answers else HttpResponseNotAllowed(list(answers))


def origins(policy: Policy) -> dict[str, object]:
    if policy.kind == "any":
        return {"CORS_ALLOW_ALL_ORIGINS": True}
    if policy.kind == "subdomains":
        return {"CORS_ALLOWED_ORIGIN_REGEXES": [r"^https://[^/]+\.app\.example$"]}
    if policy.kind == "regex":
        return {"CORS_ALLOWED_ORIGIN_REGEXES": list(policy.origins)}
    return {"CORS_ALLOWED_ORIGINS": policy.origins[0] if policy.kind == "string" else list(policy.origins)}


def serve(setup: str) -> None:
    policy = SETUPS[setup].policy
    for (method, path), answer in places(setup).items():
        _PATHS.setdefault(path, {})[method] = answer
    settings.configure(
        DEBUG=False,
        SECRET_KEY="no secret",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=tuple(url_path(path[1:], view) for path in _PATHS),
        INSTALLED_APPS=["corsheaders"],
        MIDDLEWARE=["corsheaders.middleware.CorsMiddleware", "django.middleware.common.CommonMiddleware"],
        LOGGING_CONFIG=None,
        CORS_ALLOW_METHODS=list(policy.methods),
        CORS_ALLOW_HEADERS=list(policy.allow_headers),
        CORS_EXPOSE_HEADERS=["*"] if policy.expose_headers is None else list(policy.expose_headers),
        CORS_ALLOW_CREDENTIALS=policy.credentials,
        CORS_PREFLIGHT_MAX_AGE=policy.max_age,
        **origins(policy),
    )
    django.setup()
    # Standard output is for the port.
    call_command("check", stdout=sys.stderr)
    serve_wsgi(WSGIHandler())
