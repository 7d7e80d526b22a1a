//! Numbers as the decimals that they are written as, however long: none is rounded.

use std::cmp::Ordering;

/// A decimal: the digits, without zeros at either end, with the point after the first `point` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    /// None for zero.
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Of a literal of JSON.
    pub(crate) fn of(literal: &str) -> Self {
        let (is_negative, unsigned) = literal.strip_prefix('-').map_or((false, literal), |rest| (true, rest));
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0')).collect();
        let leading = all.iter().take_while(|digit| **digit == 0).count();
        let trailing = all.iter().rev().take_while(|digit| **digit == 0).count();
        if leading == all.len() {
            return Self { is_negative: false, digits: Vec::new(), point: 0 };
        }
        let digits = all.get(leading..all.len() - trailing).unwrap_or_default().to_vec();
        // An exponent that no machine holds is as good as the largest that one does.
        let exponent = exponent.parse::<i64>().unwrap_or_else(|_| match exponent.starts_with('-') {
            true => i64::MIN / 4,
            false => i64::MAX / 4,
        });
        let exponent = exponent.clamp(i64::MIN / 4, i64::MAX / 4);
        Self { is_negative, digits, point: exponent + whole.len() as i64 - leading as i64 }
    }

    /// Whether it has no fraction.
    pub(crate) fn is_integer(&self) -> bool {
        self.digits.len() as i64 <= self.point || self.digits.is_empty()
    }

    pub(crate) fn is_positive(&self) -> bool {
        !self.is_negative && !self.digits.is_empty()
    }

    /// Its digits as a number, if that is one of 64 bits.
    pub(crate) fn mantissa(&self) -> Option<u64> {
        self.digits.iter().try_fold(0_u64, |number, &digit| number.checked_mul(10)?.checked_add(digit.into()))
    }

    /// Whether it is a whole multiple of `of`, whose digits as a number are `mantissa`, which is not 0.
    pub(crate) fn is_multiple_of(&self, of: &Self, mantissa: u64) -> bool {
        if self.digits.is_empty() {
            return true;
        }
        // Both as whole numbers times powers of ten.
        let exponent = |decimal: &Self| decimal.point - decimal.digits.len() as i64;
        let Ok(shift) = u64::try_from(exponent(self) - exponent(of)) else {
            // Its digits do not end with a zero, so that no whole multiple of ten is in them.
            return false;
        };
        let modulus = u128::from(mantissa);
        let rest = self.digits.iter().fold(0, |rest, &digit| (rest * 10 + u128::from(digit)) % modulus);
        (rest * power_of_ten(shift, modulus)).is_multiple_of(modulus)
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Digits without zeros at their ends compare as fractions do.
            (false, false) => self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits)),
        }
    }

    /// As Go prints numbers: in full while it has at most six digits before the point, and with an exponent beyond.
    pub(crate) fn print(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let digits: String = self.digits.iter().map(|digit| char::from(digit + b'0')).collect();
        let exponent = self.point - 1;
        if !(-4..6).contains(&exponent) {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            let mark = if exponent < 0 { '-' } else { '+' };
            return format!("{sign}{first}{point}{rest}e{mark}{:02}", exponent.unsigned_abs());
        }
        let point = self.point;
        if point <= 0 {
            return format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
        }
        let point = point as usize;
        match digits.len().cmp(&point) {
            Ordering::Greater => {
                let (whole, fraction) = digits.split_at(point);
                format!("{sign}{whole}.{fraction}")
            }
            _ => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A power of ten by a modulus of 64 bits.
fn power_of_ten(mut exponent: u64, modulus: u128) -> u128 {
    let (mut power, mut square) = (1 % modulus, 10 % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power * square % modulus;
        }
        square = square * square % modulus;
        exponent >>= 1;
    }
    power
}

#[cfg(test)]
mod tests;
