"""Files to configuration: merging, provenance, and errors that name file and key."""

from pathlib import Path

import pytest

from orlop.config.errors import ConfigError
from orlop.config.loader import Loaded, load
from orlop.config.schema import Config, Handler


class Etc:
    """A configuration directory."""

    def __init__(self, root: Path) -> None:
        self.main = str(root / "orlop.toml")
        self._root = root
        (root / "conf.d").mkdir()

    def write(self, text: str, drop_in: str = "") -> str:
        """Write the main file or a drop-in; returns its path."""
        path = self._root / "conf.d" / drop_in if drop_in else Path(self.main)
        path.write_text(text)
        return str(path)

    def load(self) -> Loaded:
        """Read it all."""
        return load(self.main)

    def problems(self) -> list[str]:
        """What is wrong with it."""
        with pytest.raises(ConfigError) as caught:
            self.load()
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def etc(tmp_path: Path) -> Etc:
    return Etc(tmp_path)


def test_an_empty_file_is_the_default(etc: Etc) -> None:
    etc.write("")
    assert etc.load().config == Config()
    assert {source for _, _, source in etc.load().values()} == {"default"}


def test_drop_ins_win_in_name_order_key_by_key(etc: Etc) -> None:
    main = etc.write('[daemon]\nsocket = "/run/a.sock"\nlog_level = "debug"\n')
    second = etc.write('[daemon]\nlog_level = "error"\n', "20-b.toml")
    etc.write('[daemon]\nlog_level = "warning"\n', "10-a.toml")
    etc.write("this is not read", "30-c.conf")
    loaded = etc.load()
    assert (loaded.config.daemon.socket, loaded.config.daemon.log_level) == ("/run/a.sock", "error")
    assert loaded.source("daemon.socket") == main
    assert loaded.source("daemon.log_level") == second
    assert loaded.source("daemon.state_dir") == "default"
    assert [Path(file).name for file in loaded.files] == ["orlop.toml", "10-a.toml", "20-b.toml"]


def test_lists_are_replaced_and_tables_of_tables_merged(etc: Etc) -> None:
    etc.write('[handlers.runc]\n[images]\npinned = ["a", "b"]\n[container.default_env]\nA = "1"\n')
    drop_in = etc.write(
        '[handlers.crun]\npath = "/usr/bin/crun"\n[images]\npinned = ["c"]\n[container.default_env]\nB = "2"\n',
        "10.toml",
    )
    loaded = etc.load()
    assert loaded.config.handlers == {"runc": Handler(), "crun": Handler(path="/usr/bin/crun")}
    assert loaded.config.images.pinned == ("c",)
    assert loaded.config.container.default_env == {"A": "1", "B": "2"}
    assert loaded.source("container.default_env") == f"{etc.main}, {drop_in}"
    assert loaded.source("handlers.crun.path") == drop_in


def test_a_key_with_dots_keeps_its_quotes(etc: Etc) -> None:
    etc.write('[registries."registry.test:5000"]\nplain_http = true\n')
    keys = {key: value for key, value, _ in etc.load().values()}
    assert keys['registries."registry.test:5000".plain_http'] is True


def test_an_unknown_key_is_told_with_the_nearest_name(etc: Etc) -> None:
    main = etc.write('[daemon]\nsokcet = "/x"\n[handlers.runc]\nxyzzy = 1\n')
    first, second = etc.problems()
    assert first == f"{main}: daemon.sokcet: there is no such key; did you mean socket?"
    assert second.startswith(f"{main}: handlers.runc.xyzzy: there is no such key; known here: type, path")


def test_every_wrong_type_is_told_with_file_and_key(etc: Etc) -> None:
    main = etc.write('default_handler = 3\n[daemon]\nsocket = "relative"\n[images]\nmax_concurrent_downloads = 0\n')
    drop_in = etc.write('monitor = 1\nhandlers = "runc"\n[network]\nadd_timeout = -1\n', "10.toml")
    assert etc.problems() == [
        f"{main}: default_handler: expected str, got int, but it is 3",
        f"{main}: daemon.socket: must be an absolute path, but it is 'relative'",
        f"{main}: images.max_concurrent_downloads: expected int >= 1, but it is 0",
        f"{drop_in}: monitor: must be a table, not 1",
        f"{drop_in}: handlers: must be a table of tables, not 'runc'",
        f"{drop_in}: network.add_timeout: expected float >= 0.0, but it is -1",
    ]


def test_toml_that_is_none_is_told_with_its_line(etc: Etc) -> None:
    main = etc.write("[daemon\n")
    [problem] = etc.problems()
    assert problem.startswith(f"{main}: is not valid TOML: ")
    assert "line 1" in problem


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file or directory"):
        load(str(tmp_path / "gone.toml"))


def test_values_are_checked_together(etc: Etc) -> None:
    drop_in = etc.write('default_handler = "kata"\n', "50-kata.toml")
    etc.write("")
    assert etc.problems() == [f"{drop_in}: default_handler: 'kata' is not among the handlers: runc"]
