"""Either the old file or the new one, never a part."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from plate_ocr.errors import OutputError
from plate_ocr.files import write_whole


def full_disk(path: Path) -> None:
    """Writes half a file, then the disk is full."""
    path.write_bytes(b"ne")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    return path


def test_the_new_content_replaces_the_old(old: Path) -> None:
    write_whole(old, b"new")
    assert old.read_bytes() == b"new"
    write_whole(old, lambda temporary: temporary.write_text("newer"))
    assert old.read_bytes() == b"newer"
    assert os.listdir(old.parent) == [old.name]


def test_a_link_stays_and_the_file_at_its_end_is_written(old: Path) -> None:
    link = old.with_name("link.onnx")
    link.symlink_to(old.name)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert old.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for path, what in ((pipe, "a device or a pipe, not a file"), (folder, "a folder")):
        with pytest.raises(OutputError, match=f"cannot write {path}: it is {what}"):
            write_whole(path, b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(folder) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "车牌.json", b"{}")
    assert (tmp_path / "a" / "b" / "车牌.json").read_bytes() == b"{}"


def test_a_name_may_be_as_long_as_names_are(tmp_path: Path) -> None:
    for name in ("x" * 251 + ".csv", "车" * 83 + ".csv"):
        write_whole(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new"


def test_the_function_is_given_a_name_that_ends_alike(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(path: Path) -> None:
        seen.append(path)
        path.write_bytes(b"png")

    write_whole(tmp_path / "curves.png", write)
    assert seen[0].suffix == ".png"
    assert seen[0] != tmp_path / "curves.png"
    assert seen[0].parent == tmp_path


def test_until_the_end_the_old_file_is_whole(old: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(b"new, unfinished")
        assert old.read_bytes() == b"old"

    write_whole(old, write)
    assert old.read_bytes() == b"new, unfinished"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_others_may_read_the_file_as_far_as_the_umask_allows(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def break_writing(monkeypatch: pytest.MonkeyPatch) -> bytes:
    def write_bytes(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    return b"new"


def break_syncing(monkeypatch: pytest.MonkeyPatch) -> bytes:
    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    return b"new"


def break_renaming(monkeypatch: pytest.MonkeyPatch) -> bytes:
    def replace(*_: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(os, "replace", replace)
    return b"new"


@pytest.mark.parametrize("break_it", [break_writing, break_syncing, break_renaming])
def test_when_the_disk_is_full_the_old_file_stays_whole(
    break_it: Callable[[pytest.MonkeyPatch], bytes], old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = break_it(monkeypatch)
    with pytest.raises(OutputError, match=r"model\.onnx.*No space left"):
        write_whole(old, data)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == [old.name]


def test_when_a_functions_disk_is_full_the_old_file_stays_whole(old: Path) -> None:
    with pytest.raises(OutputError, match=r"model\.onnx.*No space left"):
        write_whole(old, full_disk)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_stops_it_no_temporary_file_is_left(error: type[BaseException], old: Path) -> None:
    def stop(temporary: Path) -> None:
        temporary.write_bytes(b"ne")
        raise error

    with pytest.raises(error):
        write_whole(old, stop)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_named(old: Path) -> None:
    old.parent.chmod(0o500)
    try:
        with pytest.raises(OutputError, match=r"model\.onnx.*Permission denied"):
            write_whole(old, b"new")
    finally:
        old.parent.chmod(0o700)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == [old.name]


def test_where_a_file_stands_for_the_folder_nothing_is_written(old: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_whole(old / "model.onnx", b"new")
    assert old.read_bytes() == b"old"


def test_a_folder_of_the_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model.onnx" / "inside").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"cannot write .*model\.onnx"):
        write_whole(tmp_path / "model.onnx", b"new")
    assert os.listdir(tmp_path) == ["model.onnx"]
    assert (tmp_path / "model.onnx" / "inside").is_dir()
