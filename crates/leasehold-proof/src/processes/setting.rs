//! The rounds: what is asked for, and what is done to those who ask.

use std::time::Duration;

/// One mix of workload and nemesis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// How it is chosen on the command line.
    pub(super) name: &'static str,
    /// How many agents work at once.
    pub(super) agents: usize,
    /// For how long new work is begun.
    pub(super) length: Duration,
    /// Whether all want the same thing, exclusively, and wait for it.
    pub(super) is_hot: bool,
    /// How many guards have a TTL.
    pub(super) ttl_percent: u64,
    /// That TTL.
    pub(super) ttl_ms: u64,
    /// How many of those work for longer than it.
    pub(super) lingers_percent: u64,
    /// A deed of the nemesis about every so often; never with 0.
    pub(super) deed_every_ms: u64,
    /// Out of ten, how many deeds are kills; the rest are stops.
    pub(super) kills_of_ten: u64,
    /// Whether some run in other PID and time namespaces.
    pub(super) has_namespaces: bool,
    /// Whether the workspace lies on a small disk that gets full, and read-only.
    pub(super) has_small_disk: bool,
    /// How many boots of the machine there are.
    pub(super) boots: u32,
    /// The wall clock of some of them jumps about every so often; never with 0.
    pub(super) jump_every_ms: u64,
    /// Whether system calls of some of them are slow, and fail.
    pub(super) has_bad_calls: bool,
    /// Whether somebody collects and mends all the time.
    pub(super) has_upkeep: bool,
}

const QUIET: Setting = Setting {
    name: "quiet",
    agents: 14,
    length: Duration::from_secs(5),
    is_hot: false,
    ttl_percent: 30,
    ttl_ms: 2_000,
    lingers_percent: 3,
    deed_every_ms: 0,
    kills_of_ten: 0,
    has_namespaces: false,
    has_small_disk: false,
    boots: 1,
    jump_every_ms: 0,
    has_bad_calls: false,
    has_upkeep: false,
};

/// All rounds, in order.
pub(super) const ROUNDS: [Setting; 11] = [
    QUIET,
    Setting {
        name: "hot",
        agents: 12,
        length: Duration::from_secs(4),
        is_hot: true,
        ..QUIET
    },
    Setting {
        name: "slain-queue",
        agents: 12,
        length: Duration::from_secs(5),
        is_hot: true,
        deed_every_ms: 25,
        kills_of_ten: 8,
        ..QUIET
    },
    Setting {
        name: "kills",
        agents: 16,
        length: Duration::from_secs(8),
        deed_every_ms: 40,
        kills_of_ten: 9,
        ..QUIET
    },
    Setting {
        name: "stops",
        agents: 16,
        length: Duration::from_secs(8),
        ttl_percent: 60,
        ttl_ms: 800,
        lingers_percent: 20,
        deed_every_ms: 50,
        kills_of_ten: 1,
        ..QUIET
    },
    Setting {
        name: "namespaces",
        agents: 16,
        length: Duration::from_secs(8),
        ttl_percent: 50,
        ttl_ms: 1_500,
        deed_every_ms: 60,
        kills_of_ten: 6,
        has_namespaces: true,
        ..QUIET
    },
    Setting {
        name: "disk",
        agents: 12,
        length: Duration::from_secs(8),
        deed_every_ms: 100,
        kills_of_ten: 8,
        has_small_disk: true,
        ..QUIET
    },
    Setting {
        name: "boots",
        agents: 12,
        length: Duration::from_secs(8),
        deed_every_ms: 100,
        kills_of_ten: 8,
        boots: 3,
        ..QUIET
    },
    Setting {
        name: "calls",
        agents: 14,
        length: Duration::from_secs(9),
        deed_every_ms: 150,
        // What is traced cannot be stopped.
        kills_of_ten: 10,
        has_bad_calls: true,
        ..QUIET
    },
    Setting {
        name: "upkeep",
        agents: 8,
        length: Duration::from_secs(8),
        deed_every_ms: 100,
        kills_of_ten: 9,
        has_upkeep: true,
        ..QUIET
    },
    // The last one: what it needs is built meanwhile.
    Setting {
        name: "clocks",
        agents: 14,
        length: Duration::from_secs(9),
        ttl_percent: 50,
        ttl_ms: 900,
        lingers_percent: 10,
        deed_every_ms: 150,
        kills_of_ten: 6,
        jump_every_ms: 60,
        ..QUIET
    },
];

impl Setting {
    /// Whether nobody is killed or stopped: then nobody has to wait for long (laws L6 and L7).
    pub(super) fn is_calm(&self) -> bool {
        self.deed_every_ms == 0
    }

    /// Whether errors of the store are to be expected.
    pub(super) fn may_fail(&self) -> bool {
        self.has_small_disk
    }
}
