"""The origins of a CORSMiddleware as origins of a policy, and why some are left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from route_cors.errors import CORSConfigError
from route_cors.insight.migration.reading import Argument, is_accepted, quoted
from route_cors.origins import ANY_ORIGIN, is_serialized_origin
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.errors import Problem
    from route_cors.insight.migration.reading import Reading
    from route_cors.origins import OriginItem


def read_origins(reading: Reading) -> bool:
    """The origins; False if there are none, so that no policy is needed."""
    if reading.cors.any_origin:
        _read_any_origin(reading)
        return True
    texts = _texts(reading)
    kept: list[OriginItem] = [text for text in texts if _is_kept(reading, text)]
    is_given = not isinstance(reading.made.allow_origins, str) and len(kept) == len(texts)
    regex = _read_regex(reading)
    items = kept if regex is None else [*kept, regex]
    if not items:
        reading.remark("allow_origins", "it allowed no other origin: no policy is needed")
        return False
    pattern = None if regex is None else _compiled(regex)
    spelled = ", ".join([*map(quoted, cast("list[str]", kept)), *([] if pattern is None else [pattern])])
    written_as = "allow_origins" if is_given and kept else None
    reading.arguments.append(Argument("origins", items, f"[{spelled}]", written_as, pattern))
    if any(_fault(reading, item) is not None for item in items):
        reading.put("dangerously_allow_insecure_origins", value=True, literal="True")
        reading.remark(
            "http origins with credentials",
            "kept, with an argument that names the risk: anyone on the network can act as the user",
            "serve those pages over https and leave dangerously_allow_insecure_origins out",
        )
    return True


def _read_any_origin(reading: Reading) -> None:
    reading.put("origins", ANY_ORIGIN, '"*"')
    if reading.cors.allow_credentials:
        listed = (each for each in reading.cors.allow_origins if each != ANY_ORIGIN)
        named = [origin for origin in listed if is_accepted(origins=origin)]
        reading.remark(
            "allow_origins '*' with credentials",
            "CORSMiddleware reflects every origin, so every site can act as the user: "
            "a policy cannot do that, and this one is without credentials",
            f"name the origins that you trust: origins={named or ['https://app.example.com']!r}, "
            "allow_credentials=True",
            loses=True,
        )


def _texts(reading: Reading) -> list[str]:
    origins = reading.cors.allow_origins
    if not isinstance(origins, str):
        return [*dict.fromkeys(origins)]
    reading.remark(
        f"allow_origins={origins!r}, a bare string",
        "CORSMiddleware allows every origin that is a part of that string, such as one without its last "
        "letters; a policy allows only the origins that it names",
        loses=True,
    )
    return [*dict.fromkeys(filter(None, re.split(r"[,\s]+", origins)))]


def _is_kept(reading: Reading, text: str) -> bool:
    """Whether an origin of the list is kept in the policy."""
    about = f"allow_origins: {text!r}"
    try:
        CORSPolicy(origins=[text])
    except CORSConfigError as error:
        why = f"{_reasons(error.problems)}: {_in_vain(text)}"
        reading.remark(about, why, _write(error.problems), loses=text == "null")
        return False
    if not is_serialized_origin(text.encode()):
        let_in = "CORSMiddleware does not support patterns, so it allowed nobody: it is left out"
        reading.remark(about, let_in, "route_cors reads it as a pattern: write it to allow what it matches")
        return False
    if not reading.layer.allows(text):
        why = "it is not a str, so it equals no Origin header and allowed nobody: it is left out"
        reading.remark(about, why, f"{text!r}, to allow it")
        return False
    return True


def _in_vain(text: str) -> str:
    if text == "null":
        return "it is left out"
    known = "" if re.match(r"https?:", text, re.IGNORECASE) else ", as far as is known"
    return f"no browser sends an origin in this spelling{known}, so it allowed nobody: it is left out"


def _read_regex(reading: Reading) -> re.Pattern[str] | None:
    regex = reading.made.allow_origin_regex
    if regex is None:
        return None
    if reading.layer.allows("null") and "null" not in reading.cors.allow_origins:
        reading.remark(
            f"allow_origin_regex: {regex.pattern!r}",
            "it matches null, the origin of every sandboxed page, no matter who made it: "
            "the regex of a policy never matches null",
            loses=True,
        )
    problem = _fault(reading, regex)
    if problem is None or _fault(reading, regex, insecure=True) is None:
        return regex
    instead = "a regex that names your hosts, or the origins themselves"
    reading.remark(f"allow_origin_regex: {regex.pattern!r}", problem.reason, instead, loses=True)
    return None


def _fault(reading: Reading, item: OriginItem, *, insecure: bool = False) -> Problem | None:
    """The problem with an origin in the policy, if there is one."""
    try:
        CORSPolicy(
            origins=[item],
            allow_credentials=reading.credentials,
            dangerously_allow_insecure_origins=insecure,
        )
    except CORSConfigError as error:
        return error.problems[0]
    return None


def _reasons(problems: Iterable[Problem]) -> str:
    return "; ".join(problem.reason for problem in problems)


def _write(problems: Iterable[Problem]) -> str | None:
    codes = [problem.code for problem in problems if problem.fix not in {None, "[]"}]
    return f"{codes[0]}, to allow it" if codes else None


def _compiled(regex: re.Pattern[str]) -> str:
    pattern = regex.pattern
    is_raw = pattern.isprintable() and '"' not in pattern and not pattern.endswith("\\")
    has_more = re.compile(pattern).flags != regex.flags
    flags = f", {re.RegexFlag(regex.flags & ~re.UNICODE)!r}" if has_more else ""
    spelled = f'r"{pattern}"' if is_raw else ascii(pattern)
    return f"re.compile({spelled}{flags})"
