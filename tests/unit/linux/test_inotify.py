"""Events of a real directory."""

import os
from pathlib import Path

import pytest

from orlop.linux import inotify
from orlop.linux.inotify import IN_CLOSE_WRITE, IN_CREATE, IN_DELETE, IN_IGNORED, IN_ISDIR, IN_MOVED_FROM, IN_MOVED_TO


def test_events_in_order(tmp_path: Path) -> None:
    with inotify.Inotify() as watch:
        wd = watch.add(str(tmp_path), IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)
        assert watch.read() == []
        (tmp_path / "a").write_text("x")
        os.rename(tmp_path / "a", tmp_path / "much-longer-name")
        (tmp_path / "much-longer-name").unlink()
        (tmp_path / "d").mkdir()
        events = watch.read()
    assert [(event.mask, event.name) for event in events] == [
        (IN_CREATE, "a"),
        (IN_CLOSE_WRITE, "a"),
        (IN_MOVED_FROM, "a"),
        (IN_MOVED_TO, "much-longer-name"),
        (IN_DELETE, "much-longer-name"),
        (IN_CREATE | IN_ISDIR, "d"),
    ]
    assert {event.wd for event in events} == {wd}
    assert events[2].cookie == events[3].cookie != 0


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    with inotify.Inotify() as watch:
        watch.add(str(tmp_path), IN_CREATE)
        odd = os.fsencode(tmp_path) + b"/\xff\xfe"
        os.close(os.open(odd, os.O_CREAT | os.O_WRONLY))
        (event,) = watch.read()
    assert os.fsencode(event.name) == b"\xff\xfe"


def test_remove_is_idempotent(tmp_path: Path) -> None:
    with inotify.Inotify() as watch:
        wd = watch.add(str(tmp_path), IN_CREATE)
        watch.remove(wd)
        watch.remove(wd)
        assert [event.mask for event in watch.read()] == [IN_IGNORED]
        (tmp_path / "x").touch()
        assert watch.read() == []


def test_missing_path_and_closing(tmp_path: Path) -> None:
    watch = inotify.Inotify()
    with pytest.raises(FileNotFoundError, match="none"):
        watch.add(str(tmp_path / "none"), IN_CREATE)
    watch.close()
    watch.close()
    assert watch.fileno() == -1
