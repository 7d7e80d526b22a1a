//! What is printed: to standard output, in columns and colours where a person reads it.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes longer shows that it is going on.
const SPINNER_DELAY: Duration = Duration::from_secs(1);

/// Writes a line to standard output.
///
/// # Errors
/// When it cannot be written; a closed pipe ends the program without a word.
pub(crate) fn line(text: impl std::fmt::Display) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A value as YAML.
///
/// # Errors
/// None in practice: every JSON value is one of YAML.
pub(crate) fn yaml(value: &serde_json::Value) -> Result<String> {
    Ok(serde_saphyr::to_string(value)?)
}

/// Writes a line to standard error. Where that cannot be written to, there is nobody left to tell.
pub(crate) fn error_line(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An error and its causes in one line. Many an error quotes its cause already, which is not said twice.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        _ if said.ends_with(&cause) => said,
        _ => format!("{said}: {cause}"),
    })
}

/// Whether an error only says that nobody reads the output any more.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

/// Escape sequences around text, where standard output or error takes them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For standard output.
    pub(crate) fn stdout() -> Self {
        Self { on: io::stdout().is_terminal() && wanted() }
    }

    /// For standard error.
    pub(crate) fn stderr() -> Self {
        Self { on: io::stderr().is_terminal() && wanted() }
    }

    /// Whether text is coloured.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    /// What matters most.
    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Something went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Something went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// <https://no-color.org>: any value but the empty one turns colours off.
fn wanted() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Text in columns, as wide as their widest cell.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    /// Makes room for a row.
    pub(crate) fn fit(&mut self, cells: &[String]) {
        self.widths.resize(self.widths.len().max(cells.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }

    /// The row as a line.
    pub(crate) fn format(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            line.push_str(cell);
            if index + 1 < cells.len() {
                let width = self.widths.get(index).copied().unwrap_or_default();
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 3));
            }
        }
        line
    }
}

/// Prints rows in columns.
///
/// # Errors
/// As [`line()`].
pub(crate) fn table(rows: &[Vec<String>]) -> Result<()> {
    let mut columns = Columns::default();
    rows.iter().for_each(|row| columns.fit(row));
    rows.iter().try_for_each(|row| line(columns.format(row)))
}

/// Runs `work`; should it take more than a second, a spinner with `message` shows that it goes on. Nothing is drawn
/// where standard error is no terminal.
pub(crate) async fn with_spinner<T>(message: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(SPINNER_DELAY, &mut work).await {
        return done;
    }
    let target = if wanted() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    bar.set_style(ProgressStyle::default_spinner());
    bar.set_message(message.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    let done = work.await;
    bar.finish_and_clear();
    done
}

#[cfg(test)]
mod tests;
