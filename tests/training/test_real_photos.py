"""Training detectors on photos, from labels to a model and what it gained."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from plate_ocr.app.detections import detections_page
from plate_ocr.errors import DataError
from plate_ocr.metrics import SearchedPhoto
from plate_ocr.model.cards import DetectorCard
from plate_ocr.model.sessions import Detector
from plate_ocr.networks.export import save_model
from plate_ocr.networks.weights import load_detector_weights
from plate_ocr.rendering.shards import Rendering, SceneShard, render_scenes
from plate_ocr.training.detector.config import DetectorRunConfig
from plate_ocr.training.detector.data import SceneBatches
from plate_ocr.training.detector.dataset import (
    MixedScenes,
    RealPhoto,
    photo_targets,
    random_crop,
    read_real_photos,
)
from plate_ocr.training.detector.evaluate import evaluate_on_photos, photo_metrics
from plate_ocr.training.detector.loss import PlatePeaks
from plate_ocr.training.rendered.data import SameShard
from plate_ocr.vision.drawing import BLUE, GREEN, RED
from tests.app.conftest import Run, run  # noqa: F401
from tests.conftest import new_detector_network
from tests.training.runs import check_kept

COLUMNS = "image_path,plate_text,x,y,w,h,x1,y1,x2,y2,x3,y3,x4,y4\n"
PLATE = np.array([[60, 40], [160, 50], [158, 80], [58, 70]], np.float64)
SMALL = DetectorCard(
    longest=96, channels=(16, 16, 32, 32, 32), features=32, training={"drawn": 3, "rendered": 3}
)


def white_plate() -> RealPhoto:
    """A white plate on black."""
    picture = np.zeros((150, 240), np.uint8)
    cv2.fillPoly(picture, [PLATE.astype(np.int32)], 255)
    return RealPhoto(Path("a.png"), picture, PLATE[None], np.array([True]))


def write_scenes(folder: Path, count: int) -> Path:
    """Rendered scenes as photos: corners of the first half, boxes of the others."""
    folder.mkdir()
    scenes = render_scenes(Rendering(regions=("us",), seed=7), 0, count)
    lines = []
    for i, (image, points) in enumerate(zip(scenes.images, scenes.points, strict=True)):
        cv2.imwrite(str(folder / f"{i}.png"), image)
        plates = (points * image.shape[::-1]).reshape(-1, 4, 2)
        for plate in plates[np.isfinite(plates).all((1, 2))]:
            low, size = plate.min(0), np.ptp(plate, 0)
            box, corners = [*low, *size], plate.ravel()
            values = [""] * 4 + [f"{v:.1f}" for v in corners] if i < count / 2 else [f"{v:.1f}" for v in box]
            lines.append(f"{i}.png,,{','.join(values)}\n")
    (folder / "photos.csv").write_text(COLUMNS + "".join(lines), encoding="utf-8")
    return folder / "photos.csv"


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few scenes of everything."""
    monkeypatch.setattr(DetectorRunConfig, "SHARD", 8)
    monkeypatch.setattr(DetectorRunConfig, "VAL", 4)
    monkeypatch.setattr(DetectorRunConfig, "TEST_WITH_DATA", 6)
    monkeypatch.delenv("PLATE_OCR_DATA", raising=False)


@pytest.mark.slow
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("partial", [False, True])
def test_a_training_on_own_photos_tells_what_it_gained(
    run: Run,  # noqa: F811
    tmp_path: Path,
    partial: bool,
) -> None:
    save_model(new_detector_network(SMALL), SMALL, tmp_path / "base" / "model")
    table, out = write_scenes(tmp_path / "own", 8), tmp_path / "mine"
    given = ["--epochs", 1, "--samples-per-epoch", 8, "--batch-size", 4, "--device", "cpu", "--region", "us"]
    given += ["--partial"] if partial else []
    command = ["train", table, "--model", "detector", "--weights", tmp_path / "base", "-o", out]
    code, said, err = run(*command, *given)
    assert (code, said) == (0, f"{out}\n")
    assert "fewer than 40 photos: none is kept for a test" in err
    metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    real = metrics["real"]
    assert (real["part"], real["before"]["plates"]) == ("validation part", real["after"]["plates"])
    assert (real["after"]["precision"] is None) == partial
    assert metrics["before"]["plates"] == metrics["plates"]
    page = (out / "card.md").read_text(encoding="utf-8")
    assert "Trained on rendered scenes and photos:" in page
    assert "| own photos, validation part |" in page
    assert "photos with mistakes" in (out / "mistakes.html").read_text(encoding="utf-8")
    card = Detector(out).card
    assert card.training["real"] > 0
    assert "own photos, validation part, recall" in card.accuracy
    old, new = (load_detector_weights(folder)[1].state_dict() for folder in (tmp_path / "base", out))
    check_kept(0.3, old, new, out, "output.bias")


@pytest.mark.parametrize(("partial", "extra"), [(False, 1), (True, 0)])
def test_missed_and_extra_plates_are_drawn(tmp_path: Path, partial: bool, extra: int) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((300, 1440), 255, np.uint8))
    right_of, below = np.array([300, 0]), np.array([600, 100])
    plates, found = np.stack([PLATE, PLATE + right_of]), np.stack([PLATE + 2, PLATE + below])
    wrong = SearchedPhoto(str(tmp_path / "a.png"), plates, found, [0, None], partial)
    right = SearchedPhoto("nowhere.png", plates, plates, [0, 1], partial)
    page = detections_page([right, wrong])
    assert "1 of 2 photos with mistakes" in page
    assert page.count("<img") == 1
    assert f"<td>2<td>1<td>{extra}" in page
    (shown,) = re.findall(r"base64,([^\"]+)", page)
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(shown), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (150, 720, 3)
    for plate, color in ((found[0], GREEN), (plates[1], RED), *[(found[1], BLUE)] * extra):
        x, y = np.rint(plate[0] / 2).astype(int)
        assert tuple(picture[y, x]) == color
    photo = RealPhoto(Path("a.png"), np.empty(0, np.uint8), plates, np.array([True, False]))
    metrics = photo_metrics([wrong], [photo])
    assert (metrics.true_positives, metrics.false_positives, metrics.false_negatives) == (1, extra, 1)
    assert metrics.corner_error == pytest.approx(np.hypot(2, 2) / np.linalg.norm(PLATE[1] - PLATE[0]))


def test_a_crop_shows_the_plate_where_its_corners_are(rng: np.random.Generator) -> None:
    seen = 0
    for _ in range(60):
        view, (corners,) = random_crop(white_plate(), rng, 96, 160)
        assert view.shape == (96, 160)
        if not np.isfinite(corners).all():
            continue
        seen += 1
        inside = cv2.fillPoly(np.zeros((96, 160), np.uint8), [np.rint(corners).astype(np.int32)], 255)
        both = (inside > 0) & (view > 127)
        assert both.sum() > 0.75 * ((inside > 0) | (view > 127)).sum()
    assert seen > 20


def test_what_is_cut_off_or_not_there_is_no_plate(rng: np.random.Generator) -> None:
    photo = dataclasses.replace(
        white_plate(), corners=np.stack([PLATE, PLATE + 1000]), exact=np.array([1, 1], bool)
    )
    far = sum(np.isfinite(random_crop(photo, rng, 96, 160)[1]).all((1, 2)).all() for _ in range(20))
    assert far == 0
    none = dataclasses.replace(white_plate(), corners=np.empty((0, 4, 2)), exact=np.empty(0, bool))
    assert random_crop(none, rng, 96, 160)[1].shape == (0, 4, 2)


def test_boxes_teach_no_corners_and_unlabelled_parts_nothing() -> None:
    corners = torch.tensor(np.stack([PLATE, np.add(PLATE, (0, 60))])[None] / 2, dtype=torch.float32)
    exact = [np.array([True, False])]
    full, partial = (photo_targets(corners, exact, 96, 160, some) for some in (False, True))
    assert (full[0, 0] == 1).sum() == (partial[0, 0] == 1).sum() == 2
    rows = full[0, 1].nonzero()[:, 0]
    assert len(rows)
    assert rows.max() * 8 < 60 / 2 + 30  # of the upper plate alone
    assert (full[0, 0] >= 0).all()
    assert (partial[0, 0] == -1).any()
    output = torch.zeros(1, 9, 12, 20, requires_grad=True)
    PlatePeaks().loss(output, partial, 0).backward()  # type: ignore[no-untyped-call]
    assert output.grad is not None
    assert (output.grad[0, 0][partial[0, 0] < 0] == 0).all()
    assert (output.grad[0, 0][partial[0, 0] == 1] != 0).all()


def test_a_batch_is_the_same_for_a_step_each_time() -> None:
    scenes = render_scenes(Rendering(regions=("us",)), 0, 2)
    batches = MixedScenes(
        SceneBatches(SameShard[SceneShard](scenes), 0, 2, 1), [white_plate()], 3, partial=False
    )
    stream = batches(0)
    for step in range(3):
        pictures, targets = next(stream)
        again = next(iter(batches(step)))
        assert len(pictures) == len(targets) == 5
        assert torch.equal(pictures, again[0])
        assert torch.equal(targets, again[1])


def test_photos_with_a_plate_in_common_stay_together(tmp_path: Path) -> None:
    lines = [f"{i}.png,AB{i // 2},5,5,40,12" + "," * 8 for i in range(90)]
    for i in range(90):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((40, 60), i, np.uint8))
    (tmp_path / "a.csv").write_text(COLUMNS + "\n".join([*lines, "88.png," + "," * 12]) + "\n")
    real = read_real_photos(DetectorRunConfig.new(data=(str(tmp_path / "a.csv"),)))
    parts = [
        {int(photo.path.stem) // 2 for photo in part} for part in (real.train, real.validation, real.test)
    ]
    assert [len(part) for part in parts] == [31, 7, 7]
    assert len(set.union(*parts)) == 45


@pytest.mark.parametrize("rows", ["a.png,AB1\nb.png,AB2\n", "a.png,AB1\n", "no.png,\nno2.png,\n"])
def test_photos_without_places_are_refused(tmp_path: Path, rows: str) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((40, 60), np.uint8))
    (tmp_path / "a.csv").write_text("image_path,plate_text\n" + rows)
    with pytest.raises(
        DataError, match=r"at least two photos must say where a plate is, in the columns x,y,w,h"
    ):
        read_real_photos(DetectorRunConfig.new(data=(str(tmp_path / "a.csv"),)))


def test_plates_in_photos_are_found_by_their_boxes() -> None:
    class Says(torch.nn.Module):
        """Finds one plate, a little off, and one that is not labelled."""

        def __init__(self) -> None:
            super().__init__()
            self.any = torch.nn.Parameter(torch.zeros(1))

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            """The answer."""
            plates = torch.tensor(np.stack([PLATE * 2 + 2, PLATE * 2 + (0, 120)])[None], dtype=torch.float32)
            height, width = pictures.shape[2:]
            target = photo_targets(plates, [np.array([True, True])], height, width, partial=False)
            return torch.cat([torch.where(target[:, :1] == 1, 9.0, -9.0), target[:, 2:]], 1)

    photo = white_plate()
    card = SimpleNamespace(longest=480, min_score=0.3)
    for partial in (False, True):
        found = evaluate_on_photos(Says(), card, [photo], partial=partial)  # type: ignore[arg-type]
        assert (found.true_positives, found.false_positives, found.false_negatives) == (1, 1 - partial, 0)
        assert found.corner_error == pytest.approx(np.sqrt(2) / np.hypot(100, 10), rel=0.01)
