"""settings.py: origins and policies as people keep them, in variables, with pydantic-settings and without."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, AnyUrl, BaseModel, BeforeValidator, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from route_cors import CORSConfigError, CORSPolicy, OriginList, no_cors

A = "https://a.example"
B = "https://b.example"
REGEX = re.compile(r"https://[a-z]+\.a\.example")


class Origins(BaseSettings):
    origins: OriginList = OriginList()


def problems_of(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    return [(each["loc"], each["msg"]) for each in error.errors()]


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        (A, [A]),
        (f"{A}/", [A]),
        (f"{A},{B}", [A, B]),
        (f" {A}/ , {B} ,", [A, B]),
        (f"{A} {B}", [A, B]),
        (f"{A}\n{B}\n", [A, B]),
        (f'["{A}"]', [A]),
        (f' ["{A}/", "{B}"] ', [A, B]),
        ("[]", []),
        ("", []),
        (" ", []),
        (",", []),
        ("*", ["*"]),
        ('["*"]', ["*"]),
        ("http://localhost:*, https://*.a.example", ["http://localhost:*", "https://*.a.example"]),
        ("capacitor://localhost, app://.", ["app://.", "capacitor://localhost"]),
    ],
)
def test_origins_of_a_variable(text: str, origins: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORIGINS", text)
    read = Origins().origins
    assert [*read] == origins
    assert read == OriginList(text)
    assert len(read) == len(origins)
    assert CORSPolicy(origins=read) == CORSPolicy(origins=origins)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (f"{A},null,https://B.example", ["'null': every sandboxed", "write 'https://b.example' instead"]),
        (f"{A}/api", ["a path: an origin ends with its host or port; write 'https://a.example' instead"]),
        (f"{A}//", ["a path"]),
        (f'["{A}"', [f"""write ["{A}"] instead"""]),
        ("[1]", ["1: not a str"]),
        ("*, https://a.example", ["'*': allows every origin: leave out the other origins"]),
        ("a.example", ["write 'https://a.example' instead"]),
    ],
)
def test_an_error_names_the_variable_the_value_and_the_fix(
    text: str, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORIGINS", text)
    with pytest.raises(ValidationError) as raised:
        Origins()
    ((where, message),) = problems_of(raised.value)
    assert where == ("origins",)
    assert f"{len(reasons)} problem" in message
    for reason in reasons:
        assert reason in message


@pytest.mark.parametrize(
    "value",
    [
        [A, f"{B}/"],
        (A, B),
        {A, B},
        frozenset({A, B}),
        [AnyHttpUrl(A), B],
        [AnyUrl(A), AnyUrl(B)],
        OriginList([A, B]),
    ],
)
def test_lists_and_urls(value: Any) -> None:
    assert OriginList(value) == OriginList(f"{A},{B}")


def test_one_url_is_a_list_of_one() -> None:
    assert OriginList(AnyUrl(A)) == OriginList(A)


@pytest.mark.parametrize("value", [None, 3, b"https://a.example", {A: B}])
def test_what_is_no_list_of_origins(value: Any) -> None:
    with pytest.raises(CORSConfigError, match=r"not a str|bytes"):
        OriginList(value)


def test_an_origin_list_is_a_value() -> None:
    assert repr(OriginList(f"{B},{A}")) == f"OriginList(['{A}', '{B}'])"
    assert len({OriginList(A), OriginList([A]), OriginList(B)}) == 2
    assert OriginList(A).__eq__([A]) is NotImplemented
    assert [*OriginList([REGEX, A])] == [A, REGEX]


def test_it_is_dumped_as_a_list() -> None:
    settings = Origins(origins=OriginList(f"{A},{B}"))
    assert settings.model_dump() == {"origins": [A, B]}
    assert settings.model_dump_json() == json.dumps({"origins": [A, B]}, separators=(",", ":"))
    assert Origins.model_json_schema()["properties"]["origins"] == {"default": [], "title": "Origins"}


@given(
    st.lists(st.sampled_from([A, B, "http://localhost:*", "https://*.a.example", "app://."]), max_size=4),
    st.sampled_from([",", ", ", " ", "\n"]),
    st.booleans(),
)
def test_every_spelling_of_a_list_is_the_same(items: list[str], separator: str, slash: bool) -> None:
    written = [f"{item}/" if slash else item for item in items]
    assert OriginList(separator.join(written)) == OriginList(json.dumps(written)) == OriginList(items)


@given(st.one_of(st.text(), st.lists(st.text(max_size=5), max_size=3), st.none(), st.integers(), st.binary()))
def test_whatever_it_gets_it_is_read_or_refused(value: Any) -> None:
    read = None
    with suppress(ValidationError):
        read = TypeAdapter(OriginList).validate_python(value)
    assert read is None or OriginList([*read]) == read


# CORSPolicy as a field


class Policies(BaseSettings):
    model_config = SettingsConfigDict(env_nested_delimiter="__")

    cors: dict[str, CORSPolicy] = {}
    one: CORSPolicy | None = None


def test_a_policy_from_nested_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS__PARTNERS__ORIGINS", f"{A}/, {B}")
    monkeypatch.setenv("CORS__PARTNERS__METHODS", "get PATCH")
    monkeypatch.setenv("CORS__PARTNERS__ALLOW_HEADERS", "X-A, X-B")
    monkeypatch.setenv("CORS__PARTNERS__EXPOSE_HEADERS", '["ETag"]')
    monkeypatch.setenv("CORS__PARTNERS__ALLOW_CREDENTIALS", "true")
    monkeypatch.setenv("CORS__PARTNERS__MAX_AGE", "60")
    monkeypatch.setenv("CORS__NOBODY__ORIGINS", "")
    assert Policies().cors == {
        "partners": CORSPolicy(
            origins=[A, B],
            methods=["GET", "PATCH"],
            allow_headers=["X-A", "X-B"],
            expose_headers=["ETag"],
            allow_credentials=True,
            max_age=60,
        ),
        "nobody": CORSPolicy(origins=[]),
    }


def test_a_policy_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", json.dumps({"origins": [f"{A}/"], "max_age": None}))
    assert Policies().one == CORSPolicy(origins=A, max_age=None)


def test_a_policy_from_a_file_of_variables(tmp_path: Any) -> None:
    variables = tmp_path / ".env"
    variables.write_text(f'ONE={{"origins": "{A} {B}"}}\n')
    assert Policies(_env_file=variables).one == CORSPolicy(origins=[A, B])  # type: ignore[call-arg]


def test_a_policy_from_a_secret(tmp_path: Any) -> None:
    (tmp_path / "origins").write_text(f"{A},{B}")
    assert Origins(_secrets_dir=tmp_path).origins == OriginList([A, B])  # type: ignore[call-arg]


class Model(BaseModel):
    policy: CORSPolicy


@pytest.mark.parametrize(
    "value",
    [
        CORSPolicy(origins=A, enforce=True),
        {"origins": A, "enforce": "yes"},
        {"origins": [AnyUrl(A)], "enforce": True},
        json.dumps({"origins": A, "enforce": True}),
    ],
)
def test_a_policy_from_what_describes_one(value: Any) -> None:
    model = Model(policy=value)
    assert model.policy == CORSPolicy(origins=A, enforce=True)
    assert model.model_dump()["policy"] is model.policy
    assert json.loads(model.model_dump_json()) == {"policy": repr(model.policy)}


@pytest.mark.parametrize("enforce", [True, False, None])
def test_a_policy_of_a_setting_leaves_enforcement_to_the_layer_unless_it_says_so(
    enforce: bool | None,
) -> None:
    settings = TypeAdapter(CORSPolicy)
    assert settings.validate_python({"origins": A, "enforce": enforce}).enforce is enforce
    assert settings.validate_json(json.dumps({"origins": A, "enforce": enforce})).enforce is enforce
    assert settings.validate_python({"origins": A}).enforce is None


def test_a_policy_itself_is_taken_as_it_is() -> None:
    policy = CORSPolicy(origins=[REGEX, lambda origin, connection: True])
    assert Model(policy=policy).policy is policy


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        (
            {"origins": "*", "allow_credentials": True, "max_age": -1},
            [(("policy",), "2 problems")],
        ),
        ({"origin": A}, [(("policy", "origins"), "Field required"), (("policy", "origin"), "not permitted")]),
        (
            {"origins": "null", "methods": "get", "max_age": "x"},
            [(("policy", "origins"), "every sandboxed frame"), (("policy", "max_age"), "valid integer")],
        ),
        ({"origins": A, "methods": "TRACE, patch"}, [(("policy",), "write 'PATCH' instead")]),
        ({"origins": A, "allow_headers": "[X-A"}, [(("policy", "allow_headers"), "valid list")]),
        (A, [(("policy",), "valid dictionary")]),
        (3, [(("policy",), "valid dictionary")]),
        (None, [(("policy",), "valid dictionary")]),
        (no_cors, [(("policy",), "valid dictionary")]),
    ],
)
def test_problems_are_pydantics_own_errors(value: Any, problems: list[tuple[tuple[str, ...], str]]) -> None:
    with pytest.raises(ValidationError) as raised:
        Model(policy=value)
    found = problems_of(raised.value)
    assert [where for where, _ in found] == [where for where, _ in problems]
    for (_, message), (_, words) in zip(found, problems, strict=True):
        assert words in message


# The settings of full-stack-fastapi-template and of many apps that began as it


def parse_cors(value: Any) -> list[str] | str:
    if isinstance(value, str) and not value.startswith("["):
        return [each.strip() for each in value.split(",") if each.strip()]
    if isinstance(value, list | str):
        return value
    raise ValueError(value)


class TemplateSettings(BaseSettings):
    BACKEND_CORS_ORIGINS: Annotated[list[AnyUrl] | str, BeforeValidator(parse_cors)] = []
    FRONTEND_HOST: str = "http://localhost:5173"

    @property
    def all_cors_origins(self) -> list[str]:
        return [str(origin).rstrip("/") for origin in self.BACKEND_CORS_ORIGINS] + [self.FRONTEND_HOST]


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("http://localhost,https://localhost:5173", ["http://localhost", "https://localhost:5173"]),
        ('["http://localhost:3000", "https://a.example"]', ["http://localhost:3000", A]),
        ("http://localhost:80/", ["http://localhost"]),
        ("HTTPS://MÜLLER.example", ["https://xn--mller-kva.example"]),
        ("capacitor://localhost", ["capacitor://localhost"]),
        ("", []),
        (None, []),
    ],
)
def test_the_settings_of_the_template_go_in_unchanged(
    text: str | None, origins: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        monkeypatch.setenv("BACKEND_CORS_ORIGINS", text)
    settings = TemplateSettings()
    policy = CORSPolicy(origins=settings.BACKEND_CORS_ORIGINS, allow_credentials=True)
    assert policy == CORSPolicy(origins=origins, allow_credentials=True)
    both = CORSPolicy(origins=settings.all_cors_origins, allow_credentials=True)
    assert both == CORSPolicy(origins=[*origins, "http://localhost:5173"], allow_credentials=True)


def test_a_url_with_a_path_is_no_origin() -> None:
    with pytest.raises(CORSConfigError, match=r"a path: .*write 'https://a.example' instead"):
        CORSPolicy(origins=[AnyUrl("https://a.example/api/")])
    assert CORSPolicy(origins=AnyUrl(A)) == CORSPolicy(origins=A)


def test_a_json_list_in_one_string_is_fixed_to_that_list() -> None:
    with pytest.raises(CORSConfigError) as raised:
        CORSPolicy(origins=f'["{A}/"]')
    (problem,) = raised.value.problems
    assert problem.fix == f'["{A}"]'


def test_pydantic_settings_is_not_needed() -> None:
    program = (
        "import sys; sys.modules['pydantic_settings'] = None\n"
        "from route_cors import CORSPolicy, OriginList\n"
        "from pydantic import BaseModel\n"
        "class Settings(BaseModel):\n"
        "    origins: OriginList\n"
        "    cors: CORSPolicy\n"
        "read = Settings(origins='https://a.example/', cors={'origins': ''})\n"
        "assert [*read.origins] == ['https://a.example'] and read.cors.origins == ()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_pydantic_is_loaded_for_settings_alone() -> None:
    program = (
        "import sys, importlib.util, types\n"
        "package = types.ModuleType('route_cors')\n"
        "package.__path__ = list(importlib.util.find_spec('route_cors').submodule_search_locations)\n"
        "sys.modules['route_cors'] = package\n"
        "from route_cors.policy import CORSPolicy\n"
        "CORSPolicy(origins='https://a.example')\n"
        "sys.exit('pydantic' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
