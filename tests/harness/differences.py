"""Where a peer is known to differ from what the behaviour suite demands, each with the reason.

Only a run against that peer reads it (ORLOP_TEST_PEER): the test runs there all the same and is expected to fail. One
that passes meanwhile is told as such (XPASS), so that its line can go. Seen with containerd 2.4.2 and CRI-O 1.34.0.
"""

from collections.abc import Mapping

import pytest

DIFFERENCES: Mapping[str, Mapping[str, str]] = {
    "containerd": {
        "test_bad_input.py::test_a_blob_that_is_not_its_digest": "goes on from the broken blob at the next pull",
        "test_bad_input.py::test_a_layer_that_wants_out_is_refused": "takes '..' for a name inside",
        "test_bad_input.py::test_an_image_for_another_platform_is_told_with_both": "pulls it",
        "test_exec.py::test_output_beyond_the_cap_is_cut_and_the_command_ends": (
            "its answer of 16 MiB is over its own limit for a message"
        ),
        "test_image_volumes.py::test_a_sub_path_is_found_inside_the_image": "takes directories alone as sub paths",
        "test_image_volumes.py::test_an_artifact_is_mounted_and_is_no_container_image": "has no artifacts",
        "test_image_volumes.py::test_the_image_is_told_and_stays_while_it_is_mounted": (
            "tells no image_ref of a mounted image"
        ),
        "test_images.py::test_a_pulled_image_is_listed_and_told": "lists all images whatever the filter",
        "test_images.py::test_an_image_has_many_names": "does not know an id without its algorithm",
        "test_images.py::test_an_image_in_use_stays": "removes images that containers use",
        "test_images.py::test_filesystem_usage_counts_what_images_take": "counts at intervals of its own",
        "test_images.py::test_what_is_not_here_is_an_empty_answer": "lists all images whatever the filter",
        "test_metrics.py::test_every_descriptor_has_values_and_they_have_its_labels": (
            "describes metrics that it has no values of"
        ),
        "test_pods.py::test_status_of_a_pod_lists_its_containers": "has no containers in the status of a pod",
        "test_pods.py::test_asking_again_for_the_same_pod_gives_the_same_pod": "refuses a name that is taken",
        "test_pods.py::test_twenty_requests_for_one_pod_make_one_pod": "refuses a name that is taken",
        "test_pods.py::test_a_pod_needs_a_whole_name": "takes pods without name, uid or namespace",
        "test_security.py::test_the_default_capabilities_are_few": (
            "gives by default NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE and SETFCAP too"
        ),
        "test_security.py::test_an_unknown_capability_is_named": "leaves out a capability that it does not know",
        "test_security.py::test_ambient_capabilities_outlive_the_change_of_user": "clears all ambient capabilities",
        "test_security.py::test_profiles_that_the_kernel_cannot_apply": (
            "refuses the default AppArmor profile too where there is no AppArmor"
        ),
        "test_stats.py::test_cpu_rate_is_the_average_since_the_last_reading": (
            "renews the rate at intervals of its own, whoever asks"
        ),
        "test_stopping.py::test_a_client_that_gives_up_does_not_stop_the_stop": "a stop ends with its client",
        "test_stopping.py::test_stopping_a_created_container_ends_it": "leaves a created container as it is",
        "test_version_skew.py::test_an_image_volume": "tells no image_ref of a mounted image",
        "test_streams.py::test_images_are_streamed": "streams all images whatever the filter",
    },
    "crio": {},
}
"""Peer to test to reason. A test is named by its file and function, for all of its parameters."""


def expected(peer: str, nodeid: str) -> pytest.MarkDecorator | None:
    """The mark of a test that is known to fail against this peer."""
    name = nodeid.rpartition("/")[2].partition("[")[0]
    why = DIFFERENCES.get(peer, {}).get(name)
    return pytest.mark.xfail(reason=f"{peer} {why}", strict=False) if why else None
