use xxhash_rust::xxh64::xxh64;

/// Hashes in order, each of an endpoint; a request goes to the first that is not below its own.
#[derive(Debug, Default)]
pub(super) struct Ring {
    hashes: Vec<(u64, u32)>,
}

impl Ring {
    /// So many hashes that the endpoint with the least share has a whole number of them, and all together at least
    /// `minimum`; at most `maximum`.
    pub(super) fn new<'a>(shares: &[(u32, f64)], key: impl Fn(u32) -> &'a str, minimum: u32, maximum: u32) -> Self {
        let Some(least) = shares.iter().map(|(_, share)| *share).min_by(f64::total_cmp) else {
            return Self::default();
        };
        let scale = ((least * f64::from(minimum)).ceil() / least).min(f64::from(maximum));
        let mut hashes = Vec::with_capacity(scale.ceil() as usize);
        let mut name = String::new();
        // Shares are seldom whole numbers of hashes: what one has too much, the next has too little.
        let mut wanted = 0.0;
        for (index, share) in shares {
            name.clear();
            name.push_str(key(*index));
            name.push('_');
            let stem = name.len();
            wanted += scale * share;
            let mut number = 0_u32;
            while (hashes.len() as f64) < wanted {
                name.truncate(stem);
                push_decimal(&mut name, number);
                hashes.push((xxh64(name.as_bytes(), 0), *index));
                number += 1;
            }
        }
        hashes.sort_unstable();
        Self { hashes }
    }

    pub(super) fn pick(&self, hash: u64, attempt: usize) -> Option<u32> {
        let at = self.hashes.partition_point(|(at, _)| *at < hash);
        let at = at.checked_rem(self.hashes.len())?;
        self.hashes.get(at.wrapping_add(attempt) % self.hashes.len()).map(|(_, index)| *index)
    }

    #[cfg(test)]
    pub(super) fn hashes(&self) -> &[(u64, u32)] {
        &self.hashes
    }
}

fn push_decimal(text: &mut String, number: u32) {
    if number >= 10 {
        push_decimal(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}
