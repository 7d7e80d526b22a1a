//! Operators with what stands in brackets behind them.

use http::HeaderName;

use crate::operator::{Header, Operator, Pseudo};
use crate::{FormatError, TimeFormat};

/// The operator `name` with `argument`, which stood in brackets behind it if anything did.
pub(crate) fn operator(name: &str, argument: Option<&str>) -> Result<Operator, FormatError> {
    let headers = |argument: Option<&str>| {
        let argument = argument.filter(|argument| !argument.is_empty());
        let argument = argument.ok_or_else(|| FormatError::Unnamed(name.to_owned()))?;
        Ok(match argument.split_once('?') {
            Some((first, second)) => (first.to_owned(), Some(second.to_owned())),
            None => (argument.to_owned(), None),
        })
    };
    match name {
        "START_TIME" => {
            let format = argument.unwrap_or_default();
            let time = TimeFormat::strftime(format);
            time.map(Operator::StartTime).map_err(|error| FormatError::Time(format.to_owned(), error))
        }
        "REQ" => {
            let (first, second) = headers(argument)?;
            Ok(Operator::Request(request_header(&first)?, second.as_deref().map(request_header).transpose()?))
        }
        "RESP" => {
            let (first, second) = headers(argument)?;
            Ok(Operator::Response(header(&first)?, second.as_deref().map(header).transpose()?))
        }
        "TRAILER" => {
            let (first, second) = headers(argument)?;
            Ok(Operator::Trailer(header(&first)?, second.as_deref().map(header).transpose()?))
        }
        _ => {
            let known = Operator::PLAIN.iter().find(|(known, _)| *known == name);
            let Some((_, operator)) = known else { return Err(FormatError::Unknown(name.to_owned())) };
            match argument {
                None => Ok(operator.clone()),
                Some(_) => Err(FormatError::Argument(name.to_owned())),
            }
        }
    }
}

fn request_header(name: &str) -> Result<Header, FormatError> {
    let pseudo = [
        (":METHOD", Pseudo::Method),
        (":PATH", Pseudo::Path),
        (":AUTHORITY", Pseudo::Authority),
        (":SCHEME", Pseudo::Scheme),
    ];
    match pseudo.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, pseudo)) => Ok(Header::Pseudo(*pseudo)),
        None => header(name).map(Header::Named),
    }
}

fn header(name: &str) -> Result<HeaderName, FormatError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| FormatError::Header(name.to_owned()))
}
