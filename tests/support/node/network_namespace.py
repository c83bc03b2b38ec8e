"""Addresses of a network namespace of a test's own. Nothing leads out of it."""

import subprocess
from pathlib import Path

BRIDGE = "node0"
RESOLVER = Path("/etc/resolv.conf")


def open_network() -> None:
    """Give the namespace a bridge beside loopback, which the machines' addresses are on, and forward between pods."""
    links = subprocess.run(["ip", "-brief", "link"], check=True, capture_output=True, text=True).stdout
    names = [line.split()[0].partition("@")[0] for line in links.splitlines()]
    assert names == ["lo"], f"a network namespace of its own is needed, and this one has {', '.join(names)}"
    for words in (
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"link set {BRIDGE} up",
        f"route add default dev {BRIDGE}",  # the kubelet and the API server want one to exist
    ):
        _ip(words)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def add_address(address: str) -> None:
    _ip(f"address add {address}/24 dev {BRIDGE}")


def resolve_by(server: str, folder: Path) -> None:
    """Have processes of this mount namespace resolve names as a pod does that has this server of names.

    After `open_network`, which makes sure that the namespaces are a test's own. folder: where the settings are kept.
    """
    settings = folder / "resolv.conf"
    settings.write_text(f"nameserver {server}\nsearch svc.cluster.local cluster.local\noptions ndots:5\n")
    read = RESOLVER.resolve()
    if read.is_relative_to(
        "/run"
    ):  # where a system service has it; tools/e2e.py has put an empty folder there
        read.parent.mkdir(parents=True, exist_ok=True)
        read.touch()
    subprocess.run(["mount", "--bind", settings, read], check=True)


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)
