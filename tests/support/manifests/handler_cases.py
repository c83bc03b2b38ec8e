"""Manifests with a handler to refuse."""

from collections.abc import Iterator
from typing import Any

from tests.support.manifests.case import Case, of_type

URL = "https://api.example.com/sync"


def handlers() -> Iterator[Case]:
    def http(name: str, says: str, good: dict[str, Any] | None = None, **bad: Any) -> Case:
        request = {"url": URL}
        return of_type(
            name, {"handler": {"http": request | bad}}, {"handler": {"http": request | (good or {})}}, says
        )

    request: dict[str, Any] = {"http": {"url": URL}}
    function = {"function": "fetch_orders"}
    for name, bad, says in [
        ("no handler", ..., "spec.handler: Required value"),
        ("neither function nor http", {}, "add function (a registered name) or http"),
        ("function and http", function | request, "remove function or http"),
        ("a path of Python", {"function": "os:system"}, "function must be the name"),
        ("a function without a name", {"function": ""}, "function must be the name"),
        ("a function of 129 characters", {"function": "f" * 129}, "Too long"),
        ("http without a url", {"http": {}}, "spec.handler.http.url: Required value"),
    ]:
        yield of_type(name, {"handler": bad}, {"handler": request if "http" in name else function}, says)
    for url, good in [
        ("ftp://example.com/", "HTTPS://example.com/"),
        ("/sync", "http://example.com"),
        ("https:///sync", "https://[::1]/sync"),
        ("https://example.com:0/", "https://example.com:8443/"),
        ("https://example.com:65536/", "https://example.com:65535/"),
        ("nonsense", "https://user:word@example.com/a?b=c#d"),
    ]:
        yield http(f"url {url}", "url must be an absolute http or https URL", {"url": good}, url=url)
    yield http("a url with a space", "url must be a URL without spaces", url="https://example.com/a b")
    yield http("an umlaut in a url", "url must be a URL without spaces", url="https://example.com/\xfc")
    yield http("a url of 2049 characters", "Too long", url=URL + "/" + "a" * (2_048 - len(URL)))
    yield http("a method in lower case", 'Unsupported value: "post"', {"method": "PUT"}, method="post")
    yield http(
        "a header's name",
        "the names of headers must be letters",
        {"headers": {"X-A'b": ""}},
        headers={"X A": ""},
    )
    for name, text in {"two lines": "a\r\nb: c", "a tab": "\t", "a wide space": "\u2003"}.items():
        yield http(
            f"{name} in a header",
            "the values of headers must be on one line",
            {"headers": {"A": "b \xe9"}},
            headers={"A": text},
        )
    yield http("a header of 4097 characters", "Too long", headers={"A": "b" * 4_097})
    named = 'limitOn429 must be 1 to 63 lower case letters, digits and dashes, such as "shopify-app"'
    yield http("a 429 that closes capitals", named, {"limitOn429": "global"}, limitOn429="App")
    yield http("65 headers", "Too many", headers={f"A{number}": "" for number in range(65)})
