"""``plate-ocr serve backup`` and ``restore``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from plate_ocr.app.console import needs_extra

if TYPE_CHECKING:
    from plate_ocr.server.settings import Settings


class Action(StrEnum):
    """What is done instead of serving."""

    backup = "backup"
    restore = "restore"


def back_up_or_restore(settings: Settings, action: Action, file: Path) -> None:
    """Back up or restore a data folder.

    Raises:
        PlateOcrError: if that is not possible.
    """
    with needs_extra("server", "plate-ocr serve"):
        from plate_ocr.server.access import FILE as ACCOUNTS
        from plate_ocr.server.access import prepare_data_folder
        from plate_ocr.server.cameras.config import FILE as CAMERAS
        from plate_ocr.server.opening import back_up, restore_backup

    prepare_data_folder(settings.data)
    if action is Action.backup:
        back_up(settings, (ACCOUNTS, CAMERAS), file)
        print(file)
    else:
        print(f"{restore_backup(settings, file):,} sightings")
