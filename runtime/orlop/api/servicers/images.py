"""The image RPCs: request to model, verb, model to response. No logic."""

from orlop.api.convert.pack import pack, pack_all
from orlop.api.convert.unpack import unpack, unpack_field
from orlop.api.v1 import image_pb2, stats_pb2
from orlop.model.image import AuthConfig, ImageFilter, ImageSpec
from orlop.model.pod import PodSandboxConfig
from orlop.services import image_fs_info, image_list, image_pull, image_remove, image_status
from orlop.services.deck import Deck


async def list_images(deck: Deck, request: image_pb2.ListImagesRequest) -> image_pb2.ListImagesResponse:
    """ListImages."""
    found = await image_list.list_images(deck, unpack_field(request, "filter", ImageFilter))
    return image_pb2.ListImagesResponse(images=pack_all(found, image_pb2.Image))


async def status(deck: Deck, request: image_pb2.ImageStatusRequest) -> image_pb2.ImageStatusResponse:
    """ImageStatus."""
    spec = unpack(request.image, ImageSpec, "image")
    found, info = await image_status.image_status(deck, spec, request.verbose)
    image = None if found is None else pack(found, image_pb2.Image)
    return image_pb2.ImageStatusResponse(image=image, info=info)


async def pull(deck: Deck, request: image_pb2.PullImageRequest) -> image_pb2.PullImageResponse:
    """PullImage."""
    spec = unpack(request.image, ImageSpec, "image")
    pod = unpack_field(request, "sandbox_config", PodSandboxConfig)
    image_ref = await image_pull.pull_image(deck, spec, unpack_field(request, "auth", AuthConfig), pod)
    return image_pb2.PullImageResponse(image_ref=image_ref)


async def remove(deck: Deck, request: image_pb2.RemoveImageRequest) -> image_pb2.RemoveImageResponse:
    """RemoveImage."""
    await image_remove.remove_image(deck, unpack(request.image, ImageSpec, "image"))
    return image_pb2.RemoveImageResponse()


async def fs_info(deck: Deck, request: stats_pb2.ImageFsInfoRequest) -> stats_pb2.ImageFsInfoResponse:
    """ImageFsInfo."""
    images, containers = await image_fs_info.image_fs_info(deck)
    return stats_pb2.ImageFsInfoResponse(
        image_filesystems=pack_all(images, stats_pb2.FilesystemUsage),
        container_filesystems=pack_all(containers, stats_pb2.FilesystemUsage),
    )
