"""What says the same of root and of an ordinary user, case by case: it gets the mark `once`.

`scripts/test` runs the suite as root, and as an ordinary user all that isn't named here: whatever a
command sees or does in its container, networks, services, mounts, owners, layers and their
clean-up. What is named here is decided by code that knows nothing of who runs it.
"""

from __future__ import annotations

from typing import Final

_QUERIES: Final = "values are kept, changed and told by the server alone"
_REGISTRIES: Final = "it's about what a registry says, and what is told of it"
_HOST_PROGRAMS: Final = "a program of the host does it, outside of containers, as for anybody"
_KEYS: Final = "which step is the same as another is decided by digests of what goes in"
_ORDER: Final = "what runs when, and who waits for whom, is decided before anything starts"
_OUTPUT: Final = "output is read from a pipe, whoever writes it"
_TRAVEL: Final = "it's about files of a cache; that owners and volumes come along is asked of both"
_REPEATED: Final = "a smaller case asks the same of the container"
_LARGE: Final = "it takes long because it is large, and small cases ask the same"

ONCE: Final = {
    "test_abandoned.py": _ORDER,
    "test_address.py": _QUERIES,
    "test_attached.py": _QUERIES,
    "test_budget.py::test_answers_come_before_room_is_made": _ORDER,
    "test_budget.py::test_room_is_made_while_sessions_live_and_keeps_what_they_use": _ORDER,
    "test_budget.py::test_what_was_used_last_is_there_in_the_next_session": _ORDER,
    "test_cache_travel.py::test_a_pipeline_takes_along_what_it_used_and_not_what_others_did": (
        _TRAVEL
    ),
    "test_cache_travel.py::test_cache_of_somebody_who_means_harm_is_refused": _TRAVEL,
    "test_cache_travel.py::test_folders_that_are_none_are_told": _TRAVEL,
    "test_cache_travel.py::test_importing_twice_and_into_a_used_store_adds_what_is_missing": (
        _TRAVEL
    ),
    "test_cache_travel.py::test_only_the_cache_that_was_meant_is_believed": _TRAVEL,
    "test_cache_travel.py::test_only_what_is_new_is_written_again": _TRAVEL,
    "test_cache_travel.py::test_what_a_tool_of_the_host_made_goes_along_and_is_found_by_its_contents": (  # noqa: E501 - a name
        _TRAVEL
    ),
    "test_cache_travel.py::test_what_is_damaged_is_told_and_made_again_and_the_rest_is_taken": (
        _TRAVEL
    ),
    "test_cache_travel.py::test_what_is_missing_is_told_before_anything_is_fetched": _TRAVEL,
    "test_cache_travel.py::test_what_is_no_longer_used_is_left_behind": _TRAVEL,
    "test_caching.py::test_any_change_of_the_inputs_runs_again": _KEYS,
    "test_caching.py::test_different_execs_run_side_by_side": _ORDER,
    "test_caching.py::test_failed_exec_is_not_cached": _KEYS,
    "test_caching.py::test_failed_exec_with_expect_any_is_cached": _KEYS,
    "test_caching.py::test_files_count_by_content_not_by_where_they_came_from": _KEYS,
    "test_caching.py::test_identical_execs_at_the_same_time_run_once": _ORDER,
    "test_caching.py::test_later_steps_share_the_earlier_ones": _KEYS,
    "test_caching.py::test_one_step_may_be_asked_for_many_things_at_once": _ORDER,
    "test_caching.py::test_same_exec_runs_once_in_a_session": _KEYS,
    "test_caching.py::test_sync_returns_what_goes_on_without_running_again": _KEYS,
    "test_deterministic.py::test_epoch_that_is_none_is_told": _QUERIES,
    "test_deterministic.py::test_history_is_what_was_written_whoever_made_the_layers": _KEYS,
    "test_deterministic.py::test_store_that_has_older_steps_gives_the_same_image": _KEYS,
    "test_faults.py::test_closed_registry_is_named_with_what_to_do": _REGISTRIES,
    "test_faults.py::test_damaged_base_layer_is_told_at_the_publish_and_pulled_again": _REGISTRIES,
    "test_faults.py::test_damaged_manifest_is_fetched_again": _REGISTRIES,
    "test_faults.py::test_interrupted_pull_is_done_by_the_next_session": _REGISTRIES,
    "test_faults.py::test_lasting_trouble_is_told_and_over_with_its_cause": _REGISTRIES,
    "test_faults.py::test_passing_trouble_of_a_registry_is_not_noticed": _REGISTRIES,
    "test_faults.py::test_publish_survives_a_passing_trouble": _REGISTRIES,
    "test_faults.py::test_pull_that_nobody_waits_for_any_more_is_ended": _HOST_PROGRAMS,
    "test_faults.py::test_pull_whose_program_is_killed_starts_again": _HOST_PROGRAMS,
    "test_faults.py::test_store_of_a_later_version_is_left_alone": _QUERIES,
    "test_from.py::test_closed_registry_needs_its_account": _REGISTRIES,
    "test_from.py::test_image_ref_after_a_change_is_an_error": _QUERIES,
    "test_from.py::test_image_ref_is_name_tag_and_digest": _QUERIES,
    "test_from.py::test_image_that_may_not_be_seen_is_told_of_as_one_that_may_not_be": _REGISTRIES,
    "test_from.py::test_malformed_reference_is_an_error": _QUERIES,
    "test_from.py::test_missing_tag_is_an_error_that_names_the_reference": _REGISTRIES,
    "test_from.py::test_platform_that_the_image_lacks_is_an_error": _REGISTRIES,
    "test_from.py::test_tag_defaults_to_latest": _QUERIES,
    "test_from.py::test_tag_is_resolved_once_in_a_session": _REGISTRIES,
    "test_from.py::test_unreachable_registry_is_an_error_that_names_it": _REGISTRIES,
    "test_git.py::test_commit_that_was_seen_is_not_fetched_again": _KEYS,
    "test_git.py::test_common_ancestor_of_two_branches": _HOST_PROGRAMS,
    "test_git.py::test_depth_and_tags_bring_more_history": _HOST_PROGRAMS,
    "test_git.py::test_errors_say_what_is_not_there": _HOST_PROGRAMS,
    "test_git.py::test_names_lead_to_commits": _HOST_PROGRAMS,
    "test_git.py::test_names_stay_for_the_session": _KEYS,
    "test_git.py::test_repository_by_http": _HOST_PROGRAMS,
    "test_git.py::test_same_commit_does_not_run_a_command_again": _KEYS,
    "test_git.py::test_secrets_are_refused_where_they_would_not_be_used": _QUERIES,
    "test_git.py::test_tags_and_branches_are_listed_by_pattern": _HOST_PROGRAMS,
    "test_git.py::test_token_and_header_open_a_closed_server": _HOST_PROGRAMS,
    "test_git.py::test_url_is_told_with_its_scheme_and_without_the_password": _QUERIES,
    "test_git_ssh.py::test_agent_of_the_clients_environment_is_the_default": _HOST_PROGRAMS,
    "test_git_ssh.py::test_agent_without_the_key_is_not_let_in": _HOST_PROGRAMS,
    "test_git_ssh.py::test_server_that_nobody_knows_is_trusted_unless_others_are_named": (
        _HOST_PROGRAMS
    ),
    "test_git_ssh.py::test_user_of_an_ssh_server_is_git_unless_it_is_named": _QUERIES,
    "test_git_ssh.py::test_without_an_agent_the_error_says_so": _HOST_PROGRAMS,
    "test_host_snapshots.py": _KEYS,
    "test_http.py": _HOST_PROGRAMS,
    "test_limits.py": _LARGE,
    "test_load.py": _ORDER,
    "test_nested.py::test_sdk_works_inside_a_container": _REPEATED,
    "test_progress.py": _OUTPUT,
    "test_records.py": _QUERIES,
    "test_registries.py::test_images_of_every_form_are_pulled_and_run": _REGISTRIES,
    "test_registries.py::test_login_of_the_users_docker_config_is_used": _REGISTRIES,
    "test_registries.py::test_login_opens_a_closed_registry_for_the_whole_session": _REGISTRIES,
    "test_registries.py::test_pulled_layers_of_any_form_are_pushed_as_they_were": _REGISTRIES,
    "test_registries.py::test_single_foreign_image_is_taken_when_no_platform_was_asked_for": (
        _REGISTRIES
    ),
    "test_registries.py::test_wrong_password_is_refused_and_not_shown": _REGISTRIES,
    "test_scrubbing.py::test_empty_secret_does_not_scrub_everything": _OUTPUT,
    "test_scrubbing.py::test_encoded_secrets_are_not_recognised": _OUTPUT,
    "test_scrubbing.py::test_errors_are_scrubbed": _OUTPUT,
    "test_scrubbing.py::test_many_secrets_in_one_line_are_all_scrubbed": _OUTPUT,
    "test_scrubbing.py::test_one_secret_inside_another_is_scrubbed_as_a_whole": _OUTPUT,
    "test_scrubbing.py::test_only_secrets_of_this_exec_are_scrubbed": _OUTPUT,
    "test_scrubbing.py::test_secret_across_a_chunk_border_is_scrubbed": _OUTPUT,
    "test_scrubbing.py::test_secret_that_spans_lines_is_scrubbed": _OUTPUT,
    "test_scrubbing.py::test_secret_written_in_small_pieces_is_scrubbed": _OUTPUT,
    "test_scrubbing.py::test_trimmed_form_of_a_secret_is_scrubbed_too": _OUTPUT,
    "test_search.py": _HOST_PROGRAMS,
    "test_secret_stores.py": _HOST_PROGRAMS,
    "test_settings.py": _QUERIES,
    "test_tracing.py": _OUTPUT,
    "test_unsupported.py": _QUERIES,
    "test_wire.py": _QUERIES,
}
"""Files, and cases (`file::function`) -> why root's run of them is enough."""


def is_asked_once(case: str) -> bool:
    """Return whether a case (`file::function`) is enough as one user."""
    return case in ONCE or case.partition("::")[0] in ONCE
