//! What schemas say of single values.

use super::{Check, Outcome};
use crate::canonical;
use crate::decimal::Decimal;
use crate::format;
use crate::schema::Node;
use crate::value::Value;
use crate::violation::Context;

impl Check<'_> {
    /// The value as a text that is compared, if there are steps for it.
    pub(super) fn canonical(&mut self, value: &Value) -> Option<String> {
        self.step(1 + canonical::size(value) / 64).then(|| canonical::text(value))
    }

    pub(super) fn common(&mut self, node: &Node, value: &Value, outcome: &mut Outcome, context: &Context<'_>) {
        if let Some(constant) = &node.constant {
            let Some(given) = self.canonical(value) else { return };
            if given != **constant {
                outcome.wrong(context, format!("{} does not match: {constant}", context.field()));
            }
        }
        if !node.allowed.is_empty() {
            let Some(given) = self.canonical(value).filter(|_| self.step(node.allowed.len())) else { return };
            if !node.allowed.iter().any(|allowed| **allowed == given) {
                let allowed = node.allowed.join(", ");
                outcome.wrong(context, format!("{} must be one of the following: {allowed}", context.field()));
            }
        }
        if let (Some((name, Some(format))), Value::String(text)) = (&node.format, value)
            && self.step(1 + text.len() / 16)
            && !format::is(*format, text)
        {
            outcome.wrong(context, format!("Does not match format '{name}'"));
        }
        outcome.score += 1;
    }

    pub(super) fn string(&mut self, node: &Node, text: &str, outcome: &mut Outcome, context: &Context<'_>) {
        let rules = &node.strings;
        if rules.min_length.is_some() || rules.max_length.is_some() {
            if !self.step(1 + text.len() / 64) {
                return;
            }
            let length = text.chars().count() as u64;
            if let Some(least) = rules.min_length.filter(|least| length < *least) {
                outcome.wrong(context, format!("String length must be greater than or equal to {least}"));
            }
            if let Some(most) = rules.max_length.filter(|most| length > *most) {
                outcome.wrong(context, format!("String length must be less than or equal to {most}"));
            }
        }
        if let Some(pattern) = &rules.pattern
            && self.step(1 + text.len() / 16)
            && !pattern.is_match(text)
        {
            outcome.wrong(context, format!("Does not match pattern '{}'", pattern.as_str()));
        }
        outcome.score += 1;
    }

    pub(super) fn number(&mut self, node: &Node, literal: &str, outcome: &mut Outcome, context: &Context<'_>) {
        let rules = &node.numbers;
        outcome.score += 1;
        let bounds = [&rules.minimum, &rules.exclusive_minimum, &rules.maximum, &rules.exclusive_maximum];
        if rules.multiple_of.is_none() && bounds.iter().all(|bound| bound.is_none())
            || !self.step(1 + literal.len() / 16)
        {
            return;
        }
        let number = Decimal::of(literal);
        if let Some((of, mantissa)) = &rules.multiple_of
            && !number.is_multiple_of(of, *mantissa)
        {
            outcome.wrong(context, format!("Must be a multiple of {}", of.print()));
        }
        if let Some(most) = rules.maximum.as_ref().filter(|most| number > **most) {
            outcome.wrong(context, format!("Must be less than or equal to {}", most.print()));
        }
        if let Some(most) = rules.exclusive_maximum.as_ref().filter(|most| number >= **most) {
            outcome.wrong(context, format!("Must be less than {}", most.print()));
        }
        if let Some(least) = rules.minimum.as_ref().filter(|least| number < **least) {
            outcome.wrong(context, format!("Must be greater than or equal to {}", least.print()));
        }
        if let Some(least) = rules.exclusive_minimum.as_ref().filter(|least| number <= **least) {
            outcome.wrong(context, format!("Must be greater than {}", least.print()));
        }
    }
}
