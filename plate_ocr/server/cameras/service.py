"""Watches the cameras: a thread each, which never ends by itself, and what is known of their state."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import tzinfo
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Literal, TypeAlias

from plate_ocr.errors import ImageError, PlateOcrError
from plate_ocr.readers.auto import PlateReader, rotated
from plate_ocr.readers.results import Reading
from plate_ocr.server.cameras.config import FILE, Camera, load_cameras, local_now, save_cameras
from plate_ocr.server.cameras.keeper import Keep, Keeper, keep_until
from plate_ocr.server.cameras.sources import POLL_S, Uploads, snapshots
from plate_ocr.server.snapshots import crop_of, sightings_of, to_jpeg
from plate_ocr.server.store.sightings import NewSighting
from plate_ocr.video.capture import FIRST_RETRY_S, MAX_RETRY_S, Frame, without_password
from plate_ocr.video.vehicle import VehicleTrack
from plate_ocr.video.watcher import watch, watch_frames
from plate_ocr.vision import drawing
from plate_ocr.vision.images import Image, read_image

LOGGER = logging.getLogger(__name__)

SILENT_S = 5.0
"""A camera that gave no picture for so long is lost; a snapshot address: for as many of its intervals."""

QUALITY = 85
"""Of JPEG files of the last picture."""

CHECK_S = 1.0
"""How often it is checked whether a camera is to be watched now, seconds."""

State: TypeAlias = Literal["off", "connecting", "watching", "lost"]
"""Not to be watched now; no picture came yet; pictures come, or files are waited for; they came no longer."""


@dataclass
class _Status:
    """What is known of a camera.

    Attributes:
        pictures: number of those that were looked at.
        vehicles: number of those that were seen.
        picture_at: when the last picture came, seconds since 1970.
        last_text: of the last vehicle.
        error: why it could not be watched, as long as that lasts.
    """

    pictures: int = 0
    vehicles: int = 0
    picture_at: float | None = None
    last_text: str | None = None
    error: str | None = None


class WatchedCamera:
    """A camera and the thread that watches it.

    Args:
        camera: its settings.
        reader: reads its pictures.
        keep: keeps what is seen.
        zone: of its hours; None: the system's.
    """

    def __init__(self, camera: Camera, reader: PlateReader, keep: Keep, zone: tzinfo | None) -> None:
        self.camera, self._reader, self._keep, self._zone = camera, reader, keep, zone
        self._region = camera.region[0] if len(camera.region) == 1 else None
        self._status = _Status()
        self._stop, self._pause = Event(), Event()
        # By a clock that nobody sets.
        self._picture_seen: float | None = None
        self._latest: Image | None = None
        self._encoding = Lock()
        self._encoded: tuple[Image, bytes] | None = None
        self._thread = Thread(target=self._run, name=f"camera {camera.name}", daemon=True)

    def start(self) -> None:
        """Watch it, unless its pictures are pushed."""
        if self.camera.kind != "push":
            self._thread.start()

    def stop(self) -> None:
        """No longer watch it."""
        self._stop.set()
        self._pause.set()

    def join(self, timeout: float) -> None:
        """Wait until it is no longer watched."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @property
    def state(self) -> State:
        """Of it, now."""
        if not self.camera.is_active(local_now(self._zone)):
            return "off"
        error, seen = self._status.error, self._picture_seen
        if self.camera.kind in ("folder", "push"):
            return "lost" if error else "watching"
        silent = max(SILENT_S, SILENT_S * self.camera.interval if self.camera.kind == "snapshot" else 0)
        if seen is None:
            return "lost" if error else "connecting"
        return "lost" if time.monotonic() - seen > silent else "watching"

    @property
    def error(self) -> str | None:
        """Why it could not be watched, as long as that lasts."""
        return self._status.error

    @property
    def latest(self) -> Image | None:
        """The last picture, turned as it is read; None: there was none yet."""
        return self._latest

    def latest_jpeg(self) -> bytes | None:
        """The last picture as a JPEG file, the same one for all who ask; None: there was none yet."""
        with self._encoding:
            picture, encoded = self._latest, self._encoded
            if picture is not None and (encoded is None or encoded[0] is not picture):
                self._encoded = encoded = picture, drawing.to_jpeg(picture, QUALITY)
        return encoded and encoded[1]

    def to_dict(self) -> dict[str, Any]:
        """Settings and state for JSON, without a password."""
        values = self.camera.model_dump(mode="json")
        values["source"] = without_password(self.camera.source)
        return {**values, "state": self.state, **asdict(self._status)}

    def push(self, picture: Image) -> Reading:
        """Read a picture that came now, and keep what it shows.

        Raises:
            ImageError: if a box of the camera lies outside of it.
            StoreError: if it cannot be kept.
        """
        reading = self._reader(picture)
        self._saw_picture(picture)
        for new in self._sightings(reading, time.time()):
            self._keep(new)
            self._saw(new)
        return reading

    def _sightings(self, reading: Reading, at: float) -> list[NewSighting]:
        """Those of the last picture, taken at this time."""
        return sightings_of(reading, self._latest, camera=self.camera.name, at=at, region=self._region)

    def _run(self) -> None:
        keeper = Keeper(self._keep, self._stop)
        try:
            self._watch_again(keeper)
        finally:
            keeper.close()

    def _watch_again(self, keeper: Keeper) -> None:
        wait = FIRST_RETRY_S
        while not self._stop.is_set():
            if not self.camera.is_active(local_now(self._zone)):
                self._stop.wait(CHECK_S)
                continue
            self._pause.clear()
            pictures = self._status.pictures
            Thread(target=self._pause_when_off, args=(self._pause,), daemon=True).start()
            try:
                self._watch(keeper)
            except PlateOcrError as error:
                self._fail(str(error))
            except Exception:  # it is tried again, whatever it was
                LOGGER.exception("camera %s", self.camera.name)
                self._fail("it failed; the server's log says why")
            finally:
                self._pause.set()
            wait = FIRST_RETRY_S if self._status.pictures > pictures else min(2 * wait, MAX_RETRY_S)
            self._stop.wait(wait)

    def _pause_when_off(self, pause: Event) -> None:
        while not pause.wait(CHECK_S):
            if self._stop.is_set() or not self.camera.is_active(local_now(self._zone)):
                pause.set()

    def _watch(self, keeper: Keeper) -> None:
        if self.camera.kind == "folder":
            self._watch_folder()
            return
        for one in self._tracks():
            if isinstance(one, VehicleTrack):
                self._saw_track(one, keeper)

    def _tracks(self) -> Iterator[VehicleTrack | Reading]:
        camera, reader = self.camera, self._reader
        if camera.kind == "snapshot":
            frames = self._noticed(snapshots(camera, self._pause, self._fail))
            return watch_frames(camera.source, frames, reader, on=camera.on)
        return watch(camera.source, reader, self._tell, on=camera.on, show=self._show, stop=self._pause)

    def _watch_folder(self) -> None:
        uploads = Uploads(self.camera)
        while not self._pause.wait(POLL_S):
            for path in uploads.settled():
                if self._pause.is_set():
                    return
                try:
                    at = path.stat().st_mtime
                    picture = read_image(path)
                    reading = self._reader(picture)
                except (ImageError, OSError) as error:
                    LOGGER.warning("camera %s: %s", self.camera.name, error)
                    uploads.finish(path, failed=True)
                    continue
                self._saw_picture(picture)
                for new in self._sightings(reading, at):
                    # The file stays until that is done.
                    if not keep_until(self._keep, new, self._pause):
                        return
                    self._saw(new)
                uploads.finish(path)
            self._status.error = None

    def _noticed(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        for frame in frames:
            if frame is not None:
                self._saw_picture(frame.picture)
            yield frame

    def _show(self, frame: Frame, reading: Reading) -> bool:
        # What is shown is turned already.
        self._noticed_at(frame.picture)
        return True

    def _saw_picture(self, picture: Image) -> None:
        self._noticed_at(rotated(self._reader, picture))

    def _noticed_at(self, picture: Image) -> None:
        self._status.pictures += 1
        self._picture_seen = time.monotonic()
        self._status.picture_at, self._status.error, self._latest = time.time(), None, picture

    def _saw_track(self, track: VehicleTrack, keeper: Keeper) -> None:
        zero = track.zero.timestamp() if track.zero else time.time() - track.end
        started, ended, best = (zero + at for at in (track.start, track.end, track.best_time))
        picture = track.picture
        new = NewSighting(
            track.plate,
            (track.reading.width, track.reading.height),
            self.camera.name,
            started,
            ended,
            best,
            track.frames,
            crop=None if picture is None else crop_of(picture, track.plate.corners),
            scene=None if picture is None else to_jpeg(picture),
            region=self._region,
            direction=track.direction,
        )
        self._saw(new)
        keeper.put(new)

    def _saw(self, new: NewSighting) -> None:
        self._status.vehicles += 1
        self._status.last_text = new.plate.text

    def _fail(self, error: str) -> None:
        if self._status.error is None:
            LOGGER.warning("camera %s: %s", self.camera.name, error)
        self._status.error = error

    def _tell(self, message: str) -> None:
        if "lost" in message:
            self._fail(message)


class CameraService:
    """All cameras.

    Args:
        data: the data folder, whose file ``cameras.toml`` has them.
        reader: for photos, one thread; those of the cameras share its networks.
        keep: keeps what is seen.
        zone: of hours; None: the system's.

    Safe to call from several threads.
    """

    def __init__(self, data: Path, reader: PlateReader, keep: Keep, zone: tzinfo | None = None) -> None:
        self._path, self._reader, self._keep, self._zone = data / FILE, reader, keep, zone
        self._lock = Lock()
        self._cameras: dict[str, WatchedCamera] = {}

    def start(self) -> None:
        """Watch the cameras of the file.

        Raises:
            DataError: if a setting in it is wrong.
        """
        for camera in load_cameras(self._path):
            self._cameras[camera.name] = self._watched(camera)
        for watched in self._cameras.values():
            watched.start()

    def close(self) -> None:
        """No longer watch any."""
        for watched in self._cameras.values():
            watched.stop()
        for watched in self._cameras.values():
            watched.join(SILENT_S)
        self._cameras = {}

    @property
    def all(self) -> tuple[WatchedCamera, ...]:
        """All of them."""
        return tuple(self._cameras.values())

    def get(self, name: str) -> WatchedCamera | None:
        """One of them."""
        return self._cameras.get(name)

    def put(self, camera: Camera) -> WatchedCamera:
        """Add or change a camera. A password that is left out, as ``***``, stays.

        Raises:
            OutputError: if it cannot be kept.
        """
        with self._lock:
            old = self._cameras.get(camera.name)
            if old and camera.source == without_password(old.camera.source):
                camera = camera.model_copy(update={"source": old.camera.source})
            watched = self._watched(camera)
            self._save({**self._cameras, camera.name: watched})
            if old:
                old.stop()
            watched.start()
        return watched

    def delete(self, name: str) -> bool:
        """Delete a camera; whether there was one.

        Raises:
            OutputError: if that cannot be kept.
        """
        with self._lock:
            if (old := self._cameras.get(name)) is None:
                return False
            self._save({key: value for key, value in self._cameras.items() if key != name})
            old.stop()
        return True

    def _save(self, cameras: dict[str, WatchedCamera]) -> None:
        save_cameras(self._path, tuple(watched.camera for watched in cameras.values()))
        self._cameras = cameras

    def _watched(self, camera: Camera) -> WatchedCamera:
        settings = {key: value for key, value in camera.reader_settings().items() if value is not None}
        return WatchedCamera(camera, self._reader.with_settings(**settings), self._keep, self._zone)
