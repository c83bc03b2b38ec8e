"""Ask the health port of a process under test."""

import asyncio
import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.support.site.site import Site


async def probe(
    world: Site, process: asyncio.subprocess.Process, path: str, started: str = "process started"
) -> tuple[int, str]:
    """Status and body. started: the log event after which it can be asked."""
    await world.says(process, started)
    lines = world.logs[process.pid].read_text().splitlines()
    said: list[dict[str, Any]] = [json.loads(line) for line in lines if started in line]
    reader, writer = await asyncio.open_connection("127.0.0.1", said[0]["health_port"])
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    return int(head.split(" ", 2)[1]), body


async def metric(
    world: Site,
    process: asyncio.subprocess.Process,
    name: str,
    *,
    started: str = "process started",
    **labels: str,
) -> float:
    """The value of one series; 0 if there is none yet. started: as for `probe`."""
    _, text = await probe(world, process, "/metrics", started)
    samples = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return sum(one.value for one in samples if one.name == name and one.labels == labels)
