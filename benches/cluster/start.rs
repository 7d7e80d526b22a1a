//! A control plane that starts on an etcd that holds many objects already.

use std::time::Instant;

use crate::create::BACKENDS;
use crate::member::Member;
use crate::planes::{Plane, fill};
use crate::support::http::Client;

pub fn run(objects: usize) {
    let member = Member::start(21700);
    let mut first = Plane::begin(&member, 0, 0);
    first.wait();
    // A route for sixteen Backends.
    let resources = fill(first.api, objects * 16 / 17);
    println!("{resources} resources of as many objects; each control plane is alone");
    drop(first);

    println!("| | s | CPU s | etcd, CPU s | MiB |");
    println!("|---|---|---|---|---|");
    for index in 1..4 {
        let etcd = member.process.cpu_seconds();
        let began = Instant::now();
        let mut plane = Plane::begin(&member, index, resources);
        plane.wait();
        let (wall, own, etcd) = (began.elapsed(), plane.process.cpu_seconds(), member.process.cpu_seconds() - etcd);
        let resident = plane.process.resident_mib();
        println!("| until it is ready | {:.2} | {own:.2} | {etcd:.2} | {resident:.0} |", wall.as_secs_f64());
        let compiled = plane.metric("backstay_compile_seconds_sum");
        println!("| of that, the first compile | {compiled:.2} | | | |");
        list(&plane);
    }
}

fn list(plane: &Plane) {
    let mut client = Client::connect(plane.api);
    for name in ["a list of all Backends", "the same again"] {
        let (cpu, began) = (plane.process.cpu_seconds(), Instant::now());
        assert_eq!(client.get(BACKENDS).status, 200);
        let (wall, cpu) = (began.elapsed().as_secs_f64(), plane.process.cpu_seconds() - cpu);
        println!("| {name} | {wall:.2} | {cpu:.2} | | {:.0} |", plane.process.resident_mib());
    }
}
