//! Reads and writes the file.

mod load;

use std::borrow::Cow;
use std::io;

use backstay_seal::{Keys, UnsealError, unseal};
use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};

pub(super) use self::load::Loaded;
use self::load::load;
use super::Options;
use super::medium::{Failures, Medium, Tracked};
use super::table::{COMPACTED, CURRENT_FORMAT, FORMAT, LOG, META, OBJECTS, Redo, corrupted, done};
use crate::log::Record;
use crate::published::Published;
use crate::transition::Entries;
use crate::{Revision, Snapshot, transition};

/// The log is trimmed once this many revisions of it are surplus: rarely, because it costs pages all over the file. Less in
/// unit tests, which cut the power at every step of it.
const TRIM_AT: u64 = if cfg!(test) { 3 } else { 1_000 };

/// The most revisions that one transaction trims, so that a history much shortened delays no commit for long.
const TRIM_MOST: u64 = 5_000;

#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
    failures: Failures,
    seal: Option<Keys>,
    /// The log begins after this revision.
    floor: Revision,
}

/// Opens the file, or makes a new one, and reads everything in it.
pub(super) fn open(medium: &dyn Medium, options: &Options) -> Result<(Disk, Loaded), redb::Error> {
    if medium.is_empty()? {
        make(medium, options, Snapshot::default(), 0, &[])?;
    }
    let disk = Disk::open(medium, options, &Failures::default())?;
    let loaded = load(&disk.database, options.seal.as_ref())?;
    Ok((disk, loaded))
}

/// Opens the file again after an error, and makes it what memory says: the store promised that nothing of a failed commit
/// was done. A file that lost writes, or lacks what was acknowledged, is replaced by a new one; that takes more space, which
/// a full disk does not have, so it is not done otherwise.
pub(super) fn reopen(
    medium: &dyn Medium,
    options: &Options,
    failures: &Failures,
    published: &Published,
) -> Result<Disk, redb::Error> {
    let snapshot = published.snapshot();
    if !failures.sync_failed() {
        let disk = Disk::open(medium, options, failures)?;
        let revision = disk.revision()?;
        if revision > snapshot.revision() {
            disk.take_back(snapshot.revision())?;
        }
        if revision >= snapshot.revision() {
            return Ok(disk);
        }
    }
    let (floor, records) = published.history();
    make(medium, options, snapshot, floor, &records)?;
    Disk::open(medium, options, &Failures::default())
}

/// Makes a new file of a view, and the commits that led to it from `floor`. It gets its name once it is complete, so that a
/// crash leaves what was there before, or nothing.
fn make(
    medium: &dyn Medium,
    options: &Options,
    snapshot: Snapshot,
    floor: Revision,
    records: &[Record],
) -> Result<(), redb::Error> {
    let mut entries = snapshot.into_entries();
    transition::undo_all(&mut entries, records);
    fill(medium.replacement()?, options, &entries, floor, records)
        .and_then(|()| medium.install())
        // What there is of it would take space that a full disk needs to recover.
        .inspect_err(|_| medium.discard())
}

fn fill(
    backend: Tracked,
    options: &Options,
    entries: &Entries,
    floor: Revision,
    records: &[Record],
) -> Result<(), redb::Error> {
    let database = builder(options).create_with_backend(backend)?;
    let transaction = database.begin_write()?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        for entry in entries.values() {
            let value = sealed(options.seal.as_ref(), entry.key.as_str(), entry.value.bytes())?;
            objects.insert(entry.key.as_str(), (entry.created, entry.modified, &*value))?;
        }
        insert(&mut transaction.open_table(LOG)?, records, options.seal.as_ref())?;
        let mut meta = transaction.open_table(META)?;
        meta.insert(FORMAT, CURRENT_FORMAT)?;
        meta.insert(COMPACTED, floor)?;
    }
    Ok(transaction.commit()?)
}

impl Disk {
    fn open(medium: &dyn Medium, options: &Options, failures: &Failures) -> Result<Self, redb::Error> {
        let database = builder(options).create_with_backend(medium.open(failures)?)?;
        match number(&database, FORMAT)? {
            CURRENT_FORMAT => {}
            1 => convert(&database)?,
            format => {
                let reason = format!("it has format {format}, this version reads format {CURRENT_FORMAT}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason).into());
            }
        }
        let floor = number(&database, COMPACTED)?;
        Ok(Self { database, failures: failures.clone(), seal: options.seal.clone(), floor })
    }

    /// Makes commits durable, in order, and drops history up to `floor` when enough has come together.
    pub(super) fn append(&mut self, records: &[Record], floor: Revision) -> Result<(), redb::Error> {
        let surplus = floor.saturating_sub(self.floor);
        let trimmed = (surplus >= TRIM_AT).then(|| self.floor + surplus.min(TRIM_MOST));
        let transaction = self.database.begin_write()?;
        {
            let mut log = transaction.open_table(LOG)?;
            insert(&mut log, records, self.seal.as_ref())?;
            if let Some(trimmed) = trimmed {
                let mut objects = transaction.open_table(OBJECTS)?;
                for row in log.range(..=(trimmed, u32::MAX))? {
                    let (position, redo) = row?;
                    perform(&mut objects, position.value().0, redo.value())?;
                }
                log.retain_in(..=(trimmed, u32::MAX), |_, _| false)?;
                transaction.open_table(META)?.insert(COMPACTED, trimmed)?;
            }
        }
        transaction.commit()?;
        self.floor = trimmed.unwrap_or(self.floor);
        Ok(())
    }

    pub(super) fn failures(&self) -> Failures {
        self.failures.clone()
    }

    /// The newest commit in the file.
    fn revision(&self) -> Result<Revision, redb::Error> {
        let log = self.database.begin_read()?.open_table(LOG)?;
        let newest = log.last()?.map(|(position, _)| position.value().0);
        Ok(newest.unwrap_or(self.floor))
    }

    /// Takes back everything after `revision`.
    fn take_back(&self, revision: Revision) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(LOG)?.retain_in((revision + 1, 0).., |_, _| false)?;
        transaction.commit()?;
        Ok(())
    }
}

/// From format 1, whose objects were the newest, with the steps back from them beside. Those are dropped: clients that
/// watch from an earlier revision are told to list again.
fn convert(database: &Database) -> Result<(), redb::Error> {
    type Undo = (u8, &'static str, u64, u64, &'static [u8]);
    const UNDO: TableDefinition<'_, (u64, u32), Undo> = TableDefinition::new("events");
    const REVISION: &str = "revision";
    let revision = number(database, REVISION)?;
    let transaction = database.begin_write()?;
    {
        transaction.delete_table(UNDO)?;
        transaction.open_table(LOG)?;
        let mut meta = transaction.open_table(META)?;
        meta.remove(REVISION)?;
        meta.insert(COMPACTED, revision)?;
        meta.insert(FORMAT, CURRENT_FORMAT)?;
    }
    transaction.commit()?;
    Ok(())
}

fn builder(options: &Options) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes).set_repair_callback(|progress| {
        tracing::info!(progress = progress.progress(), "the store was not closed properly and is being checked");
    });
    builder
}

fn number(database: &Database, name: &str) -> Result<u64, redb::Error> {
    let meta = database.begin_read()?.open_table(META)?;
    let number = meta.get(name)?.map(|number| number.value());
    number.ok_or_else(|| corrupted(format!("there is no {name}")))
}

fn perform(
    objects: &mut Table<'_, &str, (u64, u64, &[u8])>,
    revision: Revision,
    (key, value): Redo<'_>,
) -> Result<(), redb::Error> {
    let Some(value) = value else {
        objects.remove(key)?;
        return Ok(());
    };
    let created = objects.get(key)?.map_or(revision, |stored| stored.value().0);
    objects.insert(key, (created, revision, value))?;
    Ok(())
}

fn insert(
    log: &mut Table<'_, (u64, u32), Redo<'static>>,
    records: &[Record],
    seal: Option<&Keys>,
) -> Result<(), redb::Error> {
    for record in records {
        for (index, event) in (0_u32..).zip(record.events.iter()) {
            let (key, value) = done(event);
            let value = value.map(|value| sealed(seal, key, value)).transpose()?;
            log.insert((record.revision, index), (key, value.as_deref()))?;
        }
    }
    Ok(())
}

/// A value as it is written.
fn sealed<'a>(seal: Option<&Keys>, key: &str, value: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, redb::Error> {
    match seal {
        None => Ok(value),
        Some(keys) => keys.seal(key, &value).map(Cow::Owned).map_err(|error| io::Error::other(error).into()),
    }
}

/// A value as it was before it was written.
fn unsealed(seal: Option<&Keys>, key: &str, value: &[u8]) -> Result<Bytes, redb::Error> {
    let wrong = |error: UnsealError| io::Error::new(io::ErrorKind::InvalidData, format!("{key}: {error}"));
    Ok(unseal(seal, key, value).map_err(wrong)?.map_or_else(|| Bytes::copy_from_slice(value), Bytes::from))
}

/// Writes the file anew, everything in it sealed with the key that seals now, or with none.
pub(super) fn rewrite(medium: &dyn Medium, options: &Options, plain: bool) -> Result<usize, redb::Error> {
    let (disk, Loaded { snapshot, floor, records, .. }) = open(medium, options)?;
    drop(disk);
    let count = snapshot.len();
    let seal = if plain { None } else { options.seal.clone() };
    make(medium, &Options { seal, ..options.clone() }, snapshot, floor, &records)?;
    Ok(count)
}
