use crate::counts::CallOutcome;
use crate::metrics::family::Family;
use crate::metrics::family::Read::{Rises, Times};
use crate::metrics::{CallSnapshot, Exposition};

/// Calls of compositions.
const FAMILIES: &[Family<CallSnapshot>] = &[
    Family {
        name: "backstay_call_results_total",
        help: "Calls of a composition, by how they ended.",
        read: Rises("outcome", |call| {
            let counts = CallOutcome::ALL.iter().zip(&call.metrics.outcomes);
            // Most never happen.
            let happened = counts.filter(|(outcome, count)| **outcome == CallOutcome::Ok || count.get() > 0);
            happened.map(|(outcome, count)| (outcome.as_str(), count.get())).collect()
        }),
    },
    Family {
        name: "backstay_call_duration_seconds",
        help: "Time that a call of a composition took, to the end of its answer, or of the head of one that is passed on.",
        read: Times(|call| &call.metrics.duration),
    },
];

/// Writes what is counted for each call, by route and by the name of the call. Those that were never made are left out.
pub(super) fn write_calls(text: &mut Exposition, calls: &[CallSnapshot]) {
    let made = |call: &&CallSnapshot| call.metrics.outcomes.iter().any(|count| count.get() > 0);
    let made: Vec<_> = calls.iter().filter(made).collect();
    for family in FAMILIES {
        text.family(family.name, family.kind(), family.help);
        for call in &made {
            family.write_samples(text, family.name, &[("route", &*call.route), ("call", &*call.call)], call);
        }
    }
}
