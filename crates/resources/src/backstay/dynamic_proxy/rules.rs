use std::collections::HashSet;
use std::time::Duration;

use super::block::Block;
use super::{AddressRules, DnsPolicy, DynamicProxyPolicy, PortRange};
use crate::backstay::bounds::{self, MAX_LIST};
use crate::field::{FieldError, FieldPath, Findings};

const MAX_BLOCKS: usize = 256;
/// More passes are more than a circle needs to be one.
const MAX_PASSES: u32 = 100;

impl DynamicProxyPolicy {
    pub(in crate::backstay) fn check(&self, path: &FieldPath, findings: &mut Findings) {
        if let Some(addresses) = &self.addresses {
            addresses.check(&path.child("addresses"), findings);
        }
        if let Some(dns) = &self.dns {
            dns.check(&path.child("dns"), findings);
        }
        if let Some(passes) = self.max_passes {
            findings.within(&path.child("maxPasses"), passes, &(0..=MAX_PASSES));
        }
    }
}

impl AddressRules {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let allowed = blocks(&self.allow, &path.child("allow"), findings);
        let deny = path.child("deny");
        for (index, text, block) in blocks(&self.deny, &deny, findings) {
            if let Some((_, by, _)) = allowed.iter().find(|(_, _, allowed)| allowed.covers(block)) {
                let detail = format!("has no effect: allow has {by}, and comes first");
                findings.invalid(&deny.index(index), text, &detail);
            }
        }
        let list = path.child("ports");
        if findings.most(&list, self.ports.len(), MAX_LIST) {
            for (index, range) in self.ports.iter().enumerate() {
                range.check(&list.index(index), findings);
            }
        }
    }
}

/// The sound ones of a list of blocks, with their positions.
fn blocks<'a>(list: &'a [String], path: &FieldPath, findings: &mut Findings) -> Vec<(usize, &'a str, Block)> {
    let mut sound = Vec::new();
    if !findings.most(path, list.len(), MAX_BLOCKS) {
        return sound;
    }
    let mut seen = HashSet::new();
    for (index, text) in list.iter().enumerate() {
        let path = path.index(index);
        match Block::parse(text) {
            Err(problem) => findings.invalid(&path, text, &problem),
            Ok(block) if !seen.insert(block) => findings.add(FieldError::duplicate(path, text)),
            Ok(block) => sound.push((index, text.as_str(), block)),
        }
    }
    sound
}

impl PortRange {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        findings.port(&path.child("start"), self.start);
        let Some(end) = self.end else { return };
        findings.port(&path.child("end"), end);
        if end < self.start {
            let detail = format!("must not be below start, {}", self.start);
            findings.invalid(&path.child("end"), &end.to_string(), &detail);
        }
    }
}

impl DnsPolicy {
    fn check(&self, path: &FieldPath, findings: &mut Findings) {
        let least = Duration::from_millis(1);
        bounds::at_least(self.failure_base, least, &path.child("failureBase"), findings);
        let most = path.child("failureMax");
        bounds::at_least(self.failure_max, least, &most, findings);
        bounds::not_shorter(self.failure_max, self.failure_base, "failureBase", &most, findings);
        bounds::number(self.max_pending_requests, 1, &path.child("maxPendingRequests"), findings);
    }
}
