"""Lists cut into messages: nothing lost, order kept, both bounds held; and lists that are too long for one message."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.api import chunks as chunks_module
from orlop.api import wire
from orlop.api.chunks import MAX_ITEMS, STREAMED_BY, chunks, fitting, whole
from orlop.api.v1 import container_pb2, image_pb2, runtime_pb2
from orlop.model.errors import ResourceExhausted
from orlop.model.image import Image, ImageSpec


def images(*sizes: int) -> list[Image]:
    """One image for each size, whose name has so many bytes."""
    return [Image(id=f"sha256:{n}", username="u" * size, spec=ImageSpec(image="s")) for n, size in enumerate(sizes)]


async def cut(found: list[Image]) -> list[image_pb2.StreamImagesResponse]:
    response = image_pb2.StreamImagesResponse
    return [response.FromString(chunk) async for chunk in chunks(found, response)]


async def test_no_items_no_message() -> None:
    assert await cut([]) == []


async def test_many_small_items_are_bounded_by_their_number() -> None:
    messages = await cut(images(*[5] * (2 * MAX_ITEMS + 1)))
    assert [len(message.images) for message in messages] == [MAX_ITEMS, MAX_ITEMS, 1]
    assert [item.id for message in messages for item in message.images] == [
        f"sha256:{n}" for n in range(2 * MAX_ITEMS + 1)
    ]


async def test_large_items_are_bounded_by_bytes_and_a_larger_one_goes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks_module, "MAX_BYTES", 1000)
    assert [len(message.images) for message in await cut(images(400, 400, 5000, 10, 10))] == [2, 1, 2]


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 3000), max_size=60))
def test_all_items_arrive_in_order(sizes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks_module, "MAX_BYTES", 2000)
        patch.setattr(chunks_module, "MAX_ITEMS", 7)
        messages = asyncio.run(cut(images(*sizes)))
    assert [len(item.username) for message in messages for item in message.images] == sizes
    for message in messages:
        assert 1 <= len(message.images) <= 7
        assert message.ByteSize() <= 2000 or len(message.images) == 1


async def test_one_message_may_hold_all() -> None:
    answer = await whole(images(1, 2, 3), image_pb2.ListImagesResponse)
    assert [len(item.username) for item in answer.images] == [1, 2, 3]
    assert await whole([], image_pb2.ListImagesResponse) == image_pb2.ListImagesResponse()


async def test_others_get_their_turn_while_a_long_list_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "TURN", 0.0)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await whole(images(*[1] * 20), image_pb2.ListImagesResponse)
    task.cancel()
    assert turns >= 20


def test_a_list_beyond_the_limit_names_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = container_pb2.ListContainersResponse(containers=[{"id": "c" * 64}] * 10)
    method = wire.METHODS["ListContainers"]
    assert fitting(method, answer) == answer.SerializeToString()
    monkeypatch.setattr(wire, "MAX_MESSAGE", 100)
    with pytest.raises(ResourceExhausted, match=r"has 6\d\d bytes, and clients take 100 .* with StreamContainers"):
        fitting(method, answer)


def test_other_answers_pass_whatever_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_MESSAGE", 1)
    answer = runtime_pb2.VersionResponse(version="0.1.0")
    assert fitting(wire.METHODS["Version"], answer) is answer


def test_each_list_and_its_stream_take_the_same_filter() -> None:
    for plain, stream in STREAMED_BY.items():
        one, many = wire.METHODS[plain], wire.METHODS[stream]
        assert many.streams and not one.streams
        assert [field.message_type for field in one.request.DESCRIPTOR.fields] == [
            field.message_type for field in many.request.DESCRIPTOR.fields
        ]
        assert [field.message_type for field in one.response.DESCRIPTOR.fields] == [
            field.message_type for field in many.response.DESCRIPTOR.fields
        ]
    assert set(STREAMED_BY.values()) == {name for name in wire.METHODS if name.startswith("Stream")}
