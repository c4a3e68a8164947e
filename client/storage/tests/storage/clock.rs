//! Clocks that jump: no time-out fires before its time or not at all, nothing is taken for older or newer than it is.

#[path = "../support/clock.rs"]
mod jumping;

use jumping::under_a_jumping_clock;

#[test]
fn time_outs_of_the_client_are_what_they_are_under_a_clock_that_jumps() {
    under_a_jumping_clock(&[
        // An answer, a block and an upload without progress.
        "lying_server::a_mute_or_foreign_server_is_not_connected_to",
        "lying_server::a_mute_server_is_left_after_the_idle_timeout",
        "lying_server::a_server_that_trickles_is_left_after_ten_idle_timeouts",
        "lying_server::an_add_that_is_never_answered_ends_in_a_timeout",
        "lying_server::a_connection_that_breaks_every_time_is_reported_as_such",
        // Which source is the fastest, and how long one is left alone.
        "sources::hostile::an_honest_source_wins_among_hostile_ones",
        "sources::hostile::a_lone_slow_source_fails_by_name_and_leaves_no_file",
        // How long a connection is kept.
        "uploads::blocks_come_and_go_over_connections_that_are_kept",
        "uploads::an_upload_in_one_stream_tells_how_far_it_is",
    ]);
}

#[test]
fn hosts_and_gateways_keep_their_patience_under_a_clock_that_jumps() {
    under_a_jumping_clock(&[
        "gateway::bad_clients::a_head_that_has_no_end_is_refused",
        "gateway::bad_clients::a_request_that_comes_one_byte_at_a_time_is_cut_and_others_get_its_place",
        "gateway::bad_clients::a_client_that_takes_nothing_loses_its_turn",
        "host::bad_trainers::a_byte_now_and_then_is_no_upload_and_its_place_goes_to_others",
        "host::crowds::connections_that_say_nothing_are_closed_and_others_get_their_places",
        "host::cuts::a_newer_request_ends_one_that_only_the_host_believes_in",
        "host::cuts::a_repeated_header_ends_no_upload_that_goes_on",
        "host::cuts::the_client_goes_on_by_itself_as_long_as_it_gets_further",
        "host::bad_hosts::an_honest_host_behind_any_number_of_others_gets_the_update",
    ]);
}

#[test]
fn a_store_takes_nothing_for_older_or_newer_under_a_clock_that_jumps() {
    under_a_jumping_clock(&[
        "damage::times_of_files_change_nothing",
        "store::a_second_opening_is_refused_and_names_the_holder",
        "sources::resume::nothing_that_lies_there_is_believed",
        // The only place where the time of the day is used: an archive's entries have one.
        "get::a_directory_comes_with_all_that_is_in_it",
    ]);
}
