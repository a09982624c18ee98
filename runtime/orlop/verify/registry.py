"""A registry server on loopback for the minute of a verification: a distribution package's, in a temporary directory.

What is pushed to it is gone with it.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Self
from urllib.parse import urlsplit

from orlop.model.errors import FailedPrecondition, TimedOut, Unavailable
from orlop.verify.image import BuiltImage

BINARIES = ("docker-registry", "registry")
START_LIMIT = 15.0
"""Seconds until a registry that does not listen is given up."""


class LoopbackRegistry:
    """Runs while the context is open. All calls block for a moment: use a thread."""

    def __init__(self, binary: str | None = None) -> None:
        self._binary = binary or _find()
        self._directory = tempfile.mkdtemp(prefix="orlop-verify-registry-")
        self._process: subprocess.Popen[bytes] | None = None
        self.host = f"127.0.0.1:{_free_port()}"
        """As image references name it."""

    def start(self) -> Self:
        """Return when it listens. Raises with the end of its output when it does not."""
        config = os.path.join(self._directory, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(self._config(), file)  # JSON is YAML
        with open(self._log, "wb") as log:
            try:
                self._process = subprocess.Popen(
                    [self._binary, "serve", config],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
                    start_new_session=True,
                )
            except OSError as error:
                raise FailedPrecondition(f"cannot run {self._binary}: {error.strerror}") from error
        self._wait(self._process)
        return self

    def push(self, repository: str, tag: str, image: BuiltImage) -> str:
        """Push the image; returns its reference."""
        for blob in image.blobs:
            location = self._request("POST", f"/v2/{repository}/blobs/uploads/", 202).get("location", "")
            place = urlsplit(location)
            query = f"{place.query}&" if place.query else ""
            self._request(
                "PUT", f"{place.path}?{query}digest={blob.digest}", 201, blob.data, "application/octet-stream"
            )
        manifest = image.manifest
        self._request("PUT", f"/v2/{repository}/manifests/{tag}", 201, manifest.data, manifest.media_type)
        return f"{self.host}/{repository}:{tag}"

    def stop(self) -> None:
        """End it and remove all it stored. Twice is fine."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _log(self) -> str:
        return os.path.join(self._directory, "log")

    def _config(self) -> dict[str, object]:
        return {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": os.path.join(self._directory, "data")}},
            "http": {"addr": self.host},
        }

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        host, _, port = self.host.partition(":")
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Unavailable(f"{self._binary} ended with status {process.returncode}: {self._tail()}")
            with socket.socket() as probe:
                probe.settimeout(1.0)
                if probe.connect_ex((host, int(port))) == 0:
                    return
            time.sleep(0.02)  # a foreign program that tells nobody when it listens
        raise TimedOut(f"{self._binary} does not listen at {self.host} after {START_LIMIT:g} s: {self._tail()}")

    def _tail(self) -> str:
        with open(self._log, encoding="utf-8", errors="replace") as log:
            return " | ".join(log.read().splitlines()[-3:])

    def _request(
        self, method: str, path: str, expected: int, body: bytes = b"", media_type: str = ""
    ) -> dict[str, str]:
        """One request; returns the answer's headers."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": media_type} if media_type else {})
            answer = connection.getresponse()
            text = answer.read(2000).decode(errors="replace")
        except OSError as error:
            raise Unavailable(f"the registry at {self.host} broke off at {method} {path}: {error}") from error
        finally:
            connection.close()
        if answer.status != expected:
            raise Unavailable(f"the registry at {self.host} answered {method} {path} with {answer.status}: {text}")
        return {name.lower(): value for name, value in answer.getheaders()}


def _find() -> str:
    for name in BINARIES:
        if path := shutil.which(name):
            return path
    raise FailedPrecondition(
        "there is no registry server: apt install docker-registry, give --registry-binary, "
        "or name an image that a registry has with --image"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
