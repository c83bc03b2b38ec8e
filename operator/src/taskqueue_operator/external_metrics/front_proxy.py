"""The caller of a request: the API server presents its front-proxy certificate and names the user in headers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPMethod
from typing import Any
from urllib.parse import unquote

import msgspec

from taskqueue.models.nesting import cut
from taskqueue_operator.connection import Connection

_PATH = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"


@dataclass(frozen=True, slots=True)
class Caller:
    """A user as the API server authenticated it; hashable, as a key of remembered permissions."""

    user: str
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class FrontProxy:
    """The trusted front proxy.

    authorities: PEM; empty: trust no client. names: allowed common names of its certificate; empty: any. The other
    fields: lower-case names and prefixes of headers.
    """

    authorities: str = ""
    names: tuple[str, ...] = ()
    user_headers: tuple[str, ...] = ("x-remote-user",)
    group_headers: tuple[str, ...] = ("x-remote-group",)
    extra_prefixes: tuple[str, ...] = ("x-remote-extra-",)

    @classmethod
    def read(cls, data: Mapping[str, str]) -> "FrontProxy":
        """Decode the data of the ConfigMap. Raises msgspec.DecodeError."""

        def words(name: str) -> tuple[str, ...]:
            return msgspec.json.decode(
                cut((data.get(f"requestheader-{name}") or "[]").encode()), type=tuple[str, ...]
            )

        def headers(name: str) -> tuple[str, ...]:
            return tuple(word.lower() for word in words(name))

        return cls(
            data.get("requestheader-client-ca-file", ""),
            words("allowed-names"),
            headers("username-headers"),
            headers("group-headers"),
            headers("extra-headers-prefix"),
        )

    def vouches(self, certificate: Mapping[str, Any] | None) -> bool:
        """Tell whether a certificate, which TLS has verified, belongs to the front proxy."""
        if not certificate:
            return False
        names = {value for part in certificate["subject"] for field, value in part if field == "commonName"}
        return not self.names or bool(names & set(self.names))

    def caller(self, headers: Iterable[tuple[str, str]]) -> Caller | None:
        """Return the user named in the headers; None if there is no user."""
        users, groups, extra = list[str](), list[str](), dict[str, list[str]]()
        for given, value in headers:
            name = given.lower()
            if name in self.user_headers:
                users.append(value)
            elif name in self.group_headers:
                groups.append(value)
            for prefix in self.extra_prefixes:
                if name.startswith(prefix):
                    extra.setdefault(unquote(name.removeprefix(prefix)), []).append(value)
        if not users or not users[0]:
            return None
        return Caller(
            users[0], tuple(groups), tuple((key, tuple(many)) for key, many in sorted(extra.items()))
        )


class _ConfigMap(msgspec.Struct):
    data: dict[str, str] = {}


async def read_front_proxy(connection: Connection) -> FrontProxy:
    """Read the trusted front proxy from the cluster. Raises API_ERRORS."""
    found = await connection.call(HTTPMethod.GET, _PATH)
    return FrontProxy.read(msgspec.json.decode(found, type=_ConfigMap).data)
