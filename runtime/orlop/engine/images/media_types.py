"""Media types of manifests, configurations and layers, of OCI and of Docker. Data only."""

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_SCHEMA_1 = ("application/vnd.docker.distribution.manifest.v1+json",
                   "application/vnd.docker.distribution.manifest.v1+prettyjws")  # fmt: skip

INDEXES = (OCI_INDEX, DOCKER_LIST)
MANIFESTS = (OCI_MANIFEST, DOCKER_MANIFEST)
CONFIGS = (OCI_CONFIG, DOCKER_CONFIG)
ACCEPTED = ", ".join((*MANIFESTS, *INDEXES))

_LAYERS = (
    OCI_LAYER,
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    DOCKER_LAYER,
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
)


def is_layer(media_type: str) -> bool:
    """Whether this is a tar, compressed or not. How it is compressed is seen in its first bytes, as peers do."""
    return any(media_type in (base, f"{base}+gzip", f"{base}+zstd", f"{base}.gzip", f"{base}.zstd") for base in _LAYERS)


def is_encrypted(media_type: str) -> bool:
    """Whether keys would be needed."""
    return media_type.endswith("+encrypted")
