//! What every implementation of the store promises. Each promise is a function that takes a way to make stores; `held_to` runs
//! all of them against one implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod commits;
mod crash;
mod etcd;
#[path = "../../../../tests/harness/etcd.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests of the whole share it")]
mod etcd_process;
mod fixture;
mod guards;
mod model;
#[path = "../../../../tests/harness/port.rs"]
#[allow(dead_code, unreachable_pub, reason = "the tests of the whole share it")]
mod port;
mod reopen;
mod sealed;
mod views;
mod watches;

macro_rules! held_to {
    ($implementation:ident: $($module:ident { $($promise:ident),* $(,)? })*) => {
        mod $implementation {
            $(mod $module {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $promise() {
                    if crate::fixture::is_there(stringify!($implementation)) {
                        crate::$module::$promise(&crate::fixture::$implementation).await;
                    }
                })*
            })*
        }
    };
}

macro_rules! every_implementation {
    ($($implementation:ident),*) => {$(
        held_to! { $implementation:
            commits {
                a_write_happens_only_as_expected,
                a_commit_happens_whole_or_not_at_all,
                writes_of_a_commit_share_its_revision,
                entries_say_when_they_were_made_and_changed,
                a_commit_is_seen_once_it_is_acknowledged,
                of_many_that_compare_and_swap_one_wins,
                what_is_too_large_is_refused,
                a_key_is_named_once,
                a_commit_has_writes,
            }
            guards {
                a_guard_holds_or_nothing_is_done,
                a_guard_leaves_no_trace,
                guards_alone_are_no_commit,
                a_guarded_key_is_named_once,
                what_is_guarded_holds_at_the_commit,
            }
            watches {
                events_tell_what_was,
                list_and_watch_add_up_under_load,
                only_the_prefix_is_seen_but_revisions_move_on,
                a_watch_waits_and_may_be_cancelled,
                a_watch_begins_in_the_past,
                a_watch_in_the_future_is_refused,
                a_forgotten_past_is_refused,
                a_slow_watch_stops_nobody,
                a_commit_arrives_whole,
                batches_are_bounded,
                many_narrow_watches_see_their_own,
                a_watch_ends_with_the_store,
            }
            views {
                a_view_does_not_change,
                an_earlier_view_can_be_had_again,
                pages_of_a_view_fit_together,
                a_used_view_outlives_its_history,
                a_view_beyond_history_is_gone,
                a_view_in_the_future_is_refused,
                a_list_is_its_prefix_in_order,
                objects_that_are_alike_are_each_as_written,
            }
        }
    )*};
}

every_implementation!(memory, embedded, etcd_alone, etcd_sealed);
