"""What the isolation by chroot can't give, case by case: docs/adr/0007 tells why.

A case is named by its file and function. With `/proc` by way of proot some more of them hold.
"""

from __future__ import annotations

from typing import Final

_NO_PROC: Final = "looks into /proc, /sys or the list of mounts, which a chroot has not"
_NO_PRIVILEGES: Final = "asks for privileges that this place does not have"
_ONE_NETWORK: Final = "needs a network of its own: commands share the host's"
_READ_ONLY: Final = "expects a write to a read-only mount to fail: it is dropped"
_LATE_NAMES: Final = "waits for a new name in a shared cache: others see it when a command is over"
_TEMP_SIZE: Final = "expects a limit to a temp mount"
_OWN_HOSTNAME: Final = "expects a hostname of its own"
_OWN_PIDS: Final = "expects process ids of its own"
_SECRET_PIPE: Final = "takes a secret for a file, which is a pipe here"  # noqa: S105 - no secret
_NO_SIGNAL: Final = "asks by which signal a command ended: proot says 255"
_ANSWERS: Final = "needs datagrams answered from where they were sent to: loopback has one source"
_TERMINAL: Final = "sits at a terminal, which a command could take over: it is refused"
_NO_LINKS: Final = "expects large copies to be links, which only a mount can make of them"
_NO_NAMESPACES: Final = "looks at what namespaces need"
_ALOUD: Final = "expects silence: this isolation is told of at each start"

_WAYS_OUT: Final = (
    "tries ways out of a container, as kill(-1), that lead to the whole machine from a chroot"
)

NEVER: Final = {
    "test_breakouts.py": _WAYS_OUT,
    "test_breakouts_network.py": _WAYS_OUT,
    "test_device_nodes.py": _WAYS_OUT,
}
"""Files that must not be run in a chroot, since their cases would harm the machine -> why."""

LIMITS: Final = {
    "test_abandoned.py::test_sibling_of_a_failure_is_ended": _LATE_NAMES,
    "test_abandoned.py::test_sibling_that_somebody_else_waits_for_goes_on": _LATE_NAMES,
    "test_abandoned.py::test_what_was_ended_can_be_had_later": _LATE_NAMES,
    "test_cache_volumes.py::test_shared_volume_lets_execs_run_together": _LATE_NAMES,
    "test_caching.py::test_different_execs_run_side_by_side": _LATE_NAMES,
    "test_confinement.py::test_insecure_root_capabilities_are_more": _NO_PRIVILEGES,
    "test_confinement.py::test_kernel_settings_are_read_only_and_secrets_of_the_kernel_masked": (
        _NO_PROC
    ),
    "test_confinement.py::test_loopback_of_the_host_is_out_of_reach": _ONE_NETWORK,
    "test_confinement.py::test_system_calls_are_filtered": _NO_PROC,
    "test_confinement.py::test_two_commands_can_use_the_same_port_at_once": _ONE_NETWORK,
    "test_container_corners.py::test_first_process_is_an_init": _NO_PROC,
    "test_container_corners.py::test_primary_group_is_among_all_groups": _NO_PROC,
    "test_dockerfile.py::test_stages_that_do_not_need_each_other_run_side_by_side": _LATE_NAMES,
    "test_dockerfile_mounts.py::test_bind_mount_shows_the_context_and_stages": _READ_ONLY,
    "test_dockerfile_mounts.py::test_network_host_is_the_engines_and_not_this_machines": (
        _ONE_NETWORK
    ),
    "test_dockerfile_mounts.py::test_network_none_has_only_the_loopback": _ONE_NETWORK,
    "test_exec_world.py::test_hostname_is_dagger": _OWN_HOSTNAME,
    "test_exec_world.py::test_insecure_root_capabilities_allow_a_mount": _NO_PRIVILEGES,
    "test_exec_world.py::test_no_init_makes_the_command_the_first_process": _OWN_PIDS,
    "test_exec_world.py::test_processes_of_the_host_are_not_seen": _OWN_PIDS,
    "test_exec_world.py::test_usual_devices_and_file_systems_are_there": _NO_PROC,
    "test_lacks.py::test_no_container_runtime": _NO_NAMESPACES,
    "test_lacks.py::test_what_is_there_is_said_too": _NO_NAMESPACES,
    "test_large_copies.py::test_contents_are_not_copied": _NO_LINKS,
    "test_load.py::test_sibling_fields_of_one_query_run_side_by_side": _LATE_NAMES,
    "test_mounts.py::test_read_only_mount_refuses_writes": _READ_ONLY,
    "test_mounts.py::test_temporary_folder_has_the_size_that_was_asked_for": _TEMP_SIZE,
    "test_mounts.py::test_temporary_folder_is_new_for_each_exec": _NO_PROC,
    "test_nested.py::test_secrets_are_read_in_the_container": _SECRET_PIPE,
    "test_progress.py::test_quiet_engine_writes_nothing": _ALOUD,
    "test_safety.py::test_container_cannot_see_the_hosts_files_or_store": _NO_PROC,
    "test_secrets.py::test_mounted_secret_is_a_private_read_only_file": _SECRET_PIPE,
    "test_service_names.py::test_binding_without_an_alias_has_the_host_name": _ONE_NETWORK,
    "test_service_names.py::test_running_service_finds_one_that_starts_later": _ONE_NETWORK,
    "test_services.py::test_service_of_a_service_is_started_first": _ONE_NETWORK,
    "test_services.py::test_two_services_are_there_at_once": _ONE_NETWORK,
    "test_service_ports.py::test_tunnel_passes_datagrams_on": _ANSWERS,
    "test_service_ports.py::test_up_listens_for_datagrams_too": _ANSWERS,
    "test_sockets.py::test_which_agent_it_was_does_not_count_for_the_cache": _NO_PROC,
    "test_service_failures.py::test_services_of_a_command_start_side_by_side": _LATE_NAMES,
    "test_service_lifetime.py::test_two_clients_that_start_at_once_have_one_service": _LATE_NAMES,
    "test_service_host.py::test_native_tunnel_has_the_ports_of_the_service": _ONE_NETWORK,
    "test_terminal.py::test_command_that_is_not_there_is_an_error": _TERMINAL,
    "test_terminal.py::test_default_command_and_what_it_may": _TERMINAL,
    "test_terminal.py::test_directory_and_service_have_terminals": _TERMINAL,
    "test_terminal.py::test_settings_are_what_they_were": _TERMINAL,
    "test_terminal.py::test_size_is_told_on_and_interrupts_are_the_commands": _TERMINAL,
    "test_terminal.py::test_somebody_sits_at_a_shell_of_the_container": _TERMINAL,
}
"""Cases that hold in no chroot -> why not."""

NOT_WITHOUT_PROC: Final = {
    "test_confinement.py::test_root_has_dockers_capabilities_and_others_none": _NO_PROC,
}
"""Cases that hold only where proot gives `/proc` -> why not without."""

NOT_BY_PROOT: Final = {
    "test_confinement.py::test_network_has_its_own_loopback_up": _ONE_NETWORK,
    "test_exec.py::test_command_killed_by_a_signal_fails_with_its_code": _NO_SIGNAL,
}
"""Cases that hold in a plain chroot, and not by proot -> why not."""

REPRESENTATIVE: Final = frozenset(
    {
        "test_cache_volumes.py::test_contents_are_there_for_the_next_exec_and_other_chains",
        "test_cache_volumes.py::test_locked_volume_serialises_execs",
        "test_caching.py::test_same_exec_of_another_session_is_cached",
        "test_container_files.py::test_owner_is_looked_up_and_its_group_is_its_own_number",
        "test_dockerfile.py::test_failing_run_tells_step_exit_code_and_output",
        "test_dockerfile.py::test_run_starts_in_the_workdir_as_the_user_with_the_variables",
        "test_dockerfile.py::test_stages_hand_on_files_and_only_the_last_is_kept",
        "test_dockerfile_copy.py::test_linked_copy_has_the_same_result",
        "test_emulated.py::test_program_of_another_platform_runs",
        "test_exec.py::test_arguments_reach_the_program_as_they_are",
        "test_exec.py::test_expect_any_keeps_what_the_failed_command_wrote",
        "test_exec.py::test_failed_command_tells_all_the_sdk_reads",
        "test_exec_edges.py::test_missing_workdir_belongs_to_the_user_of_the_exec",
        "test_exec_streams.py::test_redirected_stdout_is_in_the_file_and_still_in_stdout",
        "test_exec_world.py::test_exec_that_changes_nothing_leaves_no_difference",
        "test_exec_world.py::test_first_process_is_an_init_that_reaps",
        "test_exec_world.py::test_mount_points_leave_no_trace_in_the_rootfs",
        "test_exec_world.py::test_user_by_name_has_its_supplementary_groups",
        "test_from.py::test_whiteouts_and_opaque_folders_of_the_image_count",
        "test_git.py::test_tree_has_the_files_of_the_ref",
        "test_host.py::test_links_stay_as_they_are",
        "test_layers.py::test_replaced_things_look_as_after_the_same_script_in_one_step",
        "test_mounts.py::test_mount_inside_a_mount_is_seen",
        "test_mounts.py::test_mounts_never_reach_the_rootfs",
        "test_mounts.py::test_writes_to_a_mount_follow_the_chain_but_not_the_source",
        "test_nested.py::test_command_speaks_to_the_session",
        "test_nested.py::test_exports_go_into_the_container",
        "test_publish.py::test_published_image_comes_back_the_same",
        "test_secrets.py::test_large_binary_like_secret_is_mounted_whole",
        "test_secrets.py::test_mounted_secret_is_no_file_of_the_container",
        "test_secrets.py::test_mounted_secret_takes_owner_and_mode",
        "test_secrets.py::test_secret_variable_is_seen_by_the_exec_only",
        "test_sockets.py::test_command_talks_to_a_socket_of_the_host",
    }
)
"""Cases that `scripts/test-chroot --representative` runs, and so each full test run of root's."""


def limit(case: str, isolation: str) -> str | None:
    """Return why a case (`file::function`) can't hold in `chroot` or `proot`, None where it can."""
    file = case.partition("::")[0]
    if file in NEVER:
        return NEVER[file]
    more = NOT_BY_PROOT if isolation == "proot" else NOT_WITHOUT_PROC
    return LIMITS.get(case) or more.get(case)
