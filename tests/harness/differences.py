"""Where a peer is known to differ from what the behaviour suite demands, each with the reason.

Only a run against that peer reads it (ORLOP_TEST_PEER): the test runs there all the same and must fail, where the peer
has the version that the table was made with (VERSIONS). Of another version one that passes is told as such (XPASS).
"""

import re
import subprocess
from collections.abc import Mapping

import pytest

VERSIONS = {"containerd": "2.4.2", "crio": "1.34.0"}
"""What the table was made with."""

WAITS = "a session lasts as long as its output is open"
V4 = "speaks nothing later than v4.channel.k8s.io over WebSocket"
OFF = "has all metrics switched off by default"
BY_DIGEST = "names what it pulled by the digest in the registry and not by the id that lists give"

DIFFERENCES: Mapping[str, Mapping[str, str]] = {
    "containerd": {
        "test_bad_input.py::test_a_blob_that_is_not_its_digest": "goes on from the broken blob at the next pull",
        "test_bad_input.py::test_a_layer_that_wants_out_is_refused[entries0]": "takes '..' for a name inside",
        "test_bad_input.py::test_a_layer_that_wants_out_is_refused[entries1]": "takes '..' for a name inside",
        "test_bad_input.py::test_an_image_for_another_platform_is_told_with_both": "pulls it",
        "streaming/test_attach.py::test_requests_that_cannot_be": "gives an address all the same",
        "streaming/test_exec.py::test_a_background_process_does_not_hold_the_session": WAITS,
        "streaming/test_exec.py::test_a_client_that_vanishes_leaves_no_process[setsid sleep 5555 & sleep 5555]": (
            "leaves what the command started"
        ),
        "streaming/test_exec.py::test_a_client_that_vanishes_while_its_input_is_stuck": "leaves the command",
        "streaming/test_exec.py::test_a_command_that_reads_nothing_ends_all_the_same": "waits for its input to be read",
        "streaming/test_exec.py::test_requests_that_cannot_be_meant[fields0-cmd is empty]": (
            "gives an address all the same"
        ),
        "streaming/test_port_forward.py::test_ipv6_where_ipv4_has_nobody": "does not come to a server on ::1 alone",
        "streaming/test_port_forward.py::test_requests_that_cannot_be": "gives an address all the same",
        "streaming/test_websocket.py::test_outputs_and_exit_code[v5.channel.k8s.io]": V4,
        "streaming/test_websocket.py::test_v5_closes_the_input": V4,
        "streaming/test_websocket.py::test_a_terminal_is_resized": V4,
        "streaming/test_websocket.py::test_a_client_that_vanishes_leaves_no_process": V4,
        "streaming/test_websocket.py::test_port_forward_in_a_tunnel": V4,
        "streaming/test_websocket.py::test_a_url_holds_once": V4,
        "streaming/test_websocket.py::test_protocols_that_nobody_knows": V4,
        "test_exec.py::test_output_beyond_the_cap_is_cut_and_the_command_ends": (
            "its answer of 16 MiB is over its own limit for a message"
        ),
        "test_image_volumes.py::test_a_sub_path_is_found_inside_the_image": "takes directories alone as sub paths",
        "test_image_volumes.py::test_an_artifact_is_mounted_and_is_no_container_image": "has no artifacts",
        "test_image_volumes.py::test_the_image_is_told_and_stays_while_it_is_mounted": (
            "tells no image_ref of a mount that was not asked for by one"
        ),
        "test_images.py::test_a_pulled_image_is_listed_and_told": "lists all images whatever the filter",
        "test_images.py::test_an_image_has_many_names": "does not know an id without its algorithm",
        "test_images.py::test_an_image_in_use_stays": "removes images that containers use",
        "test_images.py::test_filesystem_usage_counts_what_images_take": "counts at intervals of its own",
        "test_images.py::test_what_is_not_here_is_an_empty_answer": "lists all images whatever the filter",
        "test_metrics.py::test_a_containers_metrics_follow_what_it_does": "has no metric of the CPU quota",
        "test_metrics.py::test_every_descriptor_has_values_and_they_have_its_labels": (
            "describes metrics that it has no values of"
        ),
        "test_pods.py::test_status_of_a_pod_lists_its_containers": "has no containers in the status of a pod",
        "test_pods.py::test_asking_again_for_the_same_pod_gives_the_same_pod": "refuses a name that is taken",
        "test_pods.py::test_twenty_requests_for_one_pod_make_one_pod": "refuses a name that is taken",
        "test_pods.py::test_a_pod_needs_a_whole_name": "takes pods without name, uid or namespace",
        "test_resources.py::test_huge_pages_are_limited": "leaves the controller of huge pages alone by default",
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
        "test_streams.py::test_images_are_streamed": "streams all images whatever the filter",
    },
    "crio": {
        "streaming/test_attach.py::test_requests_that_cannot_be": "gives an address all the same",
        "streaming/test_exec.py::test_a_background_process_does_not_hold_the_session": "ends it with the session",
        "streaming/test_exec.py::test_a_client_that_vanishes_from_a_terminal": "leaves the command",
        "streaming/test_exec.py::test_a_client_that_vanishes_leaves_no_process[sleep 5555]": "leaves the command",
        "streaming/test_exec.py::test_a_client_that_vanishes_leaves_no_process[setsid sleep 5555 & sleep 5555]": (
            "leaves the command"
        ),
        "streaming/test_exec.py::test_a_client_that_vanishes_while_its_input_is_stuck": "leaves the command",
        "streaming/test_exec.py::test_a_command_that_reads_nothing_ends_all_the_same": (
            "fails as the command's input cannot be written to"
        ),
        "streaming/test_exec.py::test_it_needs_a_running_container": "gives an address all the same",
        "streaming/test_exec.py::test_requests_that_cannot_be_meant[fields0-cmd is empty]": (
            "gives an address all the same"
        ),
        "streaming/test_port_forward.py::test_ipv6_where_ipv4_has_nobody": "does not come to a server on ::1 alone",
        "streaming/test_port_forward.py::test_requests_that_cannot_be": "gives an address all the same",
        "streaming/test_websocket.py::test_outputs_and_exit_code[v5.channel.k8s.io]": V4,
        "streaming/test_websocket.py::test_v5_closes_the_input": V4,
        "streaming/test_websocket.py::test_a_terminal_is_resized": V4,
        "streaming/test_websocket.py::test_a_client_that_vanishes_leaves_no_process": V4,
        "streaming/test_websocket.py::test_port_forward_in_a_tunnel": V4,
        "streaming/test_websocket.py::test_a_url_holds_once": V4,
        "streaming/test_websocket.py::test_protocols_that_nobody_knows": V4,
        "test_bad_input.py::test_a_layer_that_wants_out_is_refused[entries0]": "takes '..' for a name inside",
        "test_bad_input.py::test_a_layer_that_wants_out_is_refused[entries1]": "takes '..' for a name inside",
        "test_bad_input.py::test_an_image_for_another_platform_is_told_with_both": "pulls it",
        "test_containers.py::test_status_tells_what_was_asked": "gives image ids without their algorithm",
        "test_containers.py::test_a_name_that_is_taken_is_told_with_its_owner": (
            "gives the container that has the name, whatever was asked"
        ),
        "test_events.py::test_a_pods_whole_life_is_told": "tells fewer events",
        "test_events.py::test_containers_that_end_at_once_are_told_in_order": "does not tell the status with the end",
        "test_events.py::test_every_listener_hears_and_one_that_left_is_forgotten": "tells fewer events",
        "test_exec.py::test_output_beyond_the_cap_is_cut_and_the_command_ends": (
            "may lose what comes after a large output"
        ),
        "test_exec.py::test_it_needs_a_running_container": "runs commands in created containers",
        "test_logs.py::test_without_a_log_path_there_is_no_log": "names a log of its own",
        "test_mounts.py::test_a_missing_device_is_named": "leaves out a device that is missing",
        "test_image_ids.py::test_every_api_gives_the_same_image_id": BY_DIGEST,
        "test_image_volumes.py::test_an_artifact_is_mounted_and_is_no_container_image": BY_DIGEST,
        "test_image_volumes.py::test_a_sub_path_is_found_inside_the_image": "takes directories alone as sub paths",
        "test_image_volumes.py::test_the_image_is_told_and_stays_while_it_is_mounted": BY_DIGEST,
        "test_image_volumes.py::test_what_must_not_be_mounted": "mounts an image that is to be writable",
        "test_images.py::test_a_pulled_image_is_listed_and_told": BY_DIGEST,
        "test_images.py::test_an_image_has_many_names": BY_DIGEST,
        "test_images.py::test_an_index_gives_the_nodes_platform": BY_DIGEST,
        "test_images.py::test_a_container_takes_what_the_image_says": "tells no stop signal in a container's status",
        "test_images.py::test_twenty_pulls_of_one_image_are_one_download": BY_DIGEST,
        "test_images.py::test_filesystem_usage_counts_what_images_take": "does not count the layers",
        "test_metrics.py::test_every_descriptor_has_values_and_they_have_its_labels": OFF,
        "test_metrics.py::test_a_containers_metrics_follow_what_it_does": OFF,
        "test_metrics.py::test_an_oom_kill_is_counted": OFF,
        "test_metrics.py::test_a_pods_network_is_counted_by_interface": OFF,
        "test_metrics.py::test_pods_in_the_nodes_network_and_ended_ones": "tells metrics of stopped pods",
        "test_namespaces.py::test_a_target_must_run_and_be_of_the_same_pod": "takes a target of another pod",
        "test_namespaces.py::test_a_sysctl_of_the_node_is_refused_by_name": "leaves out such sysctls",
        "test_namespaces.py::test_a_sysctl_of_the_node_is_refused_in_the_nodes_network": "leaves out such sysctls",
        "test_pods.py::test_status_tells_what_was_asked": "adds labels of its own",
        "test_pods.py::test_handler_is_reported_as_it_was_asked": "tells no handler in the status of a pod",
        "test_pods.py::test_a_name_that_is_taken_is_told_with_its_owner": (
            "gives the pod that has the name, whatever was asked"
        ),
        "test_version_skew.py::test_an_image_volume[1.36]": "tells no image_ref of a mounted image",
        "test_version_skew.py::test_an_image_volume[1.37]": "tells no image_ref of a mounted image",
        "test_version_skew.py::test_profiles_in_the_deprecated_words": "does not know the deprecated words",
        "test_resources.py::test_swap_is_limited_with_memory": "takes all swap away at an update of the limit",
        "test_security.py::test_ambient_capabilities_outlive_the_change_of_user": "gives no ambient capabilities",
        "test_security.py::test_an_unmasked_proc": "masks paths of its own where none are given",
        "test_security.py::test_profiles_that_the_kernel_cannot_apply": (
            "leaves out an AppArmor profile where there is no AppArmor"
        ),
        "test_stats.py::test_a_pods_figures_hold_its_containers_and_its_network": (
            "counts no processes of a pod on cgroup v1"
        ),
        "test_stopping.py::test_the_pod_may_choose_the_signal": "tells no stop signal in a container's status",
    },
}
"""Peer to test to reason. A test is named by its file (below lifecycle/, or streaming/file) and function, and where
only some of its cases fail by the case too, as pytest names it, without the handler."""

HANGING: Mapping[str, Mapping[str, str]] = {
    "crio": {
        "test_pods.py::test_twenty_requests_for_one_pod_make_one_pod": "does not answer all of them within 120 s",
    },
}
"""The same, of tests that are not run there, for the time that they take."""


SOMETIMES: Mapping[str, frozenset[str]] = {
    "containerd": frozenset({"test_bad_input.py::test_a_blob_that_is_not_its_digest"}),
    "crio": frozenset({"test_exec.py::test_output_beyond_the_cap_is_cut_and_the_command_ends"}),
}
"""Tests of DIFFERENCES that a matter of time decides: they may pass with any version."""


def expected(peer: str, nodeid: str, version: str = "") -> pytest.MarkDecorator | None:
    """The mark of a test that is known to fail against this peer; strict for the version that it is known of."""
    case = nodeid.removeprefix("tests/integration/").removeprefix("lifecycle/").replace("-runc]", "]")
    name = case.partition("[")[0]
    if why := HANGING.get(peer, {}).get(name):
        return pytest.mark.skip(reason=f"{peer} {why}")
    known = DIFFERENCES.get(peer, {})
    why = known.get(case) or known.get(name)
    strict = bool(version) and version == VERSIONS.get(peer) and name not in SOMETIMES[peer]
    return pytest.mark.xfail(reason=f"{peer} {why}", strict=strict) if why else None


def version_of(peer: str, binary: str) -> str:
    """What the peer's program says of itself, such as "2.4.2"; empty without one."""
    if not peer:
        return ""
    said = subprocess.run([binary or peer, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\bv?(\d+\.\d+\.\d+)", said)
    return found[1] if found else ""
