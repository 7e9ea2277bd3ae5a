"""Many pages open on what happens: ``python -m benchmarks.events [--listeners 200] [--minutes 5]``.

A picture is read and kept every 100 ms. Ends with status 1 if a listener misses one, a picture is not
read, or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

import httpx

from benchmarks.server import MAX_GROWTH, Server, serve

PLATE = Path(__file__).parents[1] / "data" / "plate.png"

INTERVAL_S = 0.1

STUCK = 10
"""Listeners that take nothing."""

REQUEST = b"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def listen(port: int, counts: list[int], number: int) -> None:
    """Count the sightings that one listener is told of."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    while line := await reader.readline():
        counts[number] += line.startswith(b"event: sighting")
    writer.close()


async def run(server: Server, listeners: int, minutes: float) -> bool:
    """Measure, and say whether all is well."""
    counts, times, memory = [0] * listeners, list[float](), list[float]()
    tasks = [asyncio.create_task(listen(server.port, counts, number)) for number in range(listeners)]
    stuck = [await asyncio.open_connection("127.0.0.1", server.port, limit=1024) for _ in range(STUCK)]
    for _, writer in stuck:
        writer.write(REQUEST)
    picture, refused = PLATE.read_bytes(), 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        await asyncio.sleep(3)

        async def read() -> None:
            nonlocal refused
            started = time.perf_counter()
            answer = await client.post("/api/v1/read?store=1&input=plate", content=picture)
            times.append(time.perf_counter() - started)
            refused += answer.status_code != 200

        used = server.cpu()
        end, reads = time.monotonic() + 60 * minutes, list[asyncio.Task[None]]()
        warm = time.monotonic() + 6 * minutes
        while (now := time.monotonic()) < end:
            reads.append(asyncio.create_task(read()))
            if now > warm and not memory:
                memory.append(server.memory())
            await asyncio.sleep(INTERVAL_S)
        await asyncio.gather(*reads)
        cpu = server.cpu() - used
        await asyncio.sleep(3)
        memory.append(server.memory())
    for task in tasks:
        task.cancel()
    for _, writer in stuck:
        writer.close()
    return _report(counts, times, memory, refused, cpu)


def _report(
    counts: Sequence[int], times: Sequence[float], memory: Sequence[float], refused: int, cpu: float
) -> bool:
    cuts = quantiles(times, n=20)
    growth = memory[1] / memory[0]
    lost = sum(len(times) - refused - count for count in counts)
    print(f"{len(counts)} listeners and {STUCK} that take nothing, {len(times)} pictures, {refused} refused")
    print(f"a picture is read and kept in {1000 * cuts[9]:.0f} ms, 95 % in {1000 * cuts[18]:.0f} ms")
    print(f"processor time of the server for each picture: {1000 * cpu / len(times):.0f} ms")
    print(f"events lost: {lost} of {len(times) * len(counts)}")
    print(f"memory: {memory[0]:.0f} MB, {growth:.2f} × that at the end")
    return not lost and not refused and growth <= MAX_GROWTH


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    with serve() as server:
        is_well = asyncio.run(run(server, arguments.listeners, arguments.minutes))
    sys.exit(0 if is_well else 1)


if __name__ == "__main__":
    main()
