"""Ids, names and titles."""

from orlop.model.container import ContainerMetadata
from orlop.model.pod import PodSandboxMetadata
from orlop.services.naming import container_key, container_title, free, new_id, pod_key, pod_title

POD = PodSandboxMetadata(name="web", namespace="default", uid="u", attempt=2)


def test_ids_are_long_hexadecimal_and_new() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in ids)


def test_every_part_makes_a_name() -> None:
    others = (
        PodSandboxMetadata(name="web2", namespace="default", uid="u", attempt=2),
        PodSandboxMetadata(name="web", namespace="other", uid="u", attempt=2),
        PodSandboxMetadata(name="web", namespace="default", uid="v", attempt=2),
        PodSandboxMetadata(name="web", namespace="default", uid="u", attempt=3),
    )
    assert len({pod_key(each) for each in (POD, *others)}) == 5
    main = ContainerMetadata(name="main", attempt=0)
    keys = {container_key("p", main), container_key("q", main)}
    keys |= {container_key("p", ContainerMetadata(name="main", attempt=1)), container_key("p", ContainerMetadata())}
    assert len(keys) == 4


def test_titles() -> None:
    assert pod_title(POD) == "pod default/web"
    assert container_title(ContainerMetadata(name="main"), POD) == "container main of pod default/web"


def test_a_name_is_freed_by_its_owner_alone() -> None:
    names = {"key": "new"}
    free(names, "key", "old")
    free(names, "other", "old")
    assert names == {"key": "new"}
    free(names, "key", "new")
    assert names == {}
