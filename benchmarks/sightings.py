"""How long a server takes to find sightings among a million, in SQLite.

Times are the process's own processor time for a page of 50 as the API answers it, in JSON, with the file in
memory; each is the slowest of several different searches.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import insert, select

from plate_ocr.readers.results import Char, plate_of
from plate_ocr.server.store.database import Database
from plate_ocr.server.store.schema import CAMERA, PLATE, SIGHTING
from plate_ocr.server.store.search import PlateIndex, Query, search

SIGHTINGS, PLATES, CAMERAS = 1_000_000, 200_000, 8
START, STEP_S = 1_700_000_000.0, 30.0
DRAWN, CHUNK = 100_000, 10_000
LETTERS = "ABCDEFGHJKLMNPRSTVWXYZ"
LIMITS = {"first page": 0.05, "search": 0.2, "similar": 0.3}
"""Seconds, at most."""


def texts(rng: np.random.Generator, count: int) -> list[str]:
    """Different plates of two letters, three digits and two letters."""
    found = dict[str, None]()
    while len(found) < count:
        letters = rng.choice(list(LETTERS), (count, 4))
        digits = rng.integers(0, 1000, count)
        found |= dict.fromkeys(
            f"{a}{b}{number:03d}{c}{d}" for (a, b, c, d), number in zip(letters, digits, strict=True)
        )
    return list(found)[:count]


def fill(database: Database, sightings: int, plates: int) -> list[str]:
    """Make a database of sightings; returns the texts of plates, the most frequent first."""
    rng = np.random.default_rng(0)
    names = texts(rng, plates)
    with database.write() as connection:
        connection.execute(insert(PLATE), [{"id": i + 1, "text": text} for i, text in enumerate(names)])
        rows = [{"name": f"camera {i}", "kind": "api", "settings": {}} for i in range(CAMERAS)]
        connection.execute(insert(CAMERA), rows)
    for first in range(0, min(DRAWN, sightings), CHUNK):
        # Few plates come often, most rarely.
        chosen = np.minimum(plates - 1, (plates * rng.random(CHUNK) ** 3).astype(int))
        confidences = rng.beta(20, 1, CHUNK)
        values = [
            {
                "uuid": str(UUID(int=first + i + 1)),
                "plate_id": int(key) + 1,
                "camera_id": int(rng.integers(1, CAMERAS + 1)),
                "started": START + STEP_S * (first + i),
                "ended": START + STEP_S * (first + i) + 2,
                "best": START + STEP_S * (first + i) + 1,
                "minute": int(STEP_S * (first + i) // 60) % 1440,
                "frames": 5,
                "confidence": float(confidences[i]),
                "min_confidence": float(confidences[i]) ** 2,
                "reading": reading(names[key], float(confidences[i])),
                "width": 1280,
                "height": 720,
                "origin": "plate-ocr",
                "bytes": 0,
            }
            for i, key in enumerate(chosen)
        ]
        with database.write() as connection:
            connection.execute(insert(SIGHTING), values)
    names_of = [column.name for column in SIGHTING.c if column.name != "id"]
    for first in range(DRAWN, sightings, DRAWN):
        # The same of other plates later: that takes less time.
        changed: dict[str, Any] = {
            "uuid": SIGHTING.c.uuid + f"-{first}",
            "plate_id": (SIGHTING.c.plate_id + first // 7) % plates + 1,
            **{name: SIGHTING.c[name] + STEP_S * first for name in ("started", "ended", "best")},
        }
        columns = [changed.get(name, SIGHTING.c[name]) for name in names_of]
        with database.write() as connection:
            copied = select(*columns).where(SIGHTING.c.id <= DRAWN)
            connection.execute(insert(SIGHTING).from_select(names_of, copied))
    return names


def reading(text: str, confidence: float) -> dict[str, Any]:
    """What was read of a plate."""
    chars = tuple(Char(char, confidence, (("A", 0.01), ("B", 0.01), ("C", 0.01))) for char in text)
    return plate_of(chars, ((100, 100), (200, 100), (200, 130), (100, 130))).to_dict()


def measure(database: Database, names: Sequence[str]) -> dict[str, float]:
    """The slowest of several searches of each kind, seconds."""
    plates = PlateIndex()

    def time_of(query: Query) -> float:
        began = time.process_time()
        with database.read() as connection:
            page = search(connection, query, plates)
        json.dumps([sighting.to_dict() for sighting in page.sightings])
        return time.process_time() - began

    rare, often = names[-1], names[0]
    kinds: dict[str, list[Query]] = {
        "first page": [Query(), Query(camera="camera 3"), Query(min_confidence=0.9), Query(ignored=False)],
        "search": [
            Query(text=rare), Query(text=often), Query(text=f"{rare[:3]}*"), Query(text="*23*A"),
            Query(text=f"*{rare[2:6]}*"), Query(text="?A*"), Query(text="A*"), Query(text="*ZZ"),
            Query(text="NOTTHERE"), Query(text="*NOTTHERE*"), Query(hours="22:00-06:00", text="A*"),
            Query(camera="camera 3", text=f"{often[:4]}*"), Query(corrected=True, camera="camera 1"),
            Query(start=START + 3e6, end=START + 4e6, min_confidence=0.99),
        ],
        "similar": [Query(like=text) for text in (rare, often, "AB123CO", "WWWWWWW", "A1")],
    }  # fmt: skip
    began = time.process_time()
    with database.read() as connection:
        plates.load(connection)
    result = {"loading all plates at the start": time.process_time() - began}
    for kind, queries in kinds.items():
        timed = {repr(query): min(time_of(query) for _ in range(3)) for query in queries}
        slowest = max(timed, key=timed.__getitem__)
        print(f"slowest {kind}: {slowest}", file=sys.stderr)
        result[kind] = timed[slowest]
    return result


def main() -> None:
    """Print times; ends with status 1 where one is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sightings", type=int, default=SIGHTINGS)
    parser.add_argument("--plates", type=int, default=PLATES)
    parser.add_argument("--database", help="SQLite file to keep")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(given.database or Path(folder, "sightings.db"))
        is_new = not path.exists()
        database = Database(f"sqlite:///{path}")
        rng = np.random.default_rng(0)
        names = fill(database, given.sightings, given.plates) if is_new else texts(rng, given.plates)
        print(
            f"{given.sightings:,} sightings of {given.plates:,} plates, {path.stat().st_size / 1e6:,.0f} MB"
        )
        times = measure(database, names)
        database.close()
    for kind, seconds in times.items():
        limit = f", at most {1000 * LIMITS[kind]:.0f}" if kind in LIMITS else ""
        print(f"{kind}: {1000 * seconds:.1f} ms{limit}")
    if any(times[kind] > limit for kind, limit in LIMITS.items()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
