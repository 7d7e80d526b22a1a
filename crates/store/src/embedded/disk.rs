//! Reads and writes the file.

mod load;

use std::io;

use redb::{Database, ReadableDatabase, ReadableTable, Table};

pub(super) use self::load::Loaded;
use self::load::load;
use super::Options;
use super::medium::{Failures, Medium};
use super::table::{
    COMPACTED, CREATED, CURRENT_FORMAT, EVENTS, FORMAT, META, OBJECTS, REVISION, Undo, corrupted, undo_record,
};
use crate::log::Record;
use crate::published::Published;
use crate::{Change, Prefix, Revision, Snapshot};

/// History is trimmed once this many revisions of it are surplus: rarely, because it costs pages at the other end of a table.
const TRIM_AT: u64 = 1_000;

/// The most revisions that one transaction trims, so that a history much shortened delays no commit for long.
const TRIM_MOST: u64 = 5_000;

#[derive(Debug)]
pub(super) struct Disk {
    database: Database,
    failures: Failures,
    /// History after this revision is in the file.
    floor: Revision,
}

/// Opens the file, or makes a new one, and reads everything in it.
pub(super) fn open(medium: &dyn Medium, options: &Options) -> Result<(Disk, Loaded), redb::Error> {
    if medium.is_empty()? {
        make(medium, options, &Snapshot::default(), 0, &[])?;
    }
    let disk = Disk::open(medium, options, &Failures::default())?;
    let loaded = load(&disk.database, &options.history)?;
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
        let revision = number(&disk.database, REVISION)?;
        if revision > snapshot.revision() {
            disk.rewind(snapshot.revision())?;
        }
        if revision >= snapshot.revision() {
            return Ok(disk);
        }
    }
    let (floor, records) = published.history();
    make(medium, options, &snapshot, floor, &records)?;
    Disk::open(medium, options, &Failures::default())
}

/// Makes a new file. It gets its name once it is complete, so that a crash leaves what was there before, or nothing.
fn make(
    medium: &dyn Medium,
    options: &Options,
    snapshot: &Snapshot,
    floor: Revision,
    records: &[Record],
) -> Result<(), redb::Error> {
    let database = builder(options).create_with_backend(medium.replacement()?)?;
    let transaction = database.begin_write()?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        for entry in snapshot.list(&Prefix::all()) {
            objects.insert(entry.key.as_str(), (entry.created, entry.modified, &*entry.value))?;
        }
        insert(&mut transaction.open_table(EVENTS)?, records)?;
        let mut meta = transaction.open_table(META)?;
        meta.insert(FORMAT, CURRENT_FORMAT)?;
        meta.insert(REVISION, snapshot.revision())?;
        meta.insert(COMPACTED, floor)?;
    }
    transaction.commit()?;
    drop(database);
    medium.install()
}

/// The sentence for an operator.
pub(super) fn explain(error: &redb::Error) -> String {
    match error {
        redb::Error::Corrupted(what) => format!("its contents are damaged: {what}. Restore it from a backup"),
        redb::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

impl Disk {
    fn open(medium: &dyn Medium, options: &Options, failures: &Failures) -> Result<Self, redb::Error> {
        let database = builder(options).create_with_backend(medium.open(failures)?)?;
        let format = number(&database, FORMAT)?;
        if format != CURRENT_FORMAT {
            let reason = format!("it has format {format}, this version reads format {CURRENT_FORMAT}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason).into());
        }
        let floor = number(&database, COMPACTED)?;
        Ok(Self { database, failures: failures.clone(), floor })
    }

    /// Makes commits durable, in order, and drops history up to `floor` when enough has come together.
    pub(super) fn append(&mut self, records: &[Record], floor: Revision) -> Result<(), redb::Error> {
        let surplus = floor.saturating_sub(self.floor);
        let trimmed = (surplus >= TRIM_AT).then(|| self.floor + surplus.min(TRIM_MOST));
        let transaction = self.database.begin_write()?;
        {
            let mut objects = transaction.open_table(OBJECTS)?;
            for event in records.iter().flat_map(|record| record.events.iter()) {
                perform(&mut objects, &event.change)?;
            }
            let mut events = transaction.open_table(EVENTS)?;
            insert(&mut events, records)?;
            let mut meta = transaction.open_table(META)?;
            if let Some(record) = records.last() {
                meta.insert(REVISION, record.revision)?;
            }
            if let Some(trimmed) = trimmed {
                events.retain_in(..=(trimmed, u32::MAX), |_, _| false)?;
                meta.insert(COMPACTED, trimmed)?;
            }
        }
        transaction.commit()?;
        self.floor = trimmed.unwrap_or(self.floor);
        Ok(())
    }

    pub(super) fn failures(&self) -> Failures {
        self.failures.clone()
    }

    /// Takes back everything after `revision`.
    fn rewind(&self, revision: Revision) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut objects = transaction.open_table(OBJECTS)?;
            let mut events = transaction.open_table(EVENTS)?;
            for record in events.range((revision + 1, 0)..)?.rev() {
                let (_, undo) = record?;
                match undo.value() {
                    (CREATED, key, ..) => objects.remove(key)?,
                    (_, key, created, modified, value) => objects.insert(key, (created, modified, value))?,
                };
            }
            events.retain_in((revision + 1, 0).., |_, _| false)?;
            transaction.open_table(META)?.insert(REVISION, revision)?;
        }
        transaction.commit()?;
        Ok(())
    }
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

fn perform(objects: &mut Table<'_, &str, (u64, u64, &[u8])>, change: &Change) -> Result<(), redb::Error> {
    match change {
        Change::Created(entry) | Change::Updated { entry, .. } => {
            objects.insert(entry.key.as_str(), (entry.created, entry.modified, &*entry.value))?;
        }
        Change::Deleted(entry) => {
            objects.remove(entry.key.as_str())?;
        }
    }
    Ok(())
}

fn insert(events: &mut Table<'_, (u64, u32), Undo<'static>>, records: &[Record]) -> Result<(), redb::Error> {
    for record in records {
        for (index, event) in (0_u32..).zip(record.events.iter()) {
            events.insert((record.revision, index), undo_record(event))?;
        }
    }
    Ok(())
}
