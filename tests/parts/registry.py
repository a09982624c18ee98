"""A real registry for tests: Debian's docker-registry on a free loopback port, with its own directory.

    with Registry(tmp_path) as registry:
        name = registry.push(busybox_image(), "busybox:1.0")      # "127.0.0.1:40001/busybox:1.0"

Loopback must be up, which it is in every test run. Faults are ordered from tests.fakes.faulty_registry.
"""

import base64
import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from tests.fakes.images import Image

PROGRAM = "docker-registry"
START_TIMEOUT = 20.0


class Registry:
    """One registry server and what it stores."""

    def __init__(self, directory: Path, *, users: dict[str, str] | None = None) -> None:
        """`users`: passwords by name; then it asks for Basic credentials."""
        self._directory = directory
        self._users = users or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def host(self) -> str:
        """host:port, as an image reference has it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        config = self._directory / "config.yml"
        config.write_text(self._config())
        with open(self._directory / "registry.log", "ab") as log:
            argv = [PROGRAM, "serve", str(config)]
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait()
        return self

    def stop(self) -> None:
        """Stop the server; what it stores stays for the next start. Twice is fine."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def push(self, image: Image, name: str) -> str:
        """Push an image as "repository:tag" by the distribution API; returns the whole reference."""
        repository, _, tag = name.rpartition(":")
        for digest, blob in image.blobs.items():
            self._push_blob(repository, digest, blob)
        for document in image.children:
            self._push_manifest(repository, document, document.digest)
        self._push_manifest(repository, image, tag)
        return f"{self.host}/{name}"

    def push_all(self, images: Iterable[tuple[Image, str]]) -> list[str]:
        """Push several."""
        return [self.push(image, name) for image, name in images]

    def log(self) -> str:
        """What the server has logged."""
        return (self._directory / "registry.log").read_text()

    def _push_blob(self, repository: str, digest: str, blob: bytes) -> None:
        status, headers, body = self._request("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, (status, body)
        location = headers["Location"].partition(self.host)[2] or headers["Location"]
        joint = "&" if "?" in location else "?"
        kind = {"Content-Type": "application/octet-stream"}
        status, _, body = self._request("PUT", f"{location}{joint}digest={digest}", blob, kind)
        assert status == 201, (status, body)

    def _push_manifest(self, repository: str, image: Image, target: str) -> None:
        path = f"/v2/{repository}/manifests/{target}"
        status, _, body = self._request("PUT", path, image.manifest, {"Content-Type": image.media_type})
        assert status == 201, (status, body)

    def _request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {**self._login(), **(headers or {})})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def _login(self) -> dict[str, str]:
        for name, password in self._users.items():
            return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}
        return {}

    def _config(self) -> str:
        lines = [
            "version: 0.1",
            "log: {level: info}",
            f"storage: {{filesystem: {{rootdirectory: {self._directory}/data}}, delete: {{enabled: true}}}}",
            f"http: {{addr: '{self.host}'}}",
        ]
        if self._users:
            (self._directory / "htpasswd").write_text("".join(_htpasswd(*user) for user in self._users.items()))
            lines.append(f"auth: {{htpasswd: {{realm: tests, path: {self._directory}/htpasswd}}}}")
        return "\n".join(lines) + "\n"

    def _wait(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            assert self._process is not None and self._process.poll() is None, self.log()
            try:
                self._request("GET", "/v2/")
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise AssertionError(f"{PROGRAM} does not answer on {self.host}:\n{self.log()}")


def available() -> bool:
    """Whether the program is installed."""
    return shutil.which(PROGRAM) is not None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _htpasswd(name: str, password: str) -> str:
    """docker-registry takes bcrypt only, which crypt(3) of Debian has under "$2b$"."""
    import ctypes

    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    hashed: bytes = crypt(password.encode(), b"$2b$04$abcdefghijklmnopqrstuu")
    return f"{name}:{hashed.decode()}\n"
