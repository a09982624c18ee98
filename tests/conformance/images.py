"""The images that critest pulls by fixed names, made here of real programs: Debian's, and one of Go.

Upstream's own cannot be had on loopback, so each has what the specs ask of it: nginx and Apache serve, the setuid
program is setuid, users and groups are in /etc/passwd and /etc/group. What upstream's busybox has and Debian's lacks
(ipcs, pgrep) comes from util-linux and procps.
"""

import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.conformance import debs
from tests.fakes.images import BUSYBOX, Dir, Entry, File, HardLink, Image, ImageBuilder, Layer

NONEWPRIVS = debs.ROOT / ".cache" / "bin" / "nonewprivs"
"""Built by test.sh from nonewprivs/main.go."""

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIBC = ["libc6"]
PROC_PACKAGES = [
    *LIBC,
    "util-linux",
    "procps",
    "libproc2-0",
    "libsystemd0",
    "libcap2",
    "libgcrypt20",
    "libgpg-error0",
    "liblzma5",
    "libzstd1",
    "liblz4-1",
]
NGINX_PACKAGES = [*LIBC, "nginx", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g"]
HTTPD_PACKAGES = [*LIBC, "apache2-bin", "libapr1", "libaprutil1", "libcrypt1", "libexpat1", "libpcre2-8-0", "libuuid1"]
HTTPD_MODULES = ("mpm_event", "authz_core", "dir")

PASSWD = b"""\
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP = b"root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n"
NGINX_CONF = """\
pid /var/run/nginx.pid;
error_log stderr notice;
events {{}}
http {{
  access_log off;
  server {{ listen {port}; root /www; }}
}}
"""
HTTPD_CONF = """\
ServerName localhost
PidFile /var/run/httpd.pid
{modules}
Listen 80
User www-data
Group www-data
DocumentRoot /www
DirectoryIndex index.html
ErrorLog /proc/self/fd/2
"""


def made() -> Iterator[tuple[str, Image]]:
    """Every image with the whole reference that the suite pulls it by."""
    e2e, staging = "registry.k8s.io/e2e-test-images", "gcr.io/k8s-staging-cri-tools"
    yield f"{e2e}/busybox:1.29-2", _base().build()
    yield f"{e2e}/nginx:1.14-2", _nginx(80)
    yield f"{e2e}/httpd:2.4.39-4", _httpd()
    yield f"{e2e}/nonewprivs:1.3", _nonewprivs()
    yield f"{staging}/hostnet-nginx-amd64:latest", _nginx(12003)
    for registry in ("registry.k8s.io", "k8s.gcr.io"):
        yield f"{registry}/pause:3.9", _pause()
    users = {"uid": "1002", "username": "www-data", "uid-group": "1003:1004", "username-group": "www-data:1004"}
    for name, user in users.items():
        yield f"{staging}/test-image-user-{name}:latest", _base().config(user=user).build()
    yield f"{staging}/test-image-predefined-group:latest", _predefined_group()
    for name in ("1:latest", "2:latest", "3:latest", "latest:latest", "tag:test", "tag:all"):
        yield f"{staging}/test-image-{name}", _marked(name)
    for tag in "123":
        yield f"{staging}/test-image-tags:{tag}", _marked("tags")


def _system() -> Mapping[str, Entry]:
    busybox = Path(BUSYBOX).read_bytes()
    entries: dict[str, Entry] = {
        name: Dir()
        for name in ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "usr", "usr/bin", "var", "www")
    }
    entries |= {"tmp": Dir(mode=0o1777), "var/run": Dir(), "var/tmp": Dir(mode=0o1777)}
    entries["bin/busybox"] = File(busybox, mode=0o755)
    entries |= {f"bin/{name}": HardLink("bin/busybox", mode=0o755) for name in _applets(busybox)}
    entries["bin/sh"] = File(_without_own_ls(busybox), mode=0o755)
    entries["etc/passwd"], entries["etc/group"] = PASSWD, GROUP
    entries["www/index.html"] = b"<h1>It works</h1>\n"
    return entries


def _applets(busybox: bytes) -> list[str]:
    # The program's own table of names, in order and between its first and its last.
    table = busybox[busybox.index(b"\0[\0[[\0") + 1 : busybox.index(b"\0zcat\0") + 5]
    return [name for name in table.decode().split("\0") if name not in ("busybox", "sh")]


def _without_own_ls(busybox: bytes) -> bytes:
    """A shell for the spec that masks /bin/ls: Debian's would run its own ls and never look at /bin/ls.

    The suite compares the shell's words, which must be those of busybox's ash, so no other shell will do. The applet
    gets a name that stands at the same place of the sorted table.
    """
    assert busybox.count(b"\0losetup\0ls\0lsmod\0") == 1, f"{BUSYBOX} keeps its applets in another way"
    return busybox.replace(b"\0losetup\0ls\0lsmod\0", b"\0losetup\0lr\0lsmod\0")


@cache
def _base_layers() -> tuple[Layer, ...]:
    tools = debs.entries(PROC_PACKAGES, ["/usr/bin/pgrep", "/usr/bin/ipcs"])
    return ImageBuilder().layer(_system()).layer(tools).build().layers


def _base() -> ImageBuilder:
    builder = ImageBuilder().config(env=[PATH], cmd=["sh"])
    for layer in _base_layers():  # compressed once for all images
        builder.raw_layer(b"", diff_id=layer.diff_id, blob=layer.blob)
    return builder


def _nginx(port: int) -> Image:
    server = debs.entries(NGINX_PACKAGES, ["/usr/sbin/nginx"])
    server["etc/nginx"] = Dir()
    server["etc/nginx/nginx.conf"] = NGINX_CONF.format(port=port).encode()
    server |= {f"var/{name}": Dir() for name in ("lib", "lib/nginx", "log", "log/nginx")}
    return _base().layer(server).config(entrypoint=["nginx", "-g", "daemon off;"], cmd=[]).build()


def _httpd() -> Image:
    modules = {name: f"/usr/lib/apache2/modules/mod_{name}.so" for name in HTTPD_MODULES}
    server = debs.entries(HTTPD_PACKAGES, ["/usr/sbin/apache2", *modules.values()])
    # Upstream's name of the program, which the log tells as the command line.
    server["usr/sbin/httpd"] = HardLink("usr/sbin/apache2", mode=0o755)
    lines = "\n".join(f"LoadModule {name}_module {path}" for name, path in modules.items())
    server["etc/httpd.conf"] = HTTPD_CONF.format(modules=lines).encode()
    command = ["/usr/sbin/httpd", "-f", "/etc/httpd.conf", "-D", "FOREGROUND"]
    return _base().layer(server).config(entrypoint=command, cmd=[]).build()


def _nonewprivs() -> Image:
    program = File(NONEWPRIVS.read_bytes(), mode=0o4755)
    return _base().layer({"nnp": program}).config(entrypoint=["/nnp"], cmd=[]).build()


def _pause() -> Image:
    program = shutil.which("catatonit")
    assert program is not None, "catatonit is not installed: call ./test.sh"
    return (
        ImageBuilder()
        .layer({"pause": File(Path(program).read_bytes(), mode=0o755)})
        .config(entrypoint=["/pause", "-P"])
        .build()
    )


def _predefined_group() -> Image:
    accounts: dict[str, Entry] = {
        "etc/passwd": PASSWD + b"default-user:x:1000:1000:user:/home/default-user:/bin/sh\n",
        "etc/group": GROUP + b"default-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n",
    }
    return _base().layer(accounts).config(user="1000").build()


def _marked(name: str) -> Image:
    return _base().layer({"etc/test-image": name.encode()}).build()
