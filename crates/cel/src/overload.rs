//! Functions and operators, by the types that they take.

use crate::types::{Known, Type};

/// One way to call a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overload {
    /// Whether it is called on its first argument.
    pub(crate) is_method: bool,
    parameters: &'static [T],
    result: T,
}

/// A type, as overloads are written down.
#[derive(Clone, Copy, Debug)]
enum T {
    /// Any two that fit.
    A,
    B,
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    Str,
    Bytes,
    Time,
    Span,
    Type,
    ListA,
    MapAB,
}

use T::{A, B, Bool, Bytes, Double, Dyn, Int, ListA, MapAB, Span, Str, Time, Uint};

impl Overload {
    /// The types that it takes and the one that it gives, where those that stand for any are open.
    pub(crate) fn instance(&self, known: &mut Known) -> (Vec<Type>, Type) {
        let (a, b) = (known.open(), known.open());
        let of = |written: T| match written {
            T::A => a.clone(),
            T::B => b.clone(),
            T::Dyn => Type::Dyn,
            T::Bool => Type::Bool,
            T::Int => Type::Int,
            T::Uint => Type::Uint,
            T::Double => Type::Double,
            T::Str => Type::String,
            T::Bytes => Type::Bytes,
            T::Time => Type::Timestamp,
            T::Span => Type::Duration,
            T::Type => Type::Type,
            T::ListA => Type::list(a.clone()),
            T::MapAB => Type::map(a.clone(), b.clone()),
        };
        (self.parameters.iter().map(|parameter| of(*parameter)).collect(), of(self.result))
    }
}

const fn function(parameters: &'static [T], result: T) -> Overload {
    Overload { is_method: false, parameters, result }
}

const fn method(parameters: &'static [T], result: T) -> Overload {
    Overload { is_method: true, parameters, result }
}

const COMPARED: &[Overload] = &[
    function(&[Bool, Bool], Bool),
    function(&[Int, Int], Bool),
    function(&[Uint, Uint], Bool),
    function(&[Double, Double], Bool),
    function(&[Str, Str], Bool),
    function(&[Bytes, Bytes], Bool),
    function(&[Time, Time], Bool),
    function(&[Span, Span], Bool),
];
const OF_TIME: &[Overload] = &[method(&[Time], Int), method(&[Time, Str], Int)];
const OF_TIME_OR_SPAN: &[Overload] = &[method(&[Time], Int), method(&[Time, Str], Int), method(&[Span], Int)];
const OF_TEXTS: &[Overload] = &[method(&[Str, Str], Bool)];

/// The functions and operators, by their names.
const ALL: &[(&[&str], &[Overload])] = &[
    (&["!_"], &[function(&[Bool], Bool)]),
    (&["==", "!="], &[function(&[A, A], Bool)]),
    (
        &["-"],
        &[
            function(&[Int, Int], Int),
            function(&[Uint, Uint], Uint),
            function(&[Double, Double], Double),
            function(&[Time, Time], Span),
            function(&[Time, Span], Time),
            function(&[Span, Span], Span),
        ],
    ),
    (&["*", "/"], &[function(&[Int, Int], Int), function(&[Uint, Uint], Uint), function(&[Double, Double], Double)]),
    (&["%"], &[function(&[Int, Int], Int), function(&[Uint, Uint], Uint)]),
    (
        &["+"],
        &[
            function(&[Int, Int], Int),
            function(&[Uint, Uint], Uint),
            function(&[Double, Double], Double),
            function(&[Str, Str], Str),
            function(&[Bytes, Bytes], Bytes),
            function(&[ListA, ListA], ListA),
            function(&[Time, Span], Time),
            function(&[Span, Time], Time),
            function(&[Span, Span], Span),
        ],
    ),
    (&["-_"], &[function(&[Int], Int), function(&[Double], Double)]),
    (&["_[_]"], &[function(&[ListA, Int], A), function(&[MapAB, A], B)]),
    (&["@in"], &[function(&[A, ListA], Bool), function(&[A, MapAB], Bool)]),
    (&["<", "<=", ">", ">="], COMPARED),
    (
        &["size"],
        &[
            method(&[Str], Int),
            method(&[Bytes], Int),
            method(&[ListA], Int),
            method(&[MapAB], Int),
            function(&[Str], Int),
            function(&[Bytes], Int),
            function(&[ListA], Int),
            function(&[MapAB], Int),
        ],
    ),
    (&["type"], &[function(&[A], T::Type)]),
    (
        &["int"],
        &[
            function(&[Int], Int),
            function(&[Uint], Int),
            function(&[Double], Int),
            function(&[Str], Int),
            function(&[Time], Int),
            function(&[Span], Int),
        ],
    ),
    (&["uint"], &[function(&[Uint], Uint), function(&[Int], Uint), function(&[Double], Uint), function(&[Str], Uint)]),
    (
        &["double"],
        &[function(&[Double], Double), function(&[Int], Double), function(&[Uint], Double), function(&[Str], Double)],
    ),
    (&["bool"], &[function(&[Bool], Bool), function(&[Str], Bool)]),
    (
        &["string"],
        &[
            function(&[Str], Str),
            function(&[Bool], Str),
            function(&[Int], Str),
            function(&[Uint], Str),
            function(&[Double], Str),
            function(&[Bytes], Str),
            function(&[Time], Str),
            function(&[Span], Str),
        ],
    ),
    (&["bytes"], &[function(&[Bytes], Bytes), function(&[Str], Bytes)]),
    (&["timestamp"], &[function(&[Time], Time), function(&[Str], Time), function(&[Int], Time)]),
    (&["duration"], &[function(&[Span], Span), function(&[Str], Span), function(&[Int], Span)]),
    (&["dyn"], &[function(&[A], Dyn)]),
    (&["contains", "endsWith", "startsWith", "matches"], OF_TEXTS),
    (&["getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"], OF_TIME),
    (&["getHours", "getMinutes", "getSeconds", "getMilliseconds"], OF_TIME_OR_SPAN),
];

/// The ways to call the function of that name; none where there is no such function.
pub(crate) fn of(name: &str) -> &'static [Overload] {
    ALL.iter().find(|(names, _)| names.contains(&name)).map_or(&[], |(_, overloads)| overloads)
}
