"""A request to a web service, as a job's author writes it. Pure."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
)

from schedsync.specs.base import Model, OneOrMore, Text, no_nul
from schedsync.specs.json_value import check_json
from schedsync.specs.references import FileReference, VariableReference, check_source, value_kind
from schedsync.specs.wording import quoted, shown

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_URL = re.compile(r"[!-~]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
_STATUS = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_WITHOUT_BODY = ("GET", "HEAD")
_OF_OTHERS = ("CONNECT", "TRACE")
_MANAGED = frozenset({"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"})
"""Headers that say how the request is sent, which is not the author's to say."""

FilePath = Annotated[Text, AfterValidator(no_nul), Field(min_length=1)]


def _check_url(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError(
            "a url has no spaces and only ASCII signs; write others percent-encoded, e.g. %20, and in a host as xn--..."
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"it is no url: {error}") from None
    if parts.username is not None:  # the url stays unsaid, it holds a password
        raise ValueError(
            "a user or password in a url is seen by everybody; "
            "send it in a header that comes from a file: headers: {Authorization: {file: token.txt}}"
        )
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(f"{quoted(url)} is no address of a web service; write it like https://erp.example.com/close")
    if parts.fragment:
        raise ValueError(f'what follows the "#" in {quoted(url)} is never sent; remove it')
    return url


def _check_proxy(url: str) -> str:
    parts = urlsplit(_check_url(url))
    if parts.scheme != "http" or parts.path.strip("/") or parts.query:
        raise ValueError(f"{quoted(url)} is no proxy; write it like http://proxy.example.com:3128")
    return url


def _check_method(method: str) -> str:
    if not _TOKEN.fullmatch(method) or method.upper() in _OF_OTHERS:
        raise ValueError(f"{quoted(method)} is not a method for a request; write GET, POST, PUT, PATCH or DELETE")
    return method.upper()


def _check_header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{quoted(name)} is not the name of a header; use letters, digits and hyphens")
    if name.lower() in _MANAGED:
        raise ValueError(f'"{name}" is set by schedsync as the request needs it; remove it')
    return name


def check_header_value(value: str) -> str:
    """Return *value* if a header may have it.

    Raises:
        ValueError: it may not; the message does not show it, because it may be a secret.
    """
    if not _HEADER_VALUE.fullmatch(value):
        raise ValueError("the value of a header is one line of ASCII; it has a line break or other signs in it")
    return value


HeaderValue = Annotated[
    Annotated[
        Annotated[Text, AfterValidator(check_header_value), Tag("ValueText")]
        | Annotated[FileReference, Tag("ValueFile")]
        | Annotated[VariableReference, Tag("ValueVariable")],
        Discriminator(value_kind),
    ],
    BeforeValidator(check_source),
]
"""The value of a header: as it is written, or where it is."""


def _check_headers(headers: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, str] = {}
    for name in headers:
        before = seen.setdefault(name.lower(), name)
        if before != name:
            raise ValueError(f'"{before}" and "{name}" are one header; write it once')
    return headers


def _check_body_kind(value: object) -> object:
    if isinstance(value, list | tuple) or (isinstance(value, dict) and set(value) != {"file"}):
        raise ValueError(f"expected text or {{file: path}}, found {shown(value)}; what is to be sent as JSON is json:")
    return value


Body = Annotated[
    Annotated[
        Annotated[Text, Tag("ValueText")] | Annotated[FileReference, Tag("ValueFile")],
        Discriminator(value_kind),
    ],
    BeforeValidator(_check_body_kind),
]
"""What is sent: as it is written, or where it is."""


def _check_json(value: object) -> object:
    check_json(value)
    return value


def _as_list(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def status_range(text: str) -> tuple[int, int]:
    """Return the first and the last status that *text* means: ``200``, or ``200-299``.

    Raises:
        ValueError: it means none; the message says what to write.
    """
    found = _STATUS.fullmatch(text)
    if not found or int(found[1]) > int(found[2] or found[1]):
        raise ValueError(f"{quoted(text)} is not a status; write 200, or a range such as 200-299")
    return int(found[1]), int(found[2] or found[1])


def _check_status(text: str) -> str:
    status_range(text)
    return text


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{quoted(pattern)} is not a regular expression: {error}") from None
    return pattern


class Expect(Model):
    """What an answer has to be, or the run has failed."""

    status: Annotated[
        tuple[Annotated[Text, AfterValidator(_check_status)], ...],
        BeforeValidator(_as_list),
        Field(min_length=1),
        OneOrMore(),
    ] = Field(("200-299",), description="Statuses and ranges of them, e.g. [200, 202] or 200-299.")
    body: Annotated[str, Field(min_length=1), AfterValidator(_check_pattern)] | None = Field(
        None, description="A regular expression (Python's) that is found in the body."
    )


class Tls(Model):
    """How the other side of https is checked, and how this side shows who it is."""

    ca: FilePath | None = Field(
        None, description="PEM file of the CAs to trust instead of the system's; paths are relative to the job file."
    )
    cert: FilePath | None = Field(None, description="PEM file with a client certificate and its chain.")
    key: FilePath | None = Field(
        None, description="PEM file with its key, without a passphrase; default: that of cert."
    )
    verify: bool = Field(default=True, strict=True, description="Whether the other side's certificate is checked.")

    @field_validator("key")
    @classmethod
    def _has_certificate(cls, key: str | None, info: ValidationInfo) -> str | None:
        if key is not None and info.data.get("cert") is None:
            raise ValueError("a key needs its certificate; write cert: client.pem beside it")
        return key

    @field_validator("verify")
    @classmethod
    def _checks_something(cls, verify: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic calls it
        if not verify and info.data.get("ca") is not None:
            raise ValueError("with verify: false nothing is checked, so ca has no use; remove one of them")
        return verify


class HttpRequest(Model):
    """A request, and what is expected of the answer."""

    model_config = ConfigDict(serialize_by_alias=True)

    url: Annotated[str, AfterValidator(_check_url)] = Field(description="An http:// or https:// address.")
    method: Annotated[str, AfterValidator(_check_method)] = Field("GET", description="GET, POST, PUT, ...")
    headers: Annotated[
        dict[Annotated[str, AfterValidator(_check_header_name)], HeaderValue], AfterValidator(_check_headers)
    ] = Field(default_factory=dict, description="Each a text, {file: path} or {env: VARIABLE}.")
    body: Body | None = Field(None, description="A text, or {file: path}: what is sent.")
    json_body: Annotated[Any, AfterValidator(_check_json)] = Field(
        None, alias="json", description="A value that is sent as JSON, in place of body."
    )
    expect: Expect = Field(default_factory=Expect, description="What the answer has to be.")
    follow_redirects: bool = Field(default=False, strict=True, description="Whether to go where an answer points to.")
    tls: Tls = Field(default_factory=Tls, description="Certificates, for https.")
    proxy: Annotated[str, AfterValidator(_check_proxy)] | None = Field(
        None,
        description="The proxy to go through, e.g. http://proxy.example.com:3128; default: none, whatever the "
        "environment says.",
    )

    @field_validator("body", "json_body")
    @classmethod
    def _may_be_sent(cls, body: Any, info: ValidationInfo) -> Any:
        method = info.data.get("method")
        if body is not None and method in _WITHOUT_BODY:
            raise ValueError(f"a {method} request has no body; write method: POST")
        if info.field_name == "json_body" and body is not None and info.data.get("body") is not None:
            raise ValueError("a request has one body; remove body or json")
        return body

    @field_validator("tls")
    @classmethod
    def _is_of_use(cls, tls: Tls, info: ValidationInfo) -> Tls:
        if str(info.data.get("url", "")).startswith("http://") and not info.data.get("follow_redirects"):
            raise ValueError("tls is for https, and the url begins with http://; correct one of them")
        return tls
