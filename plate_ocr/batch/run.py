"""A whole batch: the parts that are left, whatever engine reads them, and its summary."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TypeAlias

from plate_ocr.batch.manifest import Manifest, part_name
from plate_ocr.batch.part import Counts
from plate_ocr.batch.schema import VERSION
from plate_ocr.batch.storage import AHEAD

Engine: TypeAlias = Callable[[Iterable[str]], Iterator[tuple[str, str | None]]]
"""Reads parts, as :func:`plate_ocr.batch.local.read_parts` does."""

SUMMARY = "summary.json"


def read_batch(
    manifest: Manifest, engine: Engine, on_progress: Callable[[int], None]
) -> tuple[Counts, dict[str, str]]:
    """Read what is left of a batch and write its summary.

    Args:
        manifest: its pictures.
        engine: reads the parts.
        on_progress: called with the number of pictures that have results, first with those of earlier runs.

    Returns:
        What is in the results, and the parts that have none, each with the reason.

    Raises:
        PlateOcrError: if results or pictures cannot be written.
    """
    unread = manifest.unread()
    left, counts, failed = set(unread), Counts(), dict[str, str]()

    def counted(number: int) -> Counts:
        return Counts.of(manifest.folder.path(f"results/{part_name(number)}"))

    with ThreadPoolExecutor(AHEAD) as pool:
        for one in pool.map(counted, (n for n in range(manifest.parts) if n not in left)):
            counts += one
    on_progress(counts.pictures)
    numbers = {manifest.part(number): number for number in unread}
    for part, error in engine(numbers) if numbers else ():
        if error is None:
            counts += counted(numbers[part])
            on_progress(counts.pictures)
        else:
            failed[part] = error
    summary = {
        "version": VERSION,
        "source": manifest.source,
        "settings": asdict(manifest.settings),
        "parts": manifest.parts,
        **asdict(counts),
        "failed_parts": failed,
    }
    manifest.folder.write(SUMMARY, json.dumps(summary, ensure_ascii=False, indent=1).encode())
    return counts, failed
