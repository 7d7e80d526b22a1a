//! Schemas that lead back to themselves without a step into the value: a check would never end.

use super::Made;
use crate::schema::{NodeId, Schema};

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    No,
    /// On the way to what is looked at.
    Above,
    /// With how many schemas apply within one another from here on.
    Done(usize),
}

/// Refuses schemas that lead back to themselves, and those where too many apply within one another.
pub(super) fn refuse(schema: &Schema) -> Made<()> {
    let mut seen = vec![Seen::No; schema.nodes.len()];
    for start in 0..schema.nodes.len() {
        // No function that calls itself: nothing bounds how far references lead but their number.
        let mut stack = Vec::new();
        if !matches!(seen.get(start), Some(Seen::No)) {
            continue;
        }
        enter(schema, start, &mut stack, &mut seen);
        while let Some((node, below, depth)) = stack.last_mut() {
            let Some(next) = below.pop() else {
                let (node, depth) = (*node, *depth + 1);
                if depth > Schema::MAX_CHAIN {
                    return super::refuse(
                        &[],
                        format!("more than {} schemas apply within one another", Schema::MAX_CHAIN),
                    );
                }
                if let Some(state) = seen.get_mut(node) {
                    *state = Seen::Done(depth);
                }
                stack.pop();
                if let Some((_, _, above)) = stack.last_mut() {
                    *above = (*above).max(depth);
                }
                continue;
            };
            match seen.get(next) {
                Some(Seen::Done(known)) => *depth = (*depth).max(*known),
                Some(Seen::Above) => {
                    return super::refuse(&[], "a $ref leads back to itself, so that a check would never end");
                }
                _ => enter(schema, next, &mut stack, &mut seen),
            }
        }
    }
    Ok(())
}

fn enter(schema: &Schema, node: NodeId, stack: &mut Vec<(NodeId, Vec<NodeId>, usize)>, seen: &mut [Seen]) {
    if let Some(state) = seen.get_mut(node) {
        *state = Seen::Above;
    }
    let below = schema.nodes.get(node).map(|node| node.beside().collect()).unwrap_or_default();
    stack.push((node, below, 0));
}
