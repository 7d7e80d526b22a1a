//! What is wrong with this proxy at this moment, in words: the first thing to read.

use backstay_balancer::Health;
use backstay_upstream::Discovery;
use backstay_upstream::counts::{Times, TimesRead};

use super::context::Admin;
use crate::control::{look, now};
use crate::metrics::BackendSnapshot;
use crate::process::Usage;

/// Troubles that are told; beyond, how many more there are.
const MOST: usize = 100;

/// What is wrong, those things first that concern all that is served.
pub(super) fn troubles(admin: &Admin, usage: &Usage) -> Vec<String> {
    let mut all = Vec::new();
    of_process(admin, usage, &mut all);
    of_model(admin, &mut all);
    let backends = look(&admin.model).snapshots();
    backends.iter().for_each(|backend| of_backend(backend, &mut all));
    if all.len() > MOST {
        let more = all.len() - MOST;
        all.truncate(MOST);
        all.push(format!("and {more} more: see /backends, /certs and /config_dump"));
    }
    all
}

fn of_process(admin: &Admin, usage: &Usage, all: &mut Vec<String>) {
    let status = admin.status.borrow();
    if let Some(why) = status.unready() {
        all.push(format!("not ready: {why}"));
    }
    if let (false, Some(why)) = (status.connected, &status.last_disconnect) {
        all.push(format!("no control plane, and what was in force is served: {why}"));
    }
    drop(status);
    if let (Some(open), Some(most)) = (usage.open_files, usage.max_files)
        && open as u64 >= most.saturating_sub(most / 20)
    {
        all.push(format!("{open} of {most} file descriptors are open: raise the limit (ulimit -n, LimitNOFILE)"));
    }
    let refused = admin.server.accept_failures.get();
    if refused > 0 {
        all.push(format!(
            "{refused} connections were not accepted since the start, for want of file descriptors or memory"
        ));
    }
    let failures = admin.server.log_failures.get();
    if failures > 0 {
        let lost = admin.server.log_lines_unwritten.get();
        all.push(format!(
            "the access log could not be written {failures} times, as on a full disk; {lost} lines are lost"
        ));
    }
    let state = &admin.control.state_failures;
    let failed = state.store_configuration.get() + state.store_names.get();
    if failed > 0 {
        all.push(format!("the state directory could not be written {failed} times, as on a full disk"));
    }
}

fn of_model(admin: &Admin, all: &mut Vec<String>) {
    let bound = admin.status.borrow().listeners.clone();
    let model = look(&admin.model);
    for (name, rejected) in model.rejected() {
        let faults: Vec<_> =
            rejected.faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        all.push(format!("{name} is refused, and its last good version served: {}", faults.join("; ")));
    }
    for listener in model.listener_views() {
        if !listener.ready {
            all.push(format!("{} waits for its certificate", listener.name));
        } else if !bound.contains(&listener.address) {
            all.push(format!(
                "{} does not listen on {}: something else has the port, or it is none of this host",
                listener.name, listener.address
            ));
        }
    }
    for certificate in model.certificates() {
        let standing = certificate.standing(now()).as_str();
        if standing != "valid" {
            let days = certificate.days_left(now()).map_or_else(String::new, |days| format!(", {days:.1} days left"));
            all.push(format!("the certificate of {} is {}{days}", certificate.secret, in_words(standing)));
        }
    }
    for backend in model.backends() {
        for (name, error) in &backend.failing_names {
            all.push(format!("{}: the name {name} has no address: {error}", backend.name));
        }
        if let Some(secret) = backend.waiting_for {
            all.push(format!("{} waits for {secret}", backend.name));
        }
    }
}

fn in_words(standing: &str) -> &str {
    match standing {
        "endsSoon" => "about to end",
        "notYetValid" => "not valid yet",
        other => other,
    }
}

fn of_backend(snapshot: &BackendSnapshot, all: &mut Vec<String>) {
    let name = &snapshot.name;
    if let Some(backend) = &snapshot.backend
        && let Discovery::Addresses(list) = &backend.discovery
    {
        let list = list.load();
        let failing = |endpoint: &backstay_upstream::Endpoint| {
            let failing = backend.last_errors().failing(endpoint.address, endpoint.port)?;
            Some(format!("{name}: no connection to {}: {}", endpoint.address, failing.error))
        };
        all.extend(list.iter().filter_map(failing));
        let down = (0..list.len()).filter(|index| list.set().health(*index) == Some(Health::Unhealthy)).count();
        if down > 0 {
            all.push(format!("{name}: {down} of {} endpoints get no requests", list.len()));
        }
    }
    let abandoned = snapshot.metrics.abandoned.get();
    if abandoned > 0 {
        let after = typical(&snapshot.metrics.abandoned_after);
        all.push(format!(
            "{name}: {abandoned} clients left since the start before an answer to them began{after}: it is slower than they wait"
        ));
    }
    let active = snapshot.metrics.active.get();
    let answered: u64 = snapshot.metrics.requests.iter().map(backstay_upstream::counts::Count::get).sum();
    if active > 0 && answered == 0 {
        all.push(format!("{name}: {active} requests are under way, and none was ever answered"));
    }
}

/// How long half of them took at most.
pub(super) fn typical(times: &Times) -> String {
    let TimesRead { bounds, cumulated, .. } = times.read();
    let all = cumulated.last().copied().unwrap_or_default();
    let half = cumulated.iter().position(|count| all > 0 && count * 2 >= all);
    match half.and_then(|index| bounds.get(index)) {
        Some(bound) => format!(", half of them within {bound} s"),
        None => format!(", half of them after {} s or more", bounds.last().copied().unwrap_or_default()),
    }
}
