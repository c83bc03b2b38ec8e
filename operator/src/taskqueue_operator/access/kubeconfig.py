"""Kubeconfig files and a pod's service account as values: one cluster, one user.

Supported are client certificates, tokens, token files, credential plugins (`exec`) and passwords. An auth
provider and impersonation, which change the identity too, are refused instead of ignored.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import yaml

PLUGIN_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_Entry = TypeVar("_Entry", bound=msgspec.Struct)
_SCHEMES = ("http", "https")


class KubeconfigError(Exception):
    """The configuration names no API server, or asks for something that is not supported."""


class Cluster(msgspec.Struct, frozen=True, rename="kebab"):
    """One entry of `clusters`; paths are absolute."""

    server: str
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""


class Variable(msgspec.Struct, frozen=True):
    """An environment variable of a credential plugin."""

    name: str
    value: str


class Plugin(msgspec.Struct, frozen=True, rename="camel"):
    """A credential plugin: `exec` of a user."""

    api_version: str
    command: str
    args: list[str] | None = None
    env: list[Variable] | None = None
    interactive_mode: str = "IfAvailable"
    provide_cluster_info: bool = False


class User(msgspec.Struct, frozen=True, rename="kebab"):
    """One entry of `users`; paths are absolute."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = msgspec.field(name="tokenFile", default="")
    username: str = ""
    password: str = ""
    plugin: Plugin | None = msgspec.field(name="exec", default=None)
    auth_provider: Any = None
    impersonated: Any = msgspec.field(name="as", default=None)


class _Context(msgspec.Struct, frozen=True):
    cluster: str
    user: str = ""


class _NamedCluster(msgspec.Struct, frozen=True):
    name: str
    cluster: Cluster


class _NamedUser(msgspec.Struct, frozen=True):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct, frozen=True):
    name: str
    context: _Context


class _File(msgspec.Struct, frozen=True, rename="kebab"):
    current_context: str = ""
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


def read_kubeconfig(paths: Sequence[Path]) -> tuple[Cluster, User]:
    """Return the cluster and the user of the current context; of several files the first that has an entry counts.

    Raises KubeconfigError.
    """
    files = [(path, _read(path)) for path in paths]
    current = next((file.current_context for _, file in files if file.current_context), "")
    contexts = {one.name: one.context for _, file in reversed(files) for one in file.contexts or ()}
    clusters = {
        one.name: _located(one.cluster, path, "certificate_authority")
        for path, file in reversed(files)
        for one in file.clusters or ()
    }
    users = {
        one.name: _located_user(one.user or User(), path)
        for path, file in reversed(files)
        for one in file.users or ()
    }
    context = _named(f"current-context of {', '.join(map(str, paths))}", current, contexts)
    cluster = _named(f"cluster of the context {current}", context.cluster, clusters)
    user = _named(f"user of the context {current}", context.user, users) if context.user else User()
    _check(cluster, user)
    return cluster, user


def read_service_account(folder: Path) -> tuple[Cluster, User]:
    """Return the cluster of this pod, and its service account from a folder. Raises KubeconfigError."""
    host, port = (_variable(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return (
        Cluster(server, certificate_authority=str(folder / "ca.crt")),
        User(token_file=str(folder / "token")),
    )


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise KubeconfigError(f"{name} must be set, as Kubernetes does in every pod (was empty)")


def _read(path: Path) -> _File:
    try:
        with path.open() as stream:  # of a stream, unlike a text, errors quote no line: it may hold a token
            return msgspec.convert(yaml.safe_load(stream) or {}, _File)
    except (OSError, ValueError, RecursionError, yaml.YAMLError, msgspec.MsgspecError) as error:
        raise KubeconfigError(f"{path} must be a kubeconfig ({type(error).__name__}: {error})") from error


def _located(entry: _Entry, path: Path, *fields: str) -> _Entry:
    """Resolve paths that are relative to their kubeconfig."""
    folder = path.absolute().parent
    return msgspec.structs.replace(
        entry, **{name: str(folder / value) for name in fields if (value := getattr(entry, name))}
    )


def _located_user(user: User, path: Path) -> User:
    plugin = user.plugin
    if plugin and "/" in plugin.command:  # else PATH names it
        plugin = _located(plugin, path, "command")
    user = msgspec.structs.replace(user, plugin=plugin)
    return _located(user, path, "client_certificate", "client_key", "token_file")


def _named(field: str, name: str, entries: Mapping[str, _Entry]) -> _Entry:
    """Return the entry of a name. Raises KubeconfigError."""
    if name in entries:
        return entries[name]
    raise KubeconfigError(f"{field} must be one of {sorted(entries)} (was {name!r})")


def _check_url(name: str, url: str) -> None:
    """Raise KubeconfigError unless a URL is absolute."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise KubeconfigError(f"{name} must be an http or https URL (was {url!r})")


def _check(cluster: Cluster, user: User) -> None:
    """Raise KubeconfigError for a form that is not supported."""
    _check_url("server", cluster.server)
    if cluster.proxy_url:
        _check_url("proxy-url", cluster.proxy_url)
    if user.impersonated is not None:
        raise KubeconfigError(f"as must be absent (was {user.impersonated}): give the user's own credentials")
    if user.auth_provider is not None:
        raise KubeconfigError("auth-provider must be absent: use a credential plugin, `exec`")
    plugin = user.plugin
    if plugin and plugin.api_version not in PLUGIN_VERSIONS:
        raise KubeconfigError(
            f"apiVersion of exec must be one of {PLUGIN_VERSIONS} (was {plugin.api_version})"
        )
    if plugin and plugin.interactive_mode == "Always":
        raise KubeconfigError(
            "interactiveMode of exec must be Never or IfAvailable (was Always): the operator has no terminal"
        )
