"""How far batches scale: a simulation of a driver and its workers, by figures that were measured.

``python -m benchmarks.batch_scaling``
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """Seconds, but for the counts.

    Attributes:
        picture: to read one, on one core.
        part: to begin and to end a part: its list, its results.
        dispatch: of the driver for each part.
        list_page: of the storage, to list 1,000 names.
        requests: to the storage for each picture.
        bytes: of a picture.
    """

    picture: float = 0.055
    part: float = 0.2
    dispatch: float = 0.05
    list_page: float = 0.1
    requests: int = 2
    bytes: int = 200_000


def simulate(workers: int, parts: int, part_size: int, costs: Costs) -> float:
    """Seconds from the first dispatch to the last result; a worker has one part and asks for the next.

    The driver dispatches one part after another.
    """
    busy = costs.part + part_size * costs.picture
    free = [0.0] * workers
    driver = 0.0
    for _ in range(parts):
        driver = max(driver + costs.dispatch, free[0])
        heapq.heapreplace(free, driver + busy)
    return max(free)


def main() -> None:
    """Print a table."""
    costs, pictures = Costs(), 10**9
    ideal = costs.picture * pictures
    print("| workers | part size | hours | utilisation | requests per second | GB per second |")
    print("|---|---|---|---|---|---|")
    for workers in (100, 1000, 10_000):
        for part_size in (100, 1000, 10_000):
            # Utilisation is the same in a tenth of the parts of a worker, if there are a hundred.
            parts = min(pictures // part_size, 300 * workers)
            seconds = simulate(workers, parts, part_size, costs) * (pictures / (parts * part_size))
            rate = pictures / seconds
            print(
                f"| {workers:,} | {part_size:,} | {seconds / 3600:,.1f} | {ideal / workers / seconds:.0%} | "
                f"{rate * costs.requests:,.0f} | {rate * costs.bytes / 1e9:.1f} |"
            )
    pages = pictures / 1000
    print(f"listing one name after another: {pages * costs.list_page / 3600:.0f} h")


if __name__ == "__main__":
    main()
