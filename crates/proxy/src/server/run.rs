//! The life of one data thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::accept;
use crate::config::Config;
use crate::data_thread::{CurrentSocket, DataThread, Shared};
use crate::exchange::Service;

/// What the control side tells a thread.
#[derive(Debug)]
pub(super) enum Command {
    /// Serve `config` from now on; say so on `done` when that is so.
    Apply { config: Arc<Config>, opened: Vec<Opened>, done: mpsc::Sender<()> },
    /// Have clients go elsewhere with their next requests, although they are served; or have them stay.
    Leave(bool),
    /// Finish what is in flight, within `deadline`, and end.
    Drain { deadline: Duration, done: mpsc::Sender<()> },
}

/// This thread's share of a new listening socket.
#[derive(Debug)]
pub(super) struct Opened {
    /// Address asked for.
    pub(super) address: SocketAddr,
    pub(super) listener: TcpListener,
}

/// A socket this thread accepts from.
#[derive(Debug)]
struct Listening {
    current: Rc<CurrentSocket>,
    /// Dropped to stop accepting.
    stop: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Listening {
    /// Ends when the socket is closed.
    async fn close(self) {
        drop(self.stop);
        let _ = self.accepting.await;
    }
}

/// A data thread that accepts connections, and hands their requests to `service`.
struct Runner<S> {
    thread: Rc<DataThread>,
    service: S,
    sockets: RefCell<HashMap<SocketAddr, Listening>>,
}

impl<S: Service> Runner<S> {
    async fn apply(&self, config: &Arc<Config>, opened: Vec<Opened>) {
        for gone in self.serve(config, opened) {
            gone.current.close();
            let current = Rc::clone(&gone.current);
            gone.close().await;
            self.thread.registry.close_socket(&current);
        }
        self.thread.upstreams.retain(|backend| config.backends.get(&backend.name));
    }

    /// Serves `config` from now on. Returns the sockets that are gone from it.
    fn serve(&self, config: &Arc<Config>, opened: Vec<Opened>) -> Vec<Listening> {
        let limits = config.sockets.iter().filter_map(|socket| socket.limits.as_ref());
        self.thread.keep_to(limits.filter_map(|limits| limits.shortest()).min());
        let mut sockets = self.sockets.borrow_mut();
        let stays = |address: &SocketAddr| config.sockets.iter().any(|socket| socket.address == *address);
        let gone = sockets.extract_if(|address, _| !stays(address)).map(|(_, listening)| listening).collect();
        let mut opened: HashMap<_, _> = opened.into_iter().map(|opened| (opened.address, opened.listener)).collect();
        for socket in &config.sockets {
            if let Some(listening) = sockets.get(&socket.address) {
                listening.current.replace(socket);
            } else if let Some(listener) = opened.remove(&socket.address) {
                let current = CurrentSocket::new(socket);
                let (stop, stopped) = watch::channel(());
                let (thread, service) = (Rc::clone(&self.thread), self.service);
                let accepting = accept::run(thread, Rc::clone(&current), listener, stopped, service);
                let accepting = tokio::task::spawn_local(accepting);
                sockets.insert(socket.address, Listening { current, stop, accepting });
            }
        }
        gone
    }

    async fn drain(&self, deadline: Duration) {
        let sockets = std::mem::take(&mut *self.sockets.borrow_mut());
        for (_, listening) in sockets {
            listening.close().await;
        }
        self.thread.registry.close_all();
        let _ = tokio::time::timeout(deadline, self.thread.registry.emptied()).await;
    }

    async fn obey(&self, commands: &mut mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Apply { config, opened, done } => {
                    self.apply(&config, opened).await;
                    // There is room for each thread's word.
                    let _ = done.try_send(());
                }
                Command::Leave(leaving) => self.thread.registry.leave(leaving),
                Command::Drain { deadline, done } => {
                    self.drain(deadline).await;
                    self.thread.registry.end();
                    drop(done);
                    return;
                }
            }
        }
    }
}

/// A thread's life: obeys commands until told to end. Reports on `started` whether it came to live at all.
pub(super) fn run(
    shared: Arc<Shared>,
    service: impl Service,
    mut commands: mpsc::UnboundedReceiver<Command>,
    started: &std::sync::mpsc::Sender<std::io::Result<()>>,
) {
    // A local runtime belongs to the thread that makes it.
    let runtime = match Builder::new_current_thread().enable_all().build_local(LocalOptions::default()) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(()));
    runtime.block_on(async move {
        let thread = Rc::new(DataThread::new(shared));
        let runner = Runner { thread: Rc::clone(&thread), service, sockets: RefCell::default() };
        tokio::select! {
            // No task of its own, which could end alone: a thread that looks after no connection is not to go on.
            () = sweep(Rc::clone(&thread)) => {}
            () = runner.obey(&mut commands) => {}
        }
        thread.registry.end();
    });
}

/// Looks at all connections now and then.
async fn sweep(thread: Rc<DataThread>) {
    loop {
        tokio::time::sleep(thread.sweep_period()).await;
        thread.sweep(Instant::now());
    }
}
