"""Images: what the CRI says of them and what the store records."""

from orlop.model.base import Value


class ImageSpec(Value):
    """How the kubelet names an image."""

    image: str = ""
    """Reference or image id."""
    annotations: dict[str, str] = {}
    user_specified_image: str = ""
    runtime_handler: str = ""
    image_ref: str = ""
    """Since Kubernetes 1.36."""


class AuthConfig(Value):
    """Credentials that come with one pull."""

    username: str = ""
    password: str = ""
    auth: str = ""
    """base64 of "username:password"."""
    server_address: str = ""
    identity_token: str = ""
    registry_token: str = ""


class ImageConfig(Value):
    """The part of an OCI image configuration that a container needs (image-spec config.md, "config")."""

    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    """Container paths, sorted."""
    stop_signal: str = ""
    labels: dict[str, str] = {}


class ImageRecord(Value):
    """One image in the store. Its id, "sha256:<hex>", is the digest of its configuration."""

    id: str
    manifest_digest: str
    tags: tuple[str, ...] = ()
    """Normalised references with a tag, for example "docker.io/library/busybox:1.36"."""
    digests: tuple[str, ...] = ()
    """Normalised references with a digest."""
    layers: tuple[str, ...] = ()
    """Chain ids (image-spec config.md, "Layer ChainID"), base layer first."""
    size: int = 0
    """Bytes of all unpacked layers."""
    config: ImageConfig = ImageConfig()
    annotations: dict[str, str] = {}
    """Of the manifest."""
    pinned: bool = False
    architecture: str = ""
    os: str = ""
    created: str = ""
    """RFC 3339, as the configuration says."""
    artifact_type: str = ""
    """Not empty: an OCI artifact, whose blobs are files of its only layer. Its id is its manifest's digest."""


class Image(Value):
    """An image as the CRI lists it."""

    id: str
    repo_tags: tuple[str, ...] = ()
    repo_digests: tuple[str, ...] = ()
    size: int = 0
    uid: int | None = None
    """Of the configuration's User when it is a number, else None."""
    username: str = ""
    spec: ImageSpec = ImageSpec()
    pinned: bool = False


class ImageFilter(Value):
    """Which images to list; an empty name means all."""

    image: ImageSpec = ImageSpec()
