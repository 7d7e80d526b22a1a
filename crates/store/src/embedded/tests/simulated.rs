//! A machine whose disk is full, fails, waits or loses power on demand.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use redb::StorageBackend;

use crate::embedded::medium::{Failures, Medium, Tracked};

/// What disks write at once.
const SECTOR: usize = 512;

/// A machine with one file, and perhaps its replacement.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    file: Arc<Mutex<File>>,
    replacement: Option<Arc<Mutex<File>>>,
    installs: usize,
    /// What had been done to the file when it was given its name.
    installed_at: usize,
    /// Writes until the disk is full.
    space: usize,
    syncs_fail: bool,
    syncs_held: bool,
    sync_waits: bool,
}

/// What was done to a file, and what a process sees of it.
#[derive(Debug, Default)]
struct File {
    visible: Vec<u8>,
    operations: Vec<Operation>,
}

#[derive(Debug, Clone)]
enum Operation {
    Write(usize, Vec<u8>),
    Resize(usize),
    Sync,
    /// Forgets what was written since the last sync, though it stays visible.
    Loss,
}

impl Default for State {
    fn default() -> Self {
        Self {
            file: Arc::default(),
            replacement: None,
            installs: 0,
            installed_at: 0,
            space: usize::MAX,
            syncs_fail: false,
            syncs_held: false,
            sync_waits: false,
        }
    }
}

/// Numbers that look random, the same in each run.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn coin(&mut self) -> bool {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 63 == 1
    }
}

impl Machine {
    pub(super) fn space_for(&self, writes: usize) {
        self.state().space = writes;
    }

    pub(super) fn fail_syncs(&self, fail: bool) {
        self.state().syncs_fail = fail;
    }

    pub(super) fn hold_syncs(&self) {
        self.state().syncs_held = true;
    }

    /// Waits until a sync is held up.
    pub(super) fn wait_for_sync(&self) {
        let patience = Duration::from_secs(30);
        let waited = self.0.changed.wait_timeout_while(self.state(), patience, |state| !state.sync_waits).unwrap();
        assert!(!waited.1.timed_out(), "nothing is synced");
    }

    pub(super) fn release_syncs(&self) {
        self.state().syncs_held = false;
        self.0.changed.notify_all();
    }

    /// The sync that waits succeeds, and from then on the disk is full.
    pub(super) fn release_one_sync_and_fill_up(&self) {
        self.space_for(0);
        self.release_syncs();
    }

    /// How many times a new file took the place of what was there.
    pub(super) fn installs(&self) -> usize {
        self.state().installs
    }

    /// Whether a file that did not get its name is there.
    pub(super) fn has_replacement(&self) -> bool {
        self.state().replacement.is_some()
    }

    pub(super) fn installed_at(&self) -> usize {
        self.state().installed_at
    }

    /// How much was done to the file so far.
    pub(super) fn operations(&self) -> usize {
        self.file().lock().unwrap().operations.len()
    }

    /// The machine after the power went when so much had been done: what was synced is there, and of the rest some sectors.
    pub(super) fn power_cut(&self, operations: usize, random: &mut Random) -> Machine {
        let file = self.file();
        let done = file.lock().unwrap().operations[..operations].to_vec();
        let settled = done.iter().rposition(|operation| matches!(operation, Operation::Sync)).map_or(0, |at| at + 1);
        let mut bytes = Vec::new();
        let mut pending = Vec::new();
        for operation in &done[..settled] {
            match operation {
                Operation::Sync => pending.drain(..).for_each(|operation| apply(&mut bytes, operation, || true)),
                Operation::Loss => pending.clear(),
                other => pending.push(other),
            }
        }
        for operation in &done[settled..] {
            apply(&mut bytes, operation, || random.coin());
        }
        let machine = Machine::default();
        machine.file().lock().unwrap().visible.clone_from(&bytes);
        machine.file().lock().unwrap().operations = vec![Operation::Write(0, bytes), Operation::Sync];
        machine
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn file(&self) -> Arc<Mutex<File>> {
        Arc::clone(&self.state().file)
    }

    fn backend(&self, file: Arc<Mutex<File>>, failures: &Failures) -> Tracked {
        Tracked::new(Backend { machine: self.clone(), file }, failures)
    }
}

fn apply(bytes: &mut Vec<u8>, operation: &Operation, mut happens: impl FnMut() -> bool) {
    match operation {
        Operation::Write(offset, data) => {
            for (index, sector) in data.chunks(SECTOR).enumerate().filter(|_| happens()) {
                let start = offset + index * SECTOR;
                bytes.resize(bytes.len().max(start + sector.len()), 0);
                bytes[start..start + sector.len()].copy_from_slice(sector);
            }
        }
        Operation::Resize(length) if happens() => bytes.resize(*length, 0),
        Operation::Resize(_) | Operation::Sync | Operation::Loss => {}
    }
}

impl Medium for Machine {
    fn is_empty(&self) -> Result<bool, redb::Error> {
        Ok(self.file().lock().unwrap().visible.is_empty())
    }

    fn open(&self, failures: &Failures) -> Result<Tracked, redb::Error> {
        Ok(self.backend(self.file(), failures))
    }

    fn replacement(&self) -> Result<Tracked, redb::Error> {
        let file = Arc::<Mutex<File>>::default();
        self.state().replacement = Some(Arc::clone(&file));
        Ok(self.backend(file, &Failures::default()))
    }

    fn discard(&self) {
        self.state().replacement = None;
    }

    fn install(&self) -> Result<(), redb::Error> {
        let mut state = self.state();
        state.file = state.replacement.take().expect("there is a replacement");
        state.installs += 1;
        let operations = state.file.lock().unwrap().operations.len();
        state.installed_at = operations;
        Ok(())
    }
}

#[derive(Debug)]
struct Backend {
    machine: Machine,
    file: Arc<Mutex<File>>,
}

impl Backend {
    fn perform(&self, operation: Operation) {
        let mut file = self.file.lock().unwrap();
        apply(&mut file.visible, &operation, || true);
        file.operations.push(operation);
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.lock().unwrap().visible.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let file = self.file.lock().unwrap();
        let bytes = file.visible.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        // As of sparse files: space is taken when it is written.
        self.perform(Operation::Resize(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.machine.state();
        if state.syncs_held {
            state.sync_waits = true;
            self.machine.0.changed.notify_all();
            state = self.machine.0.changed.wait_while(state, |state| state.syncs_held).unwrap();
            state.sync_waits = false;
        }
        if state.syncs_fail {
            self.perform(Operation::Loss);
            return Err(io::Error::other("the disk has failed"));
        }
        self.perform(Operation::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.machine.state();
        if state.space == 0 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "there is no space left"));
        }
        state.space -= 1;
        self.perform(Operation::Write(usize::try_from(offset).unwrap(), data.to_vec()));
        Ok(())
    }
}
