"""Credential plugins: programs that print a token or a client certificate, as kubectl runs them."""

import asyncio
import base64
import contextlib
import os
from datetime import datetime
from pathlib import Path

import msgspec

from taskqueue_operator.access.kubeconfig import Cluster, Plugin

_TIMEOUT_S = 60.0
_MAX_MESSAGE = 300


class PluginError(Exception):
    """A plugin failed, or printed something other than credentials."""


class Printed(msgspec.Struct, frozen=True, rename="camel"):
    """Credentials that a plugin printed; certificate and key are PEM."""

    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: datetime | None = None


class _Credential(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    status: Printed


async def run_plugin(plugin: Plugin, cluster: Cluster) -> Printed:
    """Run a plugin and return its credentials. Raises PluginError."""
    environment = os.environ | {one.name: one.value for one in plugin.env or ()}
    environment["KUBERNETES_EXEC_INFO"] = _request(plugin, cluster)
    output = await _output([plugin.command, *(plugin.args or ())], environment)
    try:
        credential = msgspec.json.decode(output, type=_Credential)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PluginError(f"{plugin.command} must print an ExecCredential ({error})") from error
    if credential.api_version != plugin.api_version:
        raise PluginError(
            f"{plugin.command} must print apiVersion {plugin.api_version} (was {credential.api_version})"
        )
    printed = credential.status
    if not printed.token and not (printed.client_certificate_data and printed.client_key_data):
        raise PluginError(f"{plugin.command} must print a token, or a client certificate with its key")
    return printed


async def _output(command: list[str], environment: dict[str, str]) -> bytes:
    """Return the output of a command. Raises PluginError."""
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
    except (OSError, ValueError) as error:
        raise PluginError(f"{command[0]} must be a program ({error})") from error
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            output, complaint = await process.communicate()
    except TimeoutError as error:
        raise PluginError(f"{command[0]} must end within {_TIMEOUT_S:.0f} s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if process.returncode:
        message = complaint.decode(errors="replace").strip()[:_MAX_MESSAGE]
        raise PluginError(f"{command[0]} must exit with 0 (was {process.returncode}): {message}")
    return output


def _request(plugin: Plugin, cluster: Cluster) -> str:
    """Return the ExecCredential that a plugin gets in its environment."""
    spec: dict[str, object] = {"interactive": False}
    if plugin.provide_cluster_info:
        inline = cluster.certificate_authority_data
        if cluster.certificate_authority and not inline:
            with contextlib.suppress(OSError):
                inline = base64.b64encode(Path(cluster.certificate_authority).read_bytes()).decode()
        shown = msgspec.structs.replace(cluster, certificate_authority="", certificate_authority_data=inline)
        spec["cluster"] = {field: value for field, value in msgspec.to_builtins(shown).items() if value}
    request = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    return msgspec.json.encode(request).decode()
