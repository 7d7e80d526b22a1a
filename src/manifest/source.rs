//! Where manifests come from: files, directories, standard input.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use backstay_krakend::document::Format;
use backstay_resources::decode::{self, DecodeError};

use super::document::objects;
use super::{Document, KrakendArgs, Problem};

/// Larger files are refused: no object may be that large, and a mistyped path should not fill the memory.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A source of documents.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub(crate) struct Manifests {
    /// In the order of the files and of the documents in them.
    pub(crate) documents: Vec<Document>,
    /// In the same order.
    pub(crate) problems: Vec<Problem>,
    /// The files that are configurations of KrakenD and hold no objects.
    pub(crate) krakend: Vec<KrakendFile>,
}

/// A file that is a configuration of KrakenD.
#[derive(Debug)]
pub(crate) struct KrakendFile {
    /// File, or `stdin`.
    pub(crate) origin: String,
    /// What it is written in.
    pub(crate) format: Format,
    /// What is in it.
    pub(crate) text: String,
}

/// Options of every subcommand that reads manifests.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct FileArgs {
    /// File or directory of manifests, or - for standard input; may be repeated
    #[arg(short = 'f', long = "filename", value_name = "FILE|DIR|-")]
    pub(crate) paths: Vec<PathBuf>,
    /// Read the directories below a directory too
    #[arg(short = 'R', long, requires = "paths")]
    pub(crate) recursive: bool,
}

impl FileArgs {
    /// Reads all that was named, as [`FileArgs::read_all`] does. A configuration of KrakenD becomes objects.
    pub(crate) fn read(&self, krakend: &KrakendArgs) -> Manifests {
        let mut manifests = self.read_all();
        for file in std::mem::take(&mut manifests.krakend) {
            for object in krakend.objects(&file) {
                manifests.add(&file.origin, &object.to_string());
            }
        }
        manifests
    }

    /// Reads all that was named. What cannot be read becomes a problem, and so does an argument that holds no object beside
    /// others that do: what was to write it may have failed. The rest is read all the same.
    pub(crate) fn read_all(&self) -> Manifests {
        let mut manifests = Manifests::default();
        let mut empty = Vec::new();
        for argument in &self.paths {
            let before = manifests.count();
            for origin in expand(std::slice::from_ref(argument), self.recursive, &mut manifests.problems) {
                manifests.read(&origin);
            }
            if before == manifests.count() {
                empty.push(argument);
            }
        }
        // Where no argument holds anything, that is for the command to say.
        if empty.len() < self.paths.len() {
            let name = |path: &Path| if path.as_os_str() == "-" { PathBuf::from("stdin") } else { path.to_owned() };
            let problem = |path: &PathBuf| unreadable(&name(path), "there are no objects in it");
            manifests.problems.extend(empty.into_iter().map(problem));
        }
        manifests
    }
}

/// The files that arguments name: themselves, and for directories what ends in .yaml, .yml or .json, in order.
/// Directories that cannot be read or hold no manifest are problems.
fn expand(arguments: &[PathBuf], recursive: bool, problems: &mut Vec<Problem>) -> Vec<Origin> {
    let mut origins = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            origins.push(Origin::Stdin);
        } else if argument.is_dir() {
            let before = (origins.len(), problems.len());
            walk(argument, recursive, &mut origins, problems);
            if before == (origins.len(), problems.len()) {
                let hint = if recursive { "" } else { " (the directories below it are read with --recursive)" };
                problems.push(unreadable(argument, &format!("no .yaml, .yml or .json file in this directory{hint}")));
            }
        } else {
            origins.push(Origin::File(argument.clone()));
        }
    }
    origins
}

fn walk(directory: &Path, recursive: bool, origins: &mut Vec<Origin>, problems: &mut Vec<Problem>) {
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<_> = match entries {
        Ok(entries) => entries.iter().map(std::fs::DirEntry::path).collect(),
        Err(error) => return problems.push(unreadable(directory, &error.to_string())),
    };
    paths.sort();
    for path in paths {
        // A link to a directory is not followed: it may lead back up.
        if path.is_dir() {
            if recursive && !path.is_symlink() {
                walk(&path, recursive, origins, problems);
            }
        } else if is_manifest(&path) {
            origins.push(Origin::File(path));
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json"))
}

fn unreadable(path: &Path, message: &str) -> Problem {
    Problem {
        origin: path.display().to_string(),
        line: None,
        column: None,
        subject: String::new(),
        field: String::new(),
        message: message.to_owned(),
    }
}

impl Manifests {
    /// How much has been found.
    fn count(&self) -> usize {
        self.documents.len() + self.problems.len() + self.krakend.len()
    }

    fn read(&mut self, origin: &Origin) {
        let (path, text) = match origin {
            Origin::Stdin => (Path::new("stdin"), read_limited(std::io::stdin().lock())),
            Origin::File(path) => {
                (path.as_path(), std::fs::File::open(path).map_err(|error| error.to_string()).and_then(read_limited))
            }
        };
        match text {
            Ok(text) if backstay_krakend::is_configuration(&text, path) => {
                // Standard input has no name that tells.
                let is_yaml = *origin == Origin::Stdin && !text.trim_start().starts_with('{');
                let format = if is_yaml { Format::Yaml } else { Format::of_file(path) };
                self.krakend.push(KrakendFile { origin: path.display().to_string(), format, text });
            }
            Ok(text) => self.add(&path.display().to_string(), &text),
            Err(message) => self.problems.push(unreadable(path, &message)),
        }
    }

    /// Takes in the text of one file. An error in one document leaves the others readable.
    pub(crate) fn add(&mut self, origin: &str, text: &str) {
        let origin: Rc<str> = Rc::from(origin);
        for (before, part) in split(text) {
            match decode::documents(part.as_bytes()) {
                Ok(documents) => {
                    for object in documents.into_iter().flat_map(|document| objects(&origin, before, document)) {
                        match object {
                            Ok(document) => self.documents.push(document),
                            Err(problem) => self.problems.push(problem),
                        }
                    }
                }
                Err(error) => self.problems.push(unparsable(&origin, before, part, &error)),
            }
        }
    }
}

fn unparsable(origin: &str, before: u64, text: &str, error: &DecodeError) -> Problem {
    // What a template is, no parser can tell; that it is one, its marks can.
    if let Some((line, _)) = (1..).zip(text.lines()).find(|(_, line)| line.contains("{{")) {
        let message =
            "it is a template ({{ }}), not a manifest: render it first, such as with helm template".to_owned();
        let (origin, line) = (origin.to_owned(), Some(before + line));
        return Problem { origin, line, column: None, subject: String::new(), field: String::new(), message };
    }
    let message = match error {
        DecodeError::Yaml { problem, .. } | DecodeError::Json { problem, .. } => {
            format!("not valid YAML: {}", shift_lines(problem, before))
        }
        other => other.to_string(),
    };
    let line = Some(before + error.line().max(1));
    Problem { origin: origin.to_owned(), line, column: None, subject: String::new(), field: String::new(), message }
}

/// Adds `before` to the lines that a sentence of the parser names, which counts from the document's first.
fn shift_lines(sentence: &str, before: u64) -> String {
    const MARK: &str = "line ";
    let mut parts = sentence.split(MARK);
    let mut shifted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|character: char| !character.is_ascii_digit()).unwrap_or(part.len());
        let (digits, rest) = part.split_at(end);
        let line = digits.parse::<u64>().map_or_else(|_| digits.to_owned(), |line| (line + before).to_string());
        shifted.push_str(&format!("{MARK}{line}{rest}"));
    }
    shifted
}

fn read_limited(reader: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it has more than {} MiB, which no manifest has", MAX_FILE_BYTES >> 20));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Splits a stream at its `---` lines, so that an error in one document leaves the others readable. YAML allows no other
/// use of such a line. Yields the number of lines before each part; parts without content are left out.
fn split(text: &str) -> Vec<(u64, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 0, 0);
    let mut has_content = false;
    for (line, content) in (0u64..).zip(text.split_inclusive('\n')) {
        let bare = content.trim_end();
        let is_mark = bare.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        if is_mark {
            if has_content {
                parts.push((start_line, &text[start..offset]));
            }
            // What follows the mark on its line belongs to the document that begins there.
            (start, start_line) = (offset + "---".len(), line);
            has_content = matters(&bare["---".len()..]);
        } else {
            has_content |= matters(bare);
        }
        offset += content.len();
    }
    if has_content {
        parts.push((start_line, &text[start..]));
    }
    parts
}

/// Whether a line is more than a comment, a directive or the mark of a document's end.
fn matters(line: &str) -> bool {
    let line = line.trim_start();
    !(line.is_empty() || line.starts_with('#') || line.starts_with('%') || line == "...")
}

#[cfg(test)]
mod tests;
