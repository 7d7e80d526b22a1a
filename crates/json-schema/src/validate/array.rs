//! What schemas say of arrays.

use std::collections::HashMap;

use super::{Check, Outcome, keep_better};
use crate::schema::{Additional, Items, Node};
use crate::value::Value;
use crate::violation::Context;

impl Check<'_> {
    pub(super) fn array(&mut self, node: &Node, elements: &[Value], outcome: &mut Outcome, context: &Context<'_>) {
        let rules = &node.arrays;
        match &rules.items {
            Items::Any => {}
            Items::Each(each) => {
                for (at, element) in elements.iter().enumerate() {
                    let tried = self.alone(*each, element, &Context::Element(at, context));
                    outcome.merge(tried);
                }
            }
            Items::Positions(positions) if !positions.is_empty() => {
                for (at, (position, element)) in positions.iter().zip(elements).enumerate() {
                    let tried = self.alone(*position, element, &Context::Element(at, context));
                    outcome.merge(tried);
                }
                let more = elements.iter().enumerate().skip(positions.len());
                match rules.additional {
                    Additional::None if elements.len() > positions.len() => {
                        outcome.wrong(context, "No additional items allowed on array");
                    }
                    Additional::Schema(schema) => {
                        for (at, element) in more {
                            let tried = self.alone(schema, element, &Context::Element(at, context));
                            outcome.merge(tried);
                        }
                    }
                    _ => {}
                }
            }
            Items::Positions(_) => {}
        }
        let count = elements.len() as u64;
        if let Some(least) = rules.min_items.filter(|least| count < *least) {
            outcome.wrong(context, format!("Array must have at least {least} items"));
        }
        if let Some(most) = rules.max_items.filter(|most| count > *most) {
            outcome.wrong(context, format!("Array must have at most {most} items"));
        }
        if rules.is_unique {
            self.unique(elements, outcome, context);
        }
        if let Some(contains) = rules.contains {
            let mut best = None;
            let is_there = elements.iter().enumerate().any(|(at, element)| {
                let tried = self.alone(contains, element, &Context::Element(at, context));
                let is_valid = tried.is_valid();
                keep_better(&mut best, tried);
                is_valid
            });
            if !is_there {
                outcome.wrong(context, "At least one of the items must match");
                best.into_iter().for_each(|best| outcome.merge(best));
            }
        }
        outcome.score += 1;
    }

    fn unique(&mut self, elements: &[Value], outcome: &mut Outcome, context: &Context<'_>) {
        let mut known = HashMap::with_capacity(elements.len());
        for (at, element) in elements.iter().enumerate() {
            let Some(text) = self.canonical(element) else { return };
            if let Some(before) = known.insert(text, at) {
                outcome.wrong(context, format!("array items[{before},{at}] must be unique"));
            }
        }
    }
}
