"""A route's path as the steps of the trie."""

from __future__ import annotations

import re
from typing import Any, Final

from starlette import convertors
from starlette.routing import PARAM_REGEX, Mount

from route_cors.dispatch.trie import PARAMETER, REST, TAIL

# What a parameter of these convertors matches is never empty and holds no slash: it stays in its segment.
_PLAIN_PARAMETER: Final = convertors.StringConvertor.regex
# And this one matches whatever follows, unless there is a newline in it.
_TAIL_PARAMETER: Final = convertors.PathConvertor.regex
_SEGMENT_PARAMETERS: Final = frozenset(
    convertor.regex
    for convertor in (
        convertors.StringConvertor,
        convertors.IntegerConvertor,
        convertors.FloatConvertor,
        convertors.UUIDConvertor,
    )
)


def trail_of(route: Any) -> tuple[tuple[str, ...], bool]:
    """The segments of a route's path, and whether reaching their end is already the match.

    The regex is the truth. Where it is not what Starlette makes of the path (somebody replaced it), the
    route is a candidate for every path.
    """
    template = route.path + "/{path:path}" if isinstance(route, Mount) else route.path
    regex = route.path_regex
    if regex.pattern != _pattern_of(template, route.param_convertors) or regex.flags != re.UNICODE:
        return (REST,), False
    trail: list[str] = []
    exact = True
    for segment in template.split("/"):
        regexes = [route.param_convertors[match[1]].regex for match in PARAM_REGEX.finditer(segment)]
        is_whole = PARAM_REGEX.fullmatch(segment) is not None
        if not regexes:
            trail.append(segment)
        elif _SEGMENT_PARAMETERS.issuperset(regexes):
            trail.append(PARAMETER)
            exact = exact and is_whole and regexes == [_PLAIN_PARAMETER]
        elif exact and is_whole and regexes == [_TAIL_PARAMETER] and len(trail) == template.count("/"):
            return (*trail, TAIL), True
        else:
            return (*trail, REST), False
    return tuple(trail), exact


def _pattern_of(template: str, param_convertors: dict[str, Any]) -> str:
    pattern = "^"
    end = 0
    for match in PARAM_REGEX.finditer(template):
        if match[1] not in param_convertors:
            return ""
        pattern += re.escape(template[end : match.start()])
        pattern += f"(?P<{match[1]}>{param_convertors[match[1]].regex})"
        end = match.end()
    return pattern + re.escape(template[end:]) + "$"
