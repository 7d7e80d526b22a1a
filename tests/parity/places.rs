//! Where a hash of `address:port` places endpoints, worked out anew from what is published of the two ways: the papers, and that keys are
//! hashed by xxHash64. Who asks compares a proxy with it, since no two of them have upstreams at one port here.

use xxhash_rust::xxh64::xxh64;

/// The two ways, with Envoy's defaults.
#[derive(Debug, Clone, Copy)]
pub enum Places {
    Ring,
    Maglev,
}

/// Least size of a ring.
const RING: usize = 1024;
/// Size of a table.
const TABLE: u64 = 65_537;

impl Places {
    /// Which of `addresses` serves a request whose header has the value `value`, at upstreams on `port`.
    pub fn of<'a>(self, addresses: &[&'a str], port: u16, value: &str) -> &'a str {
        let keys: Vec<_> = addresses.iter().map(|address| format!("{address}:{port}")).collect();
        let hash = xxh64(value.as_bytes(), 0);
        let at = match self {
            Self::Ring => ring(&keys, hash),
            Self::Maglev => maglev(&keys, hash),
        };
        addresses[at]
    }
}

fn ring(keys: &[String], hash: u64) -> usize {
    let each = RING.div_ceil(keys.len());
    let points = keys
        .iter()
        .enumerate()
        .flat_map(|(at, key)| (0..each).map(move |number| (xxh64(format!("{key}_{number}").as_bytes(), 0), at)));
    let mut points: Vec<_> = points.collect();
    points.sort_unstable();
    let next = points.partition_point(|(point, _)| *point < hash);
    points[next % points.len()].1
}

fn maglev(keys: &[String], hash: u64) -> usize {
    let permutation = |key: &String| (xxh64(key.as_bytes(), 0) % TABLE, xxh64(key.as_bytes(), 1) % (TABLE - 1) + 1);
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|at| &keys[*at]);
    let mut next: Vec<_> = keys.iter().map(permutation).collect();
    let mut table = vec![None; TABLE as usize];
    let mut free = table.len();
    'full: loop {
        for at in &order {
            let (place, skip) = &mut next[*at];
            while table[*place as usize].is_some() {
                *place = (*place + *skip) % TABLE;
            }
            table[*place as usize] = Some(*at);
            free -= 1;
            if free == 0 {
                break 'full;
            }
        }
    }
    table[(hash % TABLE) as usize].unwrap()
}
