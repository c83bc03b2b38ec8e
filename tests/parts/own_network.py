"""Addresses of a network namespace of a test's own. Nothing leads out of it."""

import subprocess
from pathlib import Path

BRIDGE = "node0"


def open_network(address: str) -> None:
    """Give the namespace one address beside loopback, with all other addresses behind it, and forward between pods."""
    links = subprocess.run(["ip", "-brief", "link"], check=True, capture_output=True, text=True).stdout
    names = [line.split()[0].partition("@")[0] for line in links.splitlines()]
    assert names == ["lo"], f"a network namespace of its own is needed, and this one has {', '.join(names)}"
    for words in (
        "link set lo up",
        f"link add {BRIDGE} type bridge",
        f"address add {address}/24 dev {BRIDGE}",
        f"link set {BRIDGE} up",
        f"route add default dev {BRIDGE}",  # the kubelet and the API server want one to exist
    ):
        subprocess.run(["ip", *words.split()], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
