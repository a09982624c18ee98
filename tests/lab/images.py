"""The images of a cluster, by the names under which kubeadm and the manifests ask for them.

Names and tags are the lock file's and kubeadm's; what is inside is the version of the Go module that was built, which
each image's label `org.opencontainers.image.version` tells.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from orlop.node import lock
from tests.fakes.images import Dir, Entry, File, HardLink, Image, ImageBuilder, busybox_image
from tests.lab import packages, pins

KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
WORKLOAD = "lab/web:1"
"""What the proofs run: busybox."""


def images(minor: str, programs: Path, versions: Mapping[str, str]) -> Iterator[tuple[str, Image]]:
    """Name with registry, and image; `versions`: of the module that a program was built from, by program."""
    release = lock.release(minor)
    version = pins.version(minor)
    for name in KUBERNETES[:3]:
        yield f"registry.k8s.io/{name}:{version}", _alone(programs / name, "usr/local/bin", versions[name])
    tools = packages.network_tools()
    proxy = _program(programs / "kube-proxy", "usr/local/bin")
    yield f"registry.k8s.io/kube-proxy:{version}", _layered(versions["kube-proxy"], tools, proxy)
    yield release.images.etcd, _alone(programs / "etcd", "usr/local/bin", versions["etcd"])
    coredns = ImageBuilder().layer(_program(programs / "coredns", ""))
    yield release.images.coredns, coredns.config(entrypoint=["/coredns"], labels=_label(versions["coredns"])).build()
    yield release.images.pause, _alone(programs / "pause", "", "")
    # kubectl cp needs a tar in the container.
    extra: dict[str, Entry] = {"bin/tar": HardLink("bin/busybox", mode=0o755)}
    for tag in ("1", "2"):
        yield (
            f"registry.lab/{WORKLOAD.removesuffix('1')}{tag}",
            busybox_image(extra=extra | {"etc/version": tag.encode()}),
        )
    networks = release.networks
    flannel = _program(programs / "flanneld", "opt/bin")
    yield f"ghcr.io/flannel-io/flannel:v{networks['flannel']}", _layered(versions["flanneld"], tools, flannel)
    plugin = _program(programs / "flannel", "")
    yield (
        f"ghcr.io/flannel-io/flannel-cni-plugin:v{networks['flannel-cni-plugin']}",
        _layered(versions["flannel"], tools, plugin),
    )


def _program(path: Path, directory: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    parts = directory.split("/") if directory else []
    for depth in range(len(parts)):
        entries["/".join(parts[: depth + 1])] = Dir()
    return {**entries, "/".join([*parts, path.name]): File(path.read_bytes(), mode=0o755)}


def _alone(path: Path, directory: str, version: str) -> Image:
    """A program and nothing else."""
    entry = f"/{directory}/{path.name}".replace("//", "/")
    builder = ImageBuilder().layer({"etc": Dir(), "tmp": Dir(mode=0o1777), **_program(path, directory)})
    return builder.config(entrypoint=[entry], env=["PATH=/usr/local/bin"], labels=_label(version)).build()


def _layered(version: str, tools: dict[str, Entry], program: dict[str, Entry]) -> Image:
    """A program above the distribution's network tools."""
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # The tools have the directories already, partly as links.
    files = {name: entry for name, entry in program.items() if isinstance(entry, File)}
    return ImageBuilder().layer(tools).layer(files).config(env=[path], labels=_label(version)).build()


def _label(version: str) -> dict[str, str]:
    return {"org.opencontainers.image.version": version} if version else {}
