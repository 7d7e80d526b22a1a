//! What goes wrong.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clients::Shared;
use super::scene::Scene;
use crate::harness::etcd::blocking;

/// A kind of fault. What it happens to has a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    EtcdIsKilled,
    EtcdHangs,
    EtcdHasNoRoom,
    ControlPlaneIsKilled,
    ControlPlaneHangs,
    ControlPlaneIsCutOff,
    ControlPlaneHasAnotherTime,
    ProxyIsKilled,
    ProxyHangs,
}

impl Fault {
    pub const ALL: [Self; 9] = [
        Self::EtcdIsKilled,
        Self::EtcdHangs,
        Self::EtcdHasNoRoom,
        Self::ControlPlaneIsKilled,
        Self::ControlPlaneHangs,
        Self::ControlPlaneIsCutOff,
        Self::ControlPlaneHasAnotherTime,
        Self::ProxyIsKilled,
        Self::ProxyHangs,
    ];

    /// Has it happen for a time, and undoes it. False where it cannot happen on this machine.
    pub async fn happen(self, scene: &mut Scene, shared: &Shared, index: usize, time: Duration) -> bool {
        match self {
            Self::EtcdIsKilled => {
                blocking(|| scene.cluster.kill(index % 3));
                tokio::time::sleep(time).await;
                blocking(|| scene.cluster.start(index % 3));
            }
            Self::EtcdHangs => {
                scene.cluster.signal(index % 3, "STOP");
                tokio::time::sleep(time).await;
                scene.cluster.signal(index % 3, "CONT");
            }
            Self::EtcdHasNoRoom => {
                if !blocking(|| scene.cluster.fill(index % 3)) {
                    return false;
                }
                // It ends with what it has next to write.
                blocking(|| scene.cluster.make_room(index % 3));
            }
            Self::ControlPlaneIsKilled => blocking(|| scene.planes[index % 3].restart()),
            Self::ControlPlaneHangs => {
                let process = &scene.planes[index % 3].process;
                process.signal("STOP");
                tokio::time::sleep(time).await;
                process.signal("CONT");
            }
            Self::ControlPlaneIsCutOff => {
                scene.planes[index % 3].set_cut(true);
                tokio::time::sleep(time).await;
                scene.planes[index % 3].set_cut(false);
            }
            Self::ControlPlaneHasAnotherTime => {
                let plane = &scene.planes[index % 3];
                let Some(clock) = &plane.clock else { return false };
                // By turns an hour ahead and an hour behind.
                let seconds = if index.is_multiple_of(2) { 3600 } else { -3600 };
                clock.set(seconds);
                plane.says_it_is(seconds).await;
                tokio::time::sleep(time).await;
                clock.set(0);
                plane.says_it_is(0).await;
            }
            Self::ProxyIsKilled | Self::ProxyHangs => {
                let index = index % scene.edges.len();
                let edge = &mut scene.edges[index];
                shared.excused[index].store(true, Ordering::SeqCst);
                if self == Self::ProxyIsKilled {
                    blocking(|| edge.restart());
                } else {
                    edge.proxy.process.signal("STOP");
                    tokio::time::sleep(time).await;
                    edge.proxy.process.signal("CONT");
                }
                edge.answers(|_| true).await;
                shared.excused[index].store(false, Ordering::SeqCst);
            }
        }
        true
    }
}
